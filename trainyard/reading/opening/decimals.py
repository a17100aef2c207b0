"""Finds out from rows of a text what separates the fraction of numbers; runs in Glue's driver and on a laptop."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from trainyard.contract.values import NUMBER, amount, texts

# Of a column of numbers so many cells may be something else.
MOSTLY = 0.9
PLAIN = {".": NUMBER, ",": re.compile(NUMBER.pattern.replace(r"\.", ","))}
WRITTEN = {mark: re.compile(amount(mark, grouped=True)) for mark in PLAIN}
THOUSAND = 1000


@dataclass(frozen=True, kw_only=True)
class Decimal:
    """What separates fractions; `sure`: some numbers tell, so that the other mark can only stand between thousands."""

    mark: str = "."
    sure: bool = False


def decimal(rows: Sequence[Sequence[str]], *, delimiter: str) -> Decimal:
    """What separates fractions: a comma where some column is full of such numbers and none of others.

    `1.234` beside `950` counts thousands where semicolons separate the fields, as they do where commas separate
    fractions.
    """
    says = {_said(column) for column in zip(*rows, strict=False)}
    certain = [each for each in (".", ",") if each in says]
    if not certain and "perhaps ," in says and delimiter == ";":
        certain = [","]
    return Decimal(mark=certain[0] if certain else ".", sure=len(certain) == 1)


def _said(column: Sequence[str]) -> str:
    """What separates fractions in a column, `perhaps ,` where a comma may do so, empty where nothing tells."""
    found = texts(column)
    if not any("," in each or "." in each for each in found):
        return ""
    points = all(_is_number(each, ".") for each in found)
    commas = _mostly_commas(found)
    if points != commas:
        return "." if points else ","
    return _thousands(found) if points else ""


def _mostly_commas(column: Sequence[str]) -> bool:
    """Whether nearly all are numbers with a comma before the fraction; most columns of points show soon that not."""
    allowed = len(column) - MOSTLY * len(column)
    others = 0
    for each in column:
        others += not _is_number(each, ",")
        if others > allowed:
            return False
    return True


def _thousands(column: Sequence[str]) -> str:
    """What separates fractions where numbers such as 1,234 may have one.

    They count thousands where all others are below one, and some end in 0: no program that writes 950 without a
    fraction leaves a 0 at the end of one. Else nobody knows.
    """
    others = [each for each in column if each.isdecimal()]
    ended = any(each.endswith("0") and not each.isdecimal() for each in column)
    if not others or not ended or any(int(each) >= THOUSAND for each in others):
        return ""
    return "." if any("," in each for each in column) else "perhaps ,"


def _is_number(text: str, mark: str) -> bool:
    return bool(PLAIN[mark].fullmatch(text) or WRITTEN[mark].fullmatch(text))
