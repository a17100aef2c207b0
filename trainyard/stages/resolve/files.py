"""Chooses the files of a data set that a recipe reads, and says what the set still waits for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from trainyard.contract.config import RecipeConfig
from trainyard.contract.sources import Source
from trainyard.errors import BadRequest, NothingToDo
from trainyard.run.folders import OVERRIDES_FILE
from trainyard.run.run import InputFile
from trainyard.stages.resolve.request import Request
from trainyard.stages.resolve.uploads import StoredObject


def choose(
    request: Request, objects: Sequence[StoredObject], *, config: RecipeConfig, sources: Sequence[Source]
) -> tuple[InputFile, ...]:
    """The files to work on. Raises NothingToDo while one is missing, BadRequest for what can never be worked on."""
    check_upload(request, sources)
    files = match(objects, sources)
    waiting = ", ".join(missing(files, sources))
    if request.task == "train" and waiting:
        raise NothingToDo(f"waiting for {waiting}", recipe=request.recipe, dataset=request.dataset)
    if request.task == "score" and waiting:
        raise BadRequest(
            f"Expected the files to score under {request.prefix}; {waiting} is missing. Upload it there and start "
            "again."
        )
    if request.task != "train" and config.fans_out:
        raise BadRequest(
            f"Expected settings that choose one of the models of recipe {request.recipe}, found none; "
            "give those that its child executions are started with."
        )
    return files


def match(objects: Iterable[StoredObject], sources: Sequence[Source]) -> tuple[InputFile, ...]:
    """The objects that provide the recipe's tables, in the order of their keys."""
    return tuple(
        InputFile(source=source.name, key=each.key, version_id=each.version_id, size=each.size, etag=each.etag)
        for each in sorted(objects, key=lambda stored: stored.key)
        for source in sources
        if source.accepts(each.filename)
    )


def missing(files: Iterable[InputFile], sources: Sequence[Source]) -> list[str]:
    """What the set still waits for: the file names of each required table that no file provides.

    Where every table is optional, any one file will do, but there has to be one. A recipe without tables reads a
    database and waits for nothing.
    """
    present = {each.source for each in files}
    if not present and not any(source.required for source in sources):
        return [" or ".join(name for source in sources for name in source.files)] if sources else []
    return [" or ".join(source.files) for source in sources if source.required and source.name not in present]


def check_upload(request: Request, sources: Sequence[Source]) -> None:
    """Refuse a file that the recipe does not read, rather than wait for ever. Raises BadRequest."""
    name = request.upload
    if name in (None, OVERRIDES_FILE) or any(source.accepts(name) for source in sources):
        return
    known = ", ".join(file for source in sources for file in source.files)
    raise BadRequest(
        f"{request.prefix}{name}: recipe {request.recipe} reads {known} (also with .gz) and {OVERRIDES_FILE}; "
        f"found {name!r}. Rename the file or leave it out."
    )
