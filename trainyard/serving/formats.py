"""Bodies of requests into rows and predictions into bodies: JSON, JSON lines and CSV; runs in the service.

CSV starts with a line of field names, both ways. A cell is text where the field may be text, else it means what it does
in a file that is trained on: 1, 1.0 and ` 1 ` are a number, TRUE and yes are true, NA and an empty cell are a missing
value; lists and objects are JSON.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from trainyard.contract import values
from trainyard.errors import Refused
from trainyard.serving.wire import JSON, LINES, TABLE

Shape = Literal["instances", "list", "object"]


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Rows, and in which shape they came if they came as JSON."""

    rows: list[Any]
    shape: Shape = "instances"


def decode(body: bytes, media: str, *, texts: frozenset[str], max_rows: int) -> Batch:
    """The rows of a body; `texts` are the fields that may hold text.

    Raises Refused: 400 for a body without rows, 413 for one with more than `max_rows`, of which no more are read.
    """
    body = body.removeprefix(codecs.BOM_UTF8)
    read: Mapping[str, Callable[[], Batch]] = {
        JSON: lambda: _of_json(body),
        LINES: lambda: Batch(rows=list(_bounded(_of_lines(body), max_rows))),
        TABLE: lambda: Batch(rows=list(_bounded(_of_table(body, texts), max_rows))),
    }
    batch = read[media]()
    if not batch.rows:
        raise Refused(400, "Expected at least one row, found none.")
    if len(batch.rows) > max_rows:
        raise _too_many(max_rows, f"{len(batch.rows):,}")
    return batch


def _bounded(rows: Iterable[Any], max_rows: int) -> Iterator[Any]:
    for number, row in enumerate(rows):
        if number == max_rows:
            raise _too_many(max_rows, "more")
        yield row


def _too_many(max_rows: int, found: str) -> Refused:
    return Refused(413, f"Expected at most {max_rows:,} rows, found {found}; send several requests.")


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


def _of_lines(body: bytes) -> Iterator[Any]:
    """The documents of JSON lines. An empty line is a mistake, but for those at the end."""
    for number, line in enumerate(io.BytesIO(body.rstrip()), 1):
        if not line.strip():
            raise Refused(400, f"Line {number}: expected a JSON object, found an empty line; remove it or write a row.")
        yield _json(line, f"line {number}")


def _json(text: bytes, where: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        # orjson shows what it read, which may be long.
        raise Refused(400, f"Expected JSON in UTF-8 in {where}: {error!s:.150}.") from None


def _of_table(body: bytes, texts: frozenset[str]) -> Iterator[dict[str, Any]]:
    """The rows of a table. An empty line is a mistake: dropped, it would move the answers of the rows below it."""
    try:
        lines = csv.reader(io.StringIO(body.decode(), newline=""), strict=True)
        names = _names(next(lines, []))
        for number, line in enumerate(lines):
            if len(line) != len(names) or not line:
                raise _misfit(number, lines.line_num, names=names, line=line)
            yield row_of_texts(dict(zip(names, line, strict=True)), texts)
    except UnicodeDecodeError as error:
        raise Refused(400, f"Expected CSV in UTF-8, found byte {body[error.start]:#04x} at {error.start}.") from None
    except csv.Error as error:
        raise Refused(
            400, f"Expected CSV with a line of field names, found in line {lines.line_num}: {error}."
        ) from None


def _names(line: Sequence[str]) -> Sequence[str]:
    """The field names of a table."""
    twice = [name for name, times in Counter(line).items() if times > 1]
    if twice:
        raise Refused(400, f"Expected every field once in the first line, found {twice[0]!r:.60} more than once.")
    return line


def _misfit(number: int, place: int, *, names: Sequence[str], line: Sequence[str]) -> Refused:
    if not names:
        return Refused(400, "Expected CSV with a line of field names, found an empty first line.")
    wanted = f"expected {len(names)} cells as in the first line"
    if not line:
        return Refused(400, f"Line {place}: {wanted}, found an empty line; remove it or write a row.")
    return Refused(400, f"Row {number}: {wanted}, found {len(line)}.")


def row_of_texts(cells: Mapping[str, str], texts: frozenset[str]) -> dict[str, Any]:
    """A row from cells of a table or parts of an address."""
    return {
        name: text if name in texts else _value(text)
        for name, text in cells.items()
        if not (text == "" if name in texts else values.is_missing(text))
    }


def _value(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        # An amount such as 5 % may also be a category: that the field's type tells.
        plain = values.number(text) if values.NUMBER.fullmatch(text.strip()) else None
        meant = [each for each in (plain, values.boolean(text)) if each is not None]
        return meant[0] if meant else text


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
