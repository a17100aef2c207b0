"""Finds out whether the first row of a table names its columns; runs in Glue's driver and on a laptop."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from trainyard.contract.sources import plain_name
from trainyard.contract.values import amount, is_missing, texts
from trainyard.reading.opening.records import Records

NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
AMOUNTS = tuple(re.compile(amount(each, grouped=True)) for each in (".", ","))
DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T].*)?")
A_NAME = re.compile(r"[^\W\d][\w .:/%#()-]{0,40}")
JUDGED_ROWS = 500


@dataclass(frozen=True, kw_only=True)
class Header:
    """Whether there is a header, and the names in it, empty where it only numbers the columns.

    `above`: it stands above the rows, and is not the first of them. `sure`: whether that is certain, and `fits`:
    whether there are as many names as the rows have fields.
    """

    present: bool
    names: tuple[str, ...] = ()
    above: bool = False
    sure: bool = True
    fits: bool = True


def header(sample: Records, *, known: frozenset[str], given: bool | None) -> Header:
    """What the first row is; `known` are names of columns as `plain_name` writes them.

    It names the columns where people say so, where two of its fields (or the only one) are known names, or where a
    column holds numbers or dates and its first field is neither. It does not where it is made like the rows below.
    """
    if short := _without_index(sample, known=known):
        return short
    first, body = sample.rows[0], sample.rows[1:JUDGED_ROWS]
    if given is not None:
        return Header(present=given, names=_cleaned(first) if given else ())
    if len(first) > 2 and [each.strip() for each in first] == [str(index) for index in range(len(first))]:
        return Header(present=bool(body) and list(body[0]) != list(first))
    matches = sum(plain_name(each) in known for each in first)
    if matches > 1 or (matches and len(first) <= 2):
        return Header(present=True, names=_cleaned(first))
    return _by_kinds(first, body=body, matches=matches)


def _by_kinds(first: Sequence[str], *, body: Sequence[Sequence[str]], matches: int) -> Header:
    """What the first row is, by what stands below each of its fields."""
    verdicts = [_names_its_column(*each, body=body) for each in enumerate(first)]
    if True in verdicts:
        return Header(present=True, names=_cleaned(first))
    if False in verdicts or any(_typed(each) for each in first):
        return Header(present=False)
    found = _all_text(first, body=body)
    return replace(found, sure=found.sure or matches > 0)


def _without_index(sample: Records, *, known: frozenset[str]) -> Header | None:
    """The header of a table as R writes it: above the rows, with a name less, for they begin with a number each."""
    if not sample.above or len(sample.above[-1]) != sample.width - 1:
        return None
    names, rows = sample.above[-1], sample.rows[:JUDGED_ROWS]
    counted = len({row[0] for row in rows}) == len(rows) and all(row[0].isdecimal() for row in rows)
    if counted and not any(_typed(each) for each in names):
        return Header(present=True, names=("", *_cleaned(names)), above=True)
    if sum(plain_name(each) in known for each in names) > 1:
        return Header(present=True, names=_cleaned(names), above=True, fits=False)
    return None


def _cleaned(names: Sequence[str]) -> tuple[str, ...]:
    """The names in one line each, without what marks a header as a remark."""
    first, *rest = (" ".join(each.split()) for each in names)
    return (first.lstrip("#% ") or first, *rest)


def _names_its_column(index: int, field: str, *, body: Sequence[Sequence[str]]) -> bool | None:
    """True where the column below holds numbers or dates and the field is none; False where the field is one too."""
    below = texts(row[index] for row in body if index < len(row))
    if not below or is_missing(field):
        return None
    typed = sum(_typed(each) for each in below)
    if typed < 0.9 * len(below):
        return False if field.strip() in below else None
    return not _typed(field)


def _all_text(first: Sequence[str], *, body: Sequence[Sequence[str]]) -> Header:
    """A table of texts: short names that are no sentences and come in no row below may be a header; nobody knows."""
    names = tuple(each.strip() for each in first)
    like_names = all(A_NAME.fullmatch(each) for each in names if each) and len(set(names)) == len(names)
    return Header(present=like_names and bool(body), names=names if like_names and body else (), sure=not like_names)


def _typed(text: str) -> bool:
    text = text.strip()
    # One by one, without a generator: most are plain numbers, and all cells of a sample are asked.
    return bool(NUMBER.fullmatch(text) or DATE.fullmatch(text) or any(each.fullmatch(text) for each in AMOUNTS))


def numeric(rows: Sequence[Sequence[str]], *, width: int) -> tuple[int, ...]:
    """The columns of which nearly all fields are numbers."""
    places = []
    for index in range(width):
        found = texts(row[index] for row in rows[:JUDGED_ROWS] if len(row) == width)
        if found and sum(NUMBER.fullmatch(each) is not None for each in found) >= 0.95 * len(found):
            places.append(index)
    return tuple(places)
