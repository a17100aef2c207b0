"""Makes sample files of a recipe, and sorts the files of a folder into those that it reads; runs on a laptop."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from trainyard.client.data_folder import files_below
from trainyard.contract.config import RecipeConfig
from trainyard.errors import ConfigError, NotFound, TrainyardError
from trainyard.run import recipe
from trainyard.run.folders import OVERRIDES_FILE
from trainyard.run.run import InputFile
from trainyard.stages.resolve.files import file_name, missing

NAMED_FILES = 10
SIZE_UNITS = {"k": 1_000, "m": 1_000_000, "g": 1_000_000_000}


@dataclass(frozen=True, kw_only=True)
class Sorted:
    """The files of a folder by their paths in it: those that may be data, the others, and what is waited for."""

    data: dict[str, Path]
    others: tuple[str, ...]
    missing: tuple[str, ...]


def size_of(text: str) -> int:
    """A number of lines, written like `5000`, `10k` or `1.5M`; raises ConfigError."""
    unit = SIZE_UNITS.get(text[-1:].lower(), 1)
    digits = text[:-1] if unit > 1 else text
    try:
        lines = float(digits) * unit
    except ValueError:
        lines = 0.0
    if not 1 <= lines < float("inf") or not lines.is_integer():
        raise ConfigError([f"Expected a size such as 5000, 10k or 1M, found {text!r}."])
    return int(lines)


def make(recipe_name: str, directory: Path, *, size: int, seed: int) -> list[Path]:
    """Write a sample to `directory`, which must be empty or new; returns the files."""
    if directory.exists() and not directory.is_dir():
        raise TrainyardError(f"Expected a new or empty folder, found a file: {directory}; name a folder.")
    if directory.exists() and any(directory.iterdir()):
        raise TrainyardError(f"Expected a new or empty folder, found {directory} with something in it; name another.")
    sample = recipe.module(recipe_name, "sample")
    # `.` and `..` have no name of their own to put another beside.
    home = directory.resolve()
    partial = home.with_name(f".{home.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        sample.write(partial, size=size, seed=seed)
        _move(partial, home)
    except BaseException:
        # What a full disk or Ctrl-C cut off is of no use, and takes room.
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return sorted(each for each in directory.iterdir() if each.is_file())


def _move(partial: Path, home: Path) -> None:
    if not home.exists():
        partial.rename(home)
        return
    # Filled, not replaced: a shell may be in it.
    for each in partial.iterdir():
        each.rename(home / each.name)
    partial.rmdir()


def cached(recipe_name: str, samples: Path, *, size: int, seed: int) -> tuple[Path, bool]:
    """The folder below `samples` with a sample of this size and seed, and whether it had to be made."""
    directory = samples / f"{recipe_name}-{size}-{seed}"
    if directory.is_dir():
        return directory, False
    make(recipe_name, directory, size=size, seed=seed)
    return directory, True


def files_of(recipe_name: str, config: RecipeConfig, *, directory: Path) -> Sorted:
    """The files of a folder, and of those in it, as an upload of them would be understood.

    Those of required tables come last and large ones after small ones: should an upload take longer than the settling
    time, the set is not taken for complete on the way. Raises NotFound when there is no such folder or no data in it.
    """
    if not directory.is_dir():
        raise NotFound(f"Expected a folder with the recipe's files, found none at {directory}.")
    sources = recipe.sources(recipe_name, config)
    found = files_below(directory, sources, settings=config.files)
    required = {each.name for each in sources if each.required}
    data = sorted(
        (name for name, each in found.items() if each.table is not None),
        key=lambda name: (found[name].table in required, found[name].path.stat().st_size, name),
    )
    others = tuple(name for name, each in found.items() if each.table is None)
    if not data:
        known = ", ".join(file_name(each) for each in sources)
        shown = ", ".join(others[:NAMED_FILES]) or "nothing"
        raise NotFound(f"Expected files of recipe {recipe_name} in {directory} ({known}, ...); found {shown}.")
    uploaded = (InputFile(source=found[name].table or "", key=name, version_id="", size=0) for name in data)
    return Sorted(
        data={name: found[name].path for name in data},
        others=tuple(each for each in others if each != OVERRIDES_FILE),
        missing=tuple(missing(uploaded, sources)),
    )
