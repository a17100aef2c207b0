"""Looks at a folder of a data set as an upload of it would be understood, and sorts its files; runs on a laptop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trainyard.contract.config import RecipeConfig
from trainyard.contract.sources import FileSettings, Source
from trainyard.errors import NotFound
from trainyard.run import recipe
from trainyard.run.folders import OVERRIDES_FILE
from trainyard.run.run import InputFile
from trainyard.stages.resolve.files import file_name, missing, source_of

NAMED_FILES = 10


@dataclass(frozen=True, kw_only=True)
class FolderFile:
    """A file below the folder; `table` is the one it provides by its name, empty where its content has to tell, None
    where it is no data."""

    path: Path
    table: str | None


@dataclass(frozen=True, kw_only=True)
class Sorted:
    """The files of a folder by their paths in it: those that may be data, the others, and what is waited for."""

    data: dict[str, Path]
    others: tuple[str, ...]
    missing: tuple[str, ...]


def files_below(
    directory: Path, sources: Sequence[Source], *, settings: Mapping[str, FileSettings]
) -> dict[str, FolderFile]:
    """The files of a folder and of those in it, by their paths below it, in the order of these."""
    paths = {path.relative_to(directory).as_posix(): path for path in directory.rglob("*") if path.is_file()}
    return {
        name: FolderFile(path=paths[name], table=source_of(name, sources, settings=settings)) for name in sorted(paths)
    }


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
