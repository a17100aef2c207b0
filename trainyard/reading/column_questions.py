"""Says what people are asked about the columns of a file, and what they might answer; runs in Glue's driver."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence

from trainyard.contract.sources import Column, Source, plain_name
from trainyard.reading import baskets
from trainyard.reading.model import Found
from trainyard.reading.sentences import refused

SHOWN_COLUMNS = 30
SHOWN_FILES = 3
# What programs write beside the data: row numbers of pandas, of Parquet, of R.
INDEX = re.compile(r"|unnamed: ?\d+|__index_level_\d+__|rownames", re.IGNORECASE)


def below(name: str) -> str:
    """The list or object that a field belongs to, empty where it is in none.

    >>> below("items.sku")
    'items'
    """
    return name.rpartition(".")[0]


def listed(names: Sequence[str], *, most: int = SHOWN_COLUMNS) -> str:
    """Names for a sentence, however many there are."""
    shown = [each if each else "(no name)" for each in names[:most]]
    return ", ".join(shown) + (f" and {len(names) - most} more" if len(names) > most else "")


def some(names: Sequence[str]) -> str:
    """The names of a few files, and how many more there are."""
    more = len(names) - SHOWN_FILES
    return ", ".join(names[:SHOWN_FILES]) + (f" and {more:,} more" if more > 0 else "")


# Shorter names, such as id and no, are in many others that mean something else.
LONG_ENOUGH = 4
SIMILAR = 0.75
WORD = re.compile(r"[^\W\d_][^\W\d_A-Z]*|[A-Z]+(?![a-z])")


def proposal(source: Source, columns: Mapping[str, str], *, file: str = "") -> str:
    """What to write into run.json, as JSON."""
    said = {**({"file": file} if file else {}), **({"columns": dict(columns)} if columns else {})}
    return json.dumps({"files": {source.name: said}}, ensure_ascii=False)


def ambiguous(found: Found, column: Column, *, names: Sequence[str]) -> str:
    """The sentence about several columns that may be one."""
    return refused(
        found.name,
        expected=f"one column that is {column.name}",
        found=f"{len(names)} ({listed(names)})",
        advice=f"say which one in run.json as files.<table>.columns.{column.name} (its name, or its place from 1)",
    )


def guesses(found: Found, source: Source) -> dict[str, str]:
    """What a person might have to say of the required columns: the names that look most like them, in no order else."""
    required = [each for each in source.columns if each.required]
    if not found.columns:
        return {each.name: str(at) for at, each in enumerate(required, start=1)}
    free = [each for each in found.columns if not INDEX.fullmatch(each)]
    said: dict[str, str] = {}
    for alike in (_same_name, _with_name, _similar_name, lambda names, _: names[:1]):
        for column in required:
            if column.name not in said and (names := alike(free, column)):
                said[column.name] = names[0]
                free.remove(names[0])
    return said


def of_baskets(found: Found, source: Source) -> dict[str, str]:
    """What a person might have to say of a file whose lines may be baskets, nothing of another one."""
    key = baskets.basket_key(source) if found.ragged else ""
    return {key: baskets.ALL} if key else {}


def missing(found: Found, source: Source, *, columns: Sequence[Column]) -> str:
    """The sentence about columns that are needed and not there."""
    if said := of_baskets(found, source):
        return refused(
            found.name,
            expected="a first line with the names of the columns",
            found="cells without names, in each line another number",
            advice=f"if each line is a basket, say so in run.json with {proposal(source, said)}",
        )
    said = guesses(found, source)
    if not found.columns:
        return refused(
            found.name,
            expected=f"a first line with the names of the columns ({listed([each.name for each in source.columns])})",
            found=f"{found.width} column{'s' if found.width > 1 else ''} without names",
            advice=f"add that line, or say in run.json where they are, such as {proposal(source, said)},",
        )
    names = listed([each.name for each in columns])
    other = f" (also known as {listed(columns[0].synonyms[:5])})" if len(columns) == 1 and columns[0].synonyms else ""
    wanted = {each.name: said[each.name] for each in columns if each.name in said}
    say = f"say in run.json which, such as {proposal(source, wanted)}," if wanted else "add what is missing"
    return refused(
        found.name,
        expected=f"the column{'s' if len(columns) > 1 else ''} {names} of {source.name}{other}",
        found=f"the columns {listed(found.columns)}",
        advice=say,
    )


def _known(column: Column) -> list[str]:
    return [plain_name(each) for each in (column.name, *column.synonyms)]


def _same_name(names: Sequence[str], column: Column) -> list[str]:
    return [each for each in names if plain_name(each) in _known(column)]


def _with_name(names: Sequence[str], column: Column) -> list[str]:
    """Names in which a word is one of the column's: itemDescription, where item is one."""
    known = [each for each in _known(column) if len(each) >= LONG_ENOUGH]
    return [each for key in known for each in names if key in {word.casefold() for word in WORD.findall(each)}]


def _similar_name(names: Sequence[str], column: Column) -> list[str]:
    spelt = {plain_name(each): each for each in names}
    close = (difflib.get_close_matches(each, list(spelt), n=1, cutoff=SIMILAR) for each in _known(column))
    return [spelt[each] for found in close for each in found]
