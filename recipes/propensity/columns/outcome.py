"""Which column of a table has the outcome, and which of its values is yes; standard library only, runs in Glue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recipes.propensity.columns.names import (
    RANK_CONTAINED,
    RANK_EVENT,
    is_property,
    listed,
    outcome_rank,
    says_sale,
    words,
)
from recipes.propensity.columns.profile import ColumnProfile
from recipes.propensity.columns.vocabulary import DID_NOT, HAPPENED, NOT
from recipes.propensity.config import Data
from trainyard.contract import values
from trainyard.contract.sources import plain_name
from trainyard.errors import BadData

SHOWN = 8
NUMBERS_OF_CLASSES = (("0", "1"), ("1", "2"), ("-1", "1"))


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The column that says what became of a row, and its value that counts as yes; all others count as no.

    Values are in the terms of `ColumnProfile`; `why` says in words what they were chosen by. `sale` is whether the
    outcome is a sale, so that rows are visits. With no more than one value in the table, `yes` or `no` may be empty.
    """

    column: str
    yes: str
    no: str
    sale: bool
    why: str = ""

    @property
    def happened(self) -> str:
        """The outcome in words: `with a sale`, `with churned`, `with status = left`."""
        if self.sale:
            return "with a sale"
        return f"with {self.column}" if self.yes in ("true", "1", "") else f"with {self.column} = {self.yes}"

    @property
    def did_not(self) -> str:
        """The opposite of `happened`."""
        return self.happened.replace("with", "without", 1)

    @property
    def rows(self) -> str:
        """What a row of the table is called."""
        return "visits" if self.sale else "rows"

    def sentence(self, count: float) -> str:
        """How many rows have the outcome: `no visit ended in a sale`, `134 rows have status = left`."""
        many = "no" if count == 0 else "one" if count == 1 else f"{count:,.0f}"
        row, has = (self.rows, "have") if count > 1 else (self.rows[:-1], "has")
        if self.sale:
            return f"{many} {row} ended in a sale"
        return f"{many} {row} {has} {self.column} = {'yes' if self.yes in ('', 'true') else self.yes}"


# What a database's visits have; ingest counts on these names.
DATABASE_OUTCOME = Outcome(column="is_sale", yes="1", no="0", sale=True)


def outcome_column(found: Sequence[ColumnProfile], data: Data) -> ColumnProfile:
    """The column with the outcome: the named one, else the one that its name and its values tell; raises BadData.

    A column qualifies that has two values, missing ones aside, or only one under a name that is surely an outcome's.
    """
    if data.label_name:
        return _named(found, data.label_name)
    dropped = {plain_name(each) for each in (*data.drop, *data.categorical_names, *data.numeric_names)}
    candidates = [each for each in found if plain_name(each.name) not in dropped and _may_be(each)]
    if not candidates:
        raise BadData([_none_found(found)])
    best = max(map(_rank, candidates))
    top = [each for each in candidates if _rank(each) == best]
    last = found[-1]
    if len(top) > 1 and best[0] and last in top:
        return last
    doubtful = best[0] == RANK_CONTAINED and last in candidates and last not in top
    if len(top) > 1 or doubtful or not _surely(top[0], found):
        raise BadData([_which_one([*top, last] if doubtful else top)])
    return top[0]


def yes_and_no(column: ColumnProfile, data: Data, *, counts: Mapping[str, int]) -> Outcome:
    """The outcome with its yes, from the column and how often each of its values comes; raises BadData."""
    given = (data.positive or "").strip()
    if given:
        return _as_given(column, counts, given=given)
    if column.distinct > 2:
        raise BadData([_too_many(column)])
    yes, why = _yes(column, counts)
    no = next((each for each in column.values if each != yes), "")
    return Outcome(column=column.name, yes=yes, no=no, sale=says_sale(column.name), why=why)


def _named(found: Sequence[ColumnProfile], name: str) -> ColumnProfile:
    matching = [each for each in found if each.name == name] or [
        each for each in found if plain_name(each.name) == plain_name(name)
    ]
    if matching:
        return matching[0]
    raise BadData(
        [
            f"visits: expected the outcome in a column {name}, found none of that name; the columns are "
            f"{listed([each.name for each in found], most=SHOWN)}. Name one of them in data.label in run.json."
        ]
    )


