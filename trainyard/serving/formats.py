"""Bodies of requests into rows and predictions into bodies: JSON, JSON lines and CSV; runs in the service.

CSV starts with a line of field names, both ways. A cell is text where the field may be text, else JSON; an empty cell
is a missing value.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from trainyard.errors import Refused
from trainyard.serving.wire import ALIASES, JSON, LINES, MEDIA, TABLE

Shape = Literal["instances", "list", "object"]


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Rows, and in which shape they came if they came as JSON."""

    rows: list[Any]
    shape: Shape = "instances"


def content_type(header: str) -> str:
    """The media type of a body; no header means JSON. Raises Refused (415) for another type or character set."""
    name, _, parameters = header.lower().partition(";")
    media = ALIASES.get(name.strip(), name.strip()) or JSON
    charset = parameters.partition("charset=")[2].split(";")[0].strip(' "') or "utf-8"
    if media not in MEDIA or charset not in {"utf-8", "utf8", "us-ascii"}:
        raise Refused(415, f"Expected Content-Type {', '.join(MEDIA)} in UTF-8, found {header!r:.100}.")
    return media


def accepted(header: str, given: str) -> str:
    """The media type of the answer: the first that `Accept` names and the service speaks, as `given` if it may be any.

    Raises Refused (406) when there is none.
    """
    if header in {"", "*/*"}:
        return given
    choices = [_choice(each) for each in header.lower().split(",")]
    for _, name in sorted((each for each in choices if each[0] > 0), key=lambda each: -each[0]):
        media = ALIASES.get(name, name)
        if media in MEDIA:
            return media
        if name == "*/*":
            return given
        if name in {"application/*", "text/*"}:
            return JSON if name == "application/*" else TABLE
    raise Refused(406, f"Expected Accept {', '.join(MEDIA)} or */*, found {header!r:.100}.")


def _choice(text: str) -> tuple[float, str]:
    name, _, weight = text.partition(";q=")
    try:
        return float(weight or 1.0), name.partition(";")[0].strip()
    except ValueError:
        return 0.0, ""


def decode(body: bytes, media: str, *, texts: frozenset[str]) -> Batch:
    """The rows of a body; `texts` are the fields that may hold text. Raises Refused (400) for a body without rows."""
    read: Mapping[str, Callable[[], Batch]] = {
        JSON: lambda: _of_json(body),
        LINES: lambda: Batch(
            rows=[_json(line, f"line {n}") for n, line in enumerate(body.split(b"\n"), 1) if line.strip()]
        ),
        TABLE: lambda: Batch(rows=_of_table(body, texts)),
    }
    batch = read[media]()
    if not batch.rows:
        raise Refused(400, "Expected at least one row, found none.")
    return batch


def _of_json(body: bytes) -> Batch:
    document = _json(body, "the body")
    if isinstance(document, list):
        return Batch(rows=document, shape="list")
    if isinstance(document, dict) and "instances" in document:
        rows = document["instances"]
        if not isinstance(rows, list) or len(document) != 1:
            raise Refused(400, 'Expected {"instances": [row, ...]} and nothing else beside it.')
        return Batch(rows=rows)
    return Batch(rows=[document], shape="object")


def _json(text: bytes, where: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        # orjson shows what it read, which may be long.
        raise Refused(400, f"Expected JSON in UTF-8 in {where}: {error!s:.150}.") from None


def _of_table(body: bytes, texts: frozenset[str]) -> list[dict[str, Any]]:
    try:
        lines = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True)
        names, *cells = [line for line in lines if line] or [[]]
    except UnicodeDecodeError as error:
        raise Refused(400, f"Expected CSV in UTF-8, found byte {body[error.start]:#04x} at {error.start}.") from None
    except csv.Error as error:
        raise Refused(400, f"Expected CSV with a line of field names, found: {error}.") from None
    rows = []
    for number, line in enumerate(cells):
        if len(line) != len(names):
            raise Refused(400, f"Row {number}: expected {len(names)} cells as in the first line, found {len(line)}.")
        rows.append(row_of_texts(dict(zip(names, line, strict=True)), texts))
    return rows


def row_of_texts(cells: Mapping[str, str], texts: frozenset[str]) -> dict[str, Any]:
    """A row from cells of a table or parts of an address."""
    return {name: text if name in texts else _value(text) for name, text in cells.items() if text != ""}


def _value(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def encode(predictions: Sequence[Any], media: str, *, shape: Shape) -> bytes:
    """The body of an answer: a mapping's numbers keep all their digits."""
    if media == JSON:
        if shape == "instances":
            return orjson.dumps({"predictions": predictions})
        return orjson.dumps(predictions[0] if shape == "object" else predictions)
    if media == LINES:
        return b"".join(orjson.dumps(each) + b"\n" for each in predictions)
    return _table(predictions)


def _table(predictions: Sequence[Any]) -> bytes:
    rows = [each if isinstance(each, Mapping) else {"prediction": each} for each in predictions]
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_cell(row.get(name)) for name in names] for row in rows)
    return text.getvalue().encode()


def _cell(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return orjson.dumps(value).decode()
