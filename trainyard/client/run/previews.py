"""The beginning of an artifact, as a table or as text, without fetching all of it; runs on a laptop."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePosixPath
from typing import Any

from trainyard.client.run import apart
from trainyard.client.run.artifacts import RunArtifacts
from trainyard.errors import BadRequest
from trainyard.pages.formats import indented

ROWS = 50
TEXT_BYTES = 200_000
# A Parquet file is read by its columns, so all of it: of a longer one nothing is shown.
TABLE_BYTES = 64 << 20
TEXTS = (".json", ".jsonl", ".txt", ".csv", ".md", ".log")
IMAGES = {".png": "image/png", ".webp": "image/webp", ".jpg": "image/jpeg"}
LONGEST_CELL = 200


@dataclass(frozen=True, kw_only=True)
class Preview:
    """A table with its first rows of `count`, or else the first `text` of `size` bytes."""

    columns: Sequence[str] = ()
    types: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    count: int = 0
    text: str = ""
    size: int = 0


def can(name: str) -> bool:
    """Whether a file of this name can be shown."""
    return PurePosixPath(name).suffix.lower() in (".parquet", *TEXTS, *IMAGES)


def content(run: RunArtifacts, path: str, *, most: int) -> tuple[bytes, int]:
    """At most the first `most` bytes of a file of a run, and how many it has. Raises NotFound."""
    body, size = run.opened(path)
    with closing(body):
        found: bytes = body.read(most)
    return found, size


def preview(run: RunArtifacts, path: str) -> Preview:
    """The beginning of a file. Raises NotFound, and BadRequest for one that cannot be shown."""
    if PurePosixPath(path).suffix.lower() == ".parquet":
        return _table(*content(run, path, most=TABLE_BYTES), path=path)
    if PurePosixPath(path).suffix.lower() not in TEXTS:
        raise BadRequest(f"Expected a file ending in .parquet, {', '.join(TEXTS)}; found {path!r:.200}. Download it.")
    start, size = content(run, path, most=TEXT_BYTES)
    text = start.decode("utf-8", "replace")
    if path.lower().endswith(".json") and len(start) == size:
        text = indented(text)
    return Preview(text=text, size=size)


def _table(content: bytes, size: int, *, path: str) -> Preview:
    if len(content) < size:
        raise BadRequest(
            f"Expected at most {TABLE_BYTES >> 20} MB, found {size >> 20} MB in {path!r:.200}. Download it."
        )
    return apart.called(_read, content, path=path)


def _read(content: bytes, *, path: str) -> Preview:
    # Only here, for it takes a quarter of a second.
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(io.BytesIO(content))
        batches = file.iter_batches(batch_size=ROWS)
        rows = [row for batch in islice(batches, 1) for row in batch.to_pylist()]
    except pa.ArrowInvalid as error:
        raise BadRequest(f"Expected Parquet in {path!r:.200}, found other content: {error!s:.200}.") from error
    schema = file.schema_arrow
    return Preview(
        columns=schema.names,
        types=[str(each) for each in schema.types],
        rows=[[cell(row[name]) for name in schema.names] for row in rows],
        count=file.metadata.num_rows,
        size=len(content),
    )


def cell(value: Any) -> str:
    """A value as a short text."""
    text = "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= LONGEST_CELL else text[: LONGEST_CELL - 1] + "…"