def _may_be(column: ColumnProfile) -> bool:
    if column.kind in ("moment", "other") or is_property(column.name):
        return False
    if outcome_rank(column.name) >= RANK_EVENT:
        return column.distinct in (1, 2)
    return column.distinct == 2 and (column.kind not in ("whole", "number") or column.values in NUMBERS_OF_CLASSES)


def _surely(column: ColumnProfile, found: Sequence[ColumnProfile]) -> bool:
    """Whether the only column of two values is the outcome, though its name does not say so."""
    yes_or_no = column.flag or all(values.boolean(each) is not None for each in column.values)
    return bool(outcome_rank(column.name)) or yes_or_no or column is found[-1]


def _rank(column: ColumnProfile) -> tuple[int, int]:
    return outcome_rank(column.name), column.distinct


def _none_found(found: Sequence[ColumnProfile]) -> str:
    few = sorted((each for each in found if each.known), key=lambda each: each.distinct)
    shown = listed([f"{each.name} ({each.distinct:,} values)" for each in few], most=SHOWN)
    return (
        "visits: expected a column with the outcome, which has two values such as yes and no, found none; the columns "
        f"are {shown or 'without a value'}. Name it in data.label in run.json, and in data.positive its value that "
        "means yes."
    )


def _which_one(candidates: Sequence[ColumnProfile]) -> str:
    shown = listed([f"{each.name} ({' or '.join(each.values)})" for each in candidates], most=SHOWN)
    return (
        f"visits: expected one column that is surely the outcome, found {shown}. Name the one to learn in "
        f'data.label in run.json, such as {{"data": {{"label": "{candidates[-1].name}"}}}}.'
    )


def _too_many(column: ColumnProfile) -> str:
    return (
        f"visits: expected two values in the outcome {column.name}, found {column.distinct:,} from {column.lowest} to "
        f"{column.highest}; name the one that means yes in data.positive in run.json, then all others mean no."
    )


def _as_given(column: ColumnProfile, counts: Mapping[str, int], *, given: str) -> Outcome:
    meant = values.boolean(given)
    wanted = values.identifier(given).lower()
    matching = [each for each in counts if each == wanted]
    if not matching and meant is not None:
        matching = [each for each in counts if values.boolean(each) is meant]
    if not matching:
        raise BadData(
            [
                f"visits: expected {given!r} of data.positive among the values of {column.name}, found "
                f"{listed(sorted(counts), most=SHOWN)}; set data.positive to one of these."
            ]
        )
    others = [each for each in counts if each != matching[0]]
    no = others[0] if len(others) == 1 else ""
    return Outcome(column=column.name, yes=matching[0], no=no, sale=says_sale(column.name), why="as data.positive says")


def _yes(column: ColumnProfile, counts: Mapping[str, int]) -> tuple[str, str]:
    """The value that is yes, and why; empty where the only value there is means no."""
    meant = {each: _meaning(each, column.name) for each in column.values}
    if said := [each for each, says in meant.items() if says]:
        return _said_by_name(said, column.name), ""
    if denied := [each for each, says in meant.items() if says is False]:
        return next((each for each in column.values if each not in denied), ""), ""
    if column.kind == "whole" and (signs := [each for each in column.values if each.startswith("-") or each == "0"]):
        return next((each for each in column.values if each not in signs), ""), "the positive number"
    if len(column.values) < 2:
        return "", ""
    rarer = min(column.values, key=lambda each: (counts.get(each, 0), each))
    return rarer, "the rarer of the two, for no word says which; set data.positive if the other is meant"


def _said_by_name(said: Sequence[str], name: str) -> str:
    """Of values that all say that something happened, the one of which the name speaks; a loss is no win.

    >>> _said_by_name(["lost", "won"], "Won?"), _said_by_name(["lost", "won"], "stage")
    ('won', 'won')
    """
    named = [each for each in said if set(words(each.lower())) & set(words(name))]
    return (named or [each for each in said if each.lower() != "lost"] or said)[0]


def _meaning(value: str, name: str) -> bool | None:
    """Whether a value says that the outcome of this name happened; None where it does not say.

    >>> _meaning("Not churned", "status"), _meaning("attrited customer", "flag"), _meaning("b", "class")
    (False, True, None)
    """
    if (plainly := values.boolean(value.rstrip("."))) is not None:
        return plainly
    said = set(words(value.lower()))
    if not said:
        return None
    event = HAPPENED | (set(words(name)) - {"status", "flag", "class", "label"})
    if said & NOT:
        return False if said & event or said <= NOT else None
    if bool(said & event) == bool(said & DID_NOT):
        return None
    return bool(said & event)
