"""Says in words how a text file was read, and what people are asked about it; runs in Glue's driver and on a laptop."""

from __future__ import annotations

from collections.abc import Iterator

from trainyard.contract.quoting import quoted
from trainyard.contract.sources import FileSettings
from trainyard.reading.opening.dialect import word
from trainyard.reading.opening.opened_text import OpenedText
from trainyard.reading.sentences import refused


def read_as(opened: OpenedText, *, decimal: str) -> tuple[str, ...]:
    """How a file was read, nothing for UTF-8 with commas and a header."""
    dialect, top = opened.sample.dialect, opened.top
    words = {
        word(dialect.delimiter): True,
        "decimal comma": decimal == ",",
        "single quotes": dialect.quote == "'",
        "quotes after backslashes": dialect.escape == "\\",
        "no header": not top.present and dialect.delimiter != "",
        "one text a line": not top.present and dialect.delimiter == "",
        f"header in line {opened.first - 1}": top.present and opened.sample.above[top.above :],
    }
    return (*(each for each, said in words.items() if each and said), *opened.text.read_as)


def doubts(opened: OpenedText, settings: FileSettings, *, quotes: bool) -> tuple[str, ...]:
    """A sentence for each thing that may be as well another one, with the setting that says which."""
    table = opened.text.source or "<table>"
    return tuple(
        refused(
            opened.text.name,
            expected=expected,
            found=found,
            advice=f"say which in run.json (files.{table}.{setting})",
        )
        for expected, found, setting in _doubts(opened, settings, quotes=quotes)
    )


def _doubts(opened: OpenedText, settings: FileSettings, *, quotes: bool) -> Iterator[tuple[str, str, str]]:
    """What is expected, what was found, and the name of the setting."""
    text, top = opened.text, opened.top
    if opened.choice.rival and settings.delimiter is None:
        one, other = word(opened.choice.delimiter) or "comma", word(opened.choice.rival) or "comma"
        yield "one delimiter", f"{one} or {other}, equally well", "delimiter"
    if not top.sure and settings.header is None:
        first = quoted(", ".join(opened.sample.rows[0]))
        yield "names of columns, or data", f"in its first row what may be either: {first}", "header"
    if not top.fits:
        expected = f"as many fields as there are names ({len(top.names)})"
        yield expected, f"{opened.sample.width} in most lines", "delimiter or .quote"
    if quotes and settings.quote is None:
        yield "quotes that enclose fields, or mean nothing", "what may be either", "quote"
    if text.rival and settings.encoding is None:
        yield "one encoding", f"{text.encoding} or {text.rival}, equally likely", "encoding"
