"""Makes a table of DuckDB's out of a text file of any encoding and dialect; runs in Glue's driver and on a laptop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import duckdb

from trainyard.contract.sources import FileSettings, Source, plain_name
from trainyard.errors import BadData
from trainyard.reading import baskets
from trainyard.reading.model import Found
from trainyard.reading.opening import plain_text, quotes
from trainyard.reading.opening.decimals import decimal
from trainyard.reading.opening.dialect import encloses
from trainyard.reading.opening.header import Header, numeric
from trainyard.reading.opening.opened_text import OpenedText, opened_text
from trainyard.reading.opening.plain_text import Text
from trainyard.reading.opening.samples import sample
from trainyard.reading.opening.text_scan import MAX_LINE_BYTES, plain_numbers
from trainyard.reading.opening.wording import doubts, read_as


def csv_table(
    connection: duckdb.DuckDBPyConnection, text: Text, *, settings: FileSettings, sources: Sequence[Source]
) -> Found:
    """The table in a text as `as_utf8` gives it.

    Raises BadData for a file without text, for lines of more than 1 MiB, and where a file that is a table by its name
    can be read in two ways; of other files this is a doubt.
    """
    opened = opened_text(text, settings, known=names_known(sources) | _names_said(settings))
    if not opened.top.sure and _has_layout(opened, sources):
        opened = replace(opened, top=Header(present=False))
    if baskets.said(settings) and (text.source or settings.file or not opened.top.present):
        return baskets.baskets(opened, settings)
    opened, unsure = _with_quotes_settled(connection, opened, said=settings.quote)
    asked = doubts(opened, settings, quotes=unsure)
    if asked and text.source:
        raise BadData(asked)
    found = _found(opened, settings)
    return replace(found, doubts=asked, ragged=baskets.ragged(found, lines=baskets.sample_lines(opened)))


def _has_layout(opened: OpenedText, sources: Sequence[Source]) -> bool:
    """Whether the table that a file is by its name comes without a header and with so many columns."""
    layouts = [layout for each in sources if each.name == opened.text.source for layout in each.layouts]
    return any(len(each.columns) == opened.sample.width for each in layouts)


def names_known(sources: Sequence[Source]) -> frozenset[str]:
    """All names that columns of the recipe's tables go by."""
    columns = [column for source in sources for column in source.columns]
    return frozenset(plain_name(name) for each in columns for name in (each.name, *each.synonyms))


def _names_said(settings: FileSettings) -> frozenset[str]:
    """The names of columns that people say: a place is none, and neither is a pattern of signs alone."""
    names = (plain_name(each) for each in settings.columns.values() if not each.isdecimal())
    return frozenset(each for each in names if each)


def _with_quotes_settled(
    connection: duckdb.DuckDBPyConnection, opened: OpenedText, *, said: str | None
) -> tuple[OpenedText, bool]:
    """The same with a dialect that fits the whole file as to its quotes, and whether another fits as well."""
    dialect, seen = opened.sample.dialect, opened.seen
    if dialect.quote == '"' and not seen.quotes:
        return opened.taken_apart(replace(dialect, quote="", escape="")), False
    odd = seen.uneven or seen.loose if dialect.quote == '"' else dialect.quote
    if not odd or said is not None or opened.sample.width < 2:
        return opened, False
    head = plain_text.legible(sample(opened.text.path).head)
    task = quotes.Task(
        parsed=opened.parsed,
        key=opened.text.key,
        enclosed=encloses(head, dialect),
        numeric=numeric(opened.rows, width=opened.sample.width),
    )
    settled = quotes.settled(connection, task, target=opened.text.folder / "mended")
    text = replace(opened.text, path=settled.parsed.path)
    if settled.parsed.dialect != dialect:
        text = replace(text, read_as=(*text.read_as, "no quotes"))
    return replace(opened, text=text).taken_apart(settled.parsed.dialect), settled.unsure


def _found(opened: OpenedText, settings: FileSettings) -> Found:
    text, parsed, top, seen = opened.text, opened.parsed, opened.top, opened.seen
    rejects = f"rejected_{text.key}"
    relation = parsed.relation(rejects=rejects)
    if not parsed.dialect.delimiter and not top.present:
        # A blank line between two texts is no text.
        relation = f"(SELECT c0 FROM {relation} WHERE c0 IS NOT NULL)"  # noqa: S608
    only_digits = seen.only_digits and (top.present or _first_line_is_numbers(opened))
    fraction = decimal(opened.spread_rows, delimiter=opened.choice.delimiter)
    mark = settings.decimal or fraction.mark
    return Found(
        name=text.name,
        source=text.source,
        relation=relation,
        as_integers=parsed.relation(rejects=rejects, kind="BIGINT") if only_digits else "",
        columns=top.names[: parsed.width],
        width=parsed.width,
        read_as=read_as(opened, decimal=mark),
        decimal=mark,
        grouped=settings.decimal is not None or fraction.sure,
        lines=seen.lines,
        first_row=opened.first,
        only_digits=only_digits,
        empty_rows=_has_empty_rows(opened),
        rejects=rejects,
        text=text.path,
        delimiter=parsed.dialect.delimiter,
        quote=parsed.dialect.quote,
    )


def _has_empty_rows(opened: OpenedText) -> bool:
    """Whether a sample has rows of nothing but delimiters, which spreadsheets write of cells that were cleared."""
    return opened.sample.width > 1 and not all(map(any, opened.spread_rows))


def _first_line_is_numbers(opened: OpenedText) -> bool:
    with opened.text.path.open("rb") as file:
        return plain_numbers(b"\n" + file.readline(MAX_LINE_BYTES), delimiter=opened.choice.delimiter.encode())
