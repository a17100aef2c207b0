"""Chooses the files of a data set that a recipe may read, and says what the set still waits for; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from trainyard.contract.config import RecipeConfig
from trainyard.contract.file_names import ARCHIVES, DATABASES, FORMATS, is_debris, may_hold_tables, unpacked_name
from trainyard.contract.sources import FileSettings, Source
from trainyard.errors import BadRequest, NothingToDo
from trainyard.run.folders import NO_DATA
from trainyard.run.run import InputFile
from trainyard.stages.resolve.request import Request
from trainyard.stages.resolve.uploads import StoredObject

# Of a recipe that reads a database: an upload is not what its runs begin with.
BY_HAND = "with these settings the data come from a database, which an upload does not read; start the run by itself"


def choose(
    request: Request, objects: Sequence[StoredObject], *, config: RecipeConfig, sources: Sequence[Source]
) -> tuple[InputFile, ...]:
    """The files to work on. Raises NothingToDo while one is missing, BadRequest for what can never be worked on."""
    files = match(objects, sources, settings=config.files)
    if request.task == "verify":
        # There is one table only, and people name files of labels after days and months.
        times = {each.key: each.modified.astimezone(UTC).replace(tzinfo=None).isoformat() for each in objects}
        files = tuple(replace(each, source=sources[0].name, uploaded_at=times[each.key]) for each in files)
    waiting = ", ".join(missing(files, sources))
    by_upload = request.upload is not None
    if waiting and (by_upload or request.task == "train"):
        raise NothingToDo(f"waiting for {waiting}{_left_out(objects, files)}", **_where(request))
    if by_upload and config.reads_database and request.task == "train":
        raise NothingToDo(BY_HAND, **_where(request))
    if request.task in ("score", "verify") and waiting:
        raise BadRequest(
            f"Expected the files to {request.task} under {request.prefix}; {waiting} is missing. Upload it there and "
            "start again."
        )
    if request.task != "train" and config.fans_out:
        raise BadRequest(
            f"Expected settings that choose one of the models of recipe {request.recipe}, found none; "
            "give those that its child executions are started with."
        )
    return files


def match(
    objects: Iterable[StoredObject], sources: Sequence[Source], *, settings: Mapping[str, FileSettings]
) -> tuple[InputFile, ...]:
    """The objects that may be data, in the order of their keys, each with the table that it provides by its name."""
    named = [(source_of(each.name, sources, settings=settings), each) for each in objects] if sources else []
    return tuple(
        InputFile(source=source, key=each.key, version_id=each.version_id, size=each.size, etag=each.etag)
        for source, each in sorted(named, key=lambda pair: pair[1].key)
        if source is not None
    )


def source_of(name: str, sources: Sequence[Source], *, settings: Mapping[str, FileSettings]) -> str | None:
    """The table that a file provides by its name, empty where its content has to tell, None where it is no data.

    What people say in `files.<table>.file` outranks the names that a recipe knows.
    """
    if is_debris(name) or PurePosixPath(name).name in NO_DATA:
        return None
    said = {each.name: settings[each.name].file for each in sources if each.name in settings}
    for table, pattern in said.items():
        if pattern and any(fnmatchcase(each.lower(), pattern.lower()) for each in (name, PurePosixPath(name).name)):
            return table
    databases = [each for each in sources if each.format == "sqlite"]
    if databases and name.lower().endswith(DATABASES):
        return databases[0].name
    for source in sources:
        if not said.get(source.name) and source.accepts(name):
            return source.name
    return "" if _may_be_data(name) else None


def _may_be_data(name: str) -> bool:
    """Whether the ending is one of a format that is read, of a packing alone, or there is none."""
    path = PurePosixPath(unpacked_name(name.lower()))
    return path.suffix in ("", *FORMATS, *ARCHIVES)


def missing(files: Iterable[InputFile], sources: Sequence[Source]) -> list[str]:
    """What the set still waits for: a name for each required table that no file provides.

    A file that no name tells a table of may be any of them, and an archive or a workbook may hold all of them, whatever
    it is called: the set is complete then, and reading the files tells what is missing. Where every table is optional,
    any one file will do, but there has to be one. A recipe without tables reads a database and waits for nothing.
    """
    chosen = list(files)
    present = {each.source for each in chosen}
    if "" in present or any(may_hold_tables(each.name) for each in chosen):
        return []
    if not present and not any(source.required for source in sources):
        return [" or ".join(file_name(source) for source in sources)] if sources else []
    return [file_name(source) for source in sources if source.required and source.name not in present]


def file_name(source: Source) -> str:
    """How a file of a table is called, for a reader."""
    first = source.files[0]
    return first if PurePosixPath(first).suffix else f"{first}.{'sqlite' if source.format == 'sqlite' else 'csv'}"


def _left_out(objects: Sequence[StoredObject], files: Sequence[InputFile]) -> str:
    """Which objects are no data, for whoever waits in vain."""
    chosen = {each.key for each in files}
    names = [each.name for each in objects if each.key not in chosen and each.name not in NO_DATA]
    if not names:
        return ""
    named = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return (
        f"; ignored, for no format that is read has such an ending: {named} (if one of them is data, name it in "
        "run.json as files.<table>.file)"
    )


def _where(request: Request) -> dict[str, str]:
    return {"recipe": request.recipe, "dataset": request.dataset}
