"""Makes sample files of a recipe; runs on a laptop."""

from __future__ import annotations

import shutil
from pathlib import Path

from trainyard.errors import ConfigError, TrainyardError
from trainyard.run import recipe

SIZE_UNITS = {"k": 1_000, "m": 1_000_000, "g": 1_000_000_000}


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
