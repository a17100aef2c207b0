"""Looks at a folder of a data set as an upload of it would be understood; runs on a laptop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trainyard.contract.sources import FileSettings, Source
from trainyard.stages.resolve.files import source_of


@dataclass(frozen=True, kw_only=True)
class FolderFile:
    """A file below the folder; `table` is the one it provides by its name, empty where its content has to tell, None
    where it is no data."""

    path: Path
    table: str | None


def files_below(
    directory: Path, sources: Sequence[Source], *, settings: Mapping[str, FileSettings]
) -> dict[str, FolderFile]:
    """The files of a folder and of those in it, by their paths below it, in the order of these."""
    paths = {path.relative_to(directory).as_posix(): path for path in directory.rglob("*") if path.is_file()}
    return {
        name: FolderFile(path=paths[name], table=source_of(name, sources, settings=settings)) for name in sorted(paths)
    }
