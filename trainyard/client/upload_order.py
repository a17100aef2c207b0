"""Orders the files of a data set so that only the last one completes it: an upload trains once; runs on a laptop."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from trainyard.contract.sources import Source
from trainyard.errors import BadRequest


def completing_last(files: Sequence[Path], sources: Sequence[Source], *, settings: bool) -> list[Path]:
    """`files` in their order, but with one at the end without which the data set is incomplete.

    Every upload starts an execution that trains if the set is complete by then. `settings` says that a run.json is
    uploaded too. Raises BadRequest where several uploads would each find a complete set.
    """
    needed = [file for file in files if _needed(file, files=files, sources=sources)]
    if needed:
        return [*(each for each in files if each != needed[-1]), needed[-1]]
    if len(files) + settings > 1:
        names = ", ".join([*(each.name for each in files), *(["settings"] if settings else [])])
        raise BadRequest(
            f"Expected a required table that exactly one of the files provides, so that its upload alone starts a run; "
            f"found {names}, which would train once each. {_advice(files, sources)}"
        )
    return list(files)


def _needed(file: Path, *, files: Sequence[Path], sources: Sequence[Source]) -> bool:
    """Whether a table that the recipe cannot do without comes from this file alone."""
    if not any(source.required for source in sources):
        return len(files) == 1
    alone = [source for source in sources if [each for each in files if source.accepts(each.name)] == [file]]
    return any(source.required for source in alone)


def _advice(files: Sequence[Path], sources: Sequence[Source]) -> str:
    if not any(source.required for source in sources):
        return "Leave one file."
    required = [each for each in sources if each.required]
    if any(source.accepts(file.name) for source in required for file in files):
        return "Leave one file of each table."
    return f"Add {' and '.join(' or '.join(each.files) for each in required)}."
