"""What was measured of a run's data: columns of its tables, split sizes, and lines set aside; runs on a laptop.

Nothing is measured again: types, gaps and bounds of columns are what the footers of ingest's Parquet files say, which
are all that is fetched of them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from trainyard.client.run import apart, tables
from trainyard.client.run.artifacts import Artifact, RunArtifacts
from trainyard.client.run.previews import cell
from trainyard.errors import NotFound
from trainyard.run.documents import PrepareSummary
from trainyard.run.stage import Stage
from trainyard.stages.process import FIGURES_FILE

# How the names of those figures of stage process begin that are sizes of the split.
ROLES = ("train", "validation", "holdout")
REJECTED = f"{Stage.INGEST}/rejected/"
SHOWN_LINES = 100
# A table of more files is described by so many of them.
MOST_FILES = 64
READ_AT_ONCE = 8
# Holds the footer of most files; of a larger one the rest is asked for.
FOOTER_BYTES = 16 << 10
MAGIC = b"PAR1"


@dataclass(frozen=True, kw_only=True)
class ColumnFigures:
    """A column; None and empty where the files do not say. `at_least` marks a count of different values in one part."""

    name: str
    type: str
    missing: int | None
    distinct: int | None
    at_least: bool
    lowest: str
    highest: str


@dataclass(frozen=True, kw_only=True)
class TableFigures:
    """A table as ingest kept it; `unread` of its files are not among the figures."""

    name: str
    rows: int
    columns: Sequence[ColumnFigures]
    unread: int = 0


@dataclass(frozen=True, kw_only=True)
class RejectedLines:
    """The lines of a table that could not be read: the first of `count`, and where all of them lie."""

    table: str
    path: str
    columns: Sequence[str]
    lines: Sequence[Sequence[str]]
    count: int


def profiles(run: RunArtifacts) -> list[TableFigures]:
    """The tables of a run, as far as stage ingest's files are still there."""
    start = f"{Stage.INGEST}/"
    found = tables.tables(run, start)
    kept = {path.removeprefix(start): _footers(run, keys) for path, keys in found.items()}
    profiled = apart.called(_profiles, kept) if kept else []
    return [replace(each, unread=len(found[start + each.name]) - len(kept[each.name])) for each in profiled]


def split(run: RunArtifacts) -> list[tuple[str, int]]:
    """How many examples each part of the split has, by the names of stage process; empty before that."""
    figures: Mapping[str, float] = run.json(Stage.PROCESS, FIGURES_FILE) or {}
    return [(name, int(value)) for name, value in figures.items() if name.split("_")[0] in ROLES]


def prepared(run: RunArtifacts) -> Mapping[str, int]:
    """The rows of each prepared table; empty before stage prepare has ended."""
    found = run.document(Stage.PREPARE, PrepareSummary)
    return found.rows if found else {}


def rejected(run: RunArtifacts, listed: Iterable[Artifact]) -> list[RejectedLines]:
    """The lines that ingest set aside, by table; `listed` are the run's files."""
    paths = [each.key.removeprefix(f"{run.prefix}/") for each in listed]
    return [_rejected(run, path) for path in paths if path.startswith(REJECTED) and path.endswith(".csv")]


def _rejected(run: RunArtifacts, path: str) -> RejectedLines:
    body, _ = run.opened(path)
    with closing(body):
        # All of them are counted as they come, and only the first are kept.
        reader = csv.reader(_text_lines(body))
        columns = next(reader, [])
        first = list(islice(reader, SHOWN_LINES))
        count = len(first) + sum(1 for _ in reader)
    table = path.removeprefix(REJECTED).removesuffix(".csv")
    return RejectedLines(table=table, path=path, columns=columns, lines=first, count=count)


def _text_lines(body: Any) -> Iterator[str]:
    """Lines with their ends, for a cell may hold several."""
    for line in body.iter_lines(keepends=True):
        yield line.decode("utf-8", "replace")


def _footers(run: RunArtifacts, keys: Sequence[str]) -> Mapping[str, bytes]:
    """The footers of the first files of a table by their keys."""
    read = sorted(keys)[:MOST_FILES]
    with ThreadPoolExecutor(READ_AT_ONCE) as pool:
        return dict(zip(read, pool.map(lambda key: _footer(run, key), read), strict=True))


def _profiles(tables_of: Mapping[str, Mapping[str, bytes]]) -> list[TableFigures]:
    return [_profile(name, [_parsed(*each) for each in footers.items()]) for name, footers in tables_of.items()]


def _profile(name: str, footers: Sequence[Any]) -> TableFigures:
    groups = [each.row_group(number) for each in footers for number in range(each.num_row_groups)]
    schema = footers[0].schema.to_arrow_schema()
    chunks: dict[str, list[Any]] = {each: [] for each in schema.names}
    for group in groups:
        for number in range(group.num_columns):
            chunk = group.column(number)
            # The parts of a list or a structure say nothing of the column.
            if chunk.path_in_schema in chunks:
                chunks[chunk.path_in_schema].append(chunk.statistics)
    columns = [_column(each.name, str(each.type), said=chunks[each.name]) for each in schema]
    rows = sum(each.num_rows for each in footers)
    return TableFigures(name=name, rows=rows, columns=columns)


def _column(name: str, kind: str, *, said: Sequence[Any]) -> ColumnFigures:
    known = [each for each in said if each is not None]
    complete = bool(known) and len(known) == len(said)
    bounded = [each for each in known if each.has_min_max]
    distinct = [each.distinct_count for each in known if each.has_distinct_count]
    return ColumnFigures(
        name=name,
        type=kind,
        missing=sum(each.null_count for each in known) if complete else None,
        distinct=max(distinct, default=None),
        at_least=len(said) > 1,
        lowest=cell(min(each.min for each in bounded)) if bounded else "",
        highest=cell(max(each.max for each in bounded)) if bounded else "",
    )


def _footer(run: RunArtifacts, key: str) -> bytes:
    """The end of a Parquet file, in which it says what it holds."""
    end = _end(run, key, size=FOOTER_BYTES)
    needed = int.from_bytes(end[-8:-4], "little") + 8
    if needed > len(end):
        end = _end(run, key, size=needed)
    return end[-needed:]


def _parsed(key: str, footer: bytes) -> Any:
    """What a Parquet file says of itself. Raises NotFound for another kind of file."""
    # Only here, for it takes a quarter of a second.
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_metadata(io.BytesIO(MAGIC + footer))
    except pa.ArrowInvalid as error:
        raise NotFound(f"Expected Parquet at {key!r:.200}, found other content: {error!s:.200}.") from error


def _end(run: RunArtifacts, key: str, *, size: int) -> bytes:
    s3, bucket = run.deployment.target.client("s3"), run.deployment.artifacts_bucket
    content: bytes = s3.get_object(Bucket=bucket, Key=key, Range=f"bytes=-{size}")["Body"].read()
    return content
