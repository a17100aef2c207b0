"""What each column of a table is good for: outcome, key, number, category, date, or nothing; standard library only.

Runs in Glue. What is decided here is stated in quality, report and model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from recipes.propensity.columns.names import listed, says_code, says_counter, says_key, says_number
from recipes.propensity.columns.outcome import Outcome
from recipes.propensity.columns.profile import ColumnProfile
from recipes.propensity.config import Data
from trainyard.contract.sources import plain_name

Use = Literal["outcome", "number", "category", "date", "unused"]
INPUTS = ("number", "category", "date")
DESCRIPTION_FILE = "description.json"
SHOWN = 10
# Columns of a database's visits that say which visit it is, or what became of it.
DATABASE_KEYS = ("visit_id", "visitor_id", "product_id", "visit_date", "sales_date")
# Below this share of different values a key by its name names few things, like a shop: a category.
KEY_SHARE = 0.2
# Above this share of different values texts tell single rows apart.
TEXT_SHARE = 0.5
FEWEST_ROWS = 50
# Whole numbers that are all different are keys where they lie this close together, or are this large.
KEY_SPREAD, LARGE = 10, 10**7
COUNTER = "counts the rows"
KEY_TEXT = re.compile(r"(?=.*[0-9])[\w.:@/+-]{4,}")


@dataclass(frozen=True, kw_only=True)
class ColumnUse:
    """What a column is used for, and why where it is not obvious."""

    name: str
    use: Use
    reason: str = ""
    key: bool = False


@dataclass(frozen=True, kw_only=True)
class Description:
    """What was understood of a table; kept with the model.

    `key` is the column that tells rows apart in every run, empty where all of a line has to do so. `one_value` are
    inputs that are always the same here; the model does not see them.
    """

    outcome: Outcome
    columns: tuple[ColumnUse, ...]
    key: str = ""
    one_value: tuple[str, ...] = field(default=())

    @property
    def inputs(self) -> dict[str, Use]:
        """The use of each column that describes a row."""
        return {each.name: each.use for each in self.columns if each.use in INPUTS}

    @property
    def left_out(self) -> list[tuple[str, str]]:
        """Each column that the model does not see, with the reason."""
        return [(each.name, each.reason) for each in self.columns if each.use == "unused"] + [
            (name, "is always the same") for name in self.one_value
        ]

    def notes(self, *, rows: int, happened: int) -> tuple[str, ...]:
        """What there is to say of it, in sentences."""
        outcome, share = self.outcome, f"{happened:,} of {rows:,} rows, {100 * happened / max(rows, 1):.1f} %"
        yes = f"yes is {outcome.yes!r} ({share})" if outcome.yes else f"no value of it means yes ({share})"
        why = outcome.why or "data.label and data.positive in run.json change that"
        found = [f"visits: the outcome is the column {outcome.column}, {yes}; {why}."]
        seen = {name: use for name, use in self.inputs.items() if name not in self.one_value}
        kinds = {kind: [name for name, use in seen.items() if use == kind] for kind in INPUTS}
        words = {"number": "numbers", "category": "categories", "date": "dates"}
        told = [f"{words[kind]} {listed(names, most=SHOWN)}" for kind, names in kinds.items() if names]
        found += [f"visits: inputs are the {'; '.join(told)}."] if told else []
        if self.left_out:
            reasons = listed([f"{name} ({reason})" for name, reason in self.left_out], most=SHOWN)
            advice = "data.categorical and data.numeric in run.json name columns that are inputs all the same"
            found.append(f"visits: not used as inputs: {reasons}; {advice}.")
        return tuple(found)

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Description:
        document: Mapping[str, Any] = json.loads(text)
        return cls(
            outcome=Outcome(**document["outcome"]),
            columns=tuple(ColumnUse(**each) for each in document["columns"]),
            key=document["key"],
            one_value=tuple(document["one_value"]),
        )

    def save(self, directory: Path) -> None:
        """Write `description.json`."""
        (directory / DESCRIPTION_FILE).write_text(self.to_json(), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> Description | None:
        """What `save` wrote; None where an earlier version made the model."""
        path = directory / DESCRIPTION_FILE
        return cls.from_json(path.read_text(encoding="utf-8")) if path.exists() else None


def describe(found: Sequence[ColumnProfile], outcome: Outcome, *, data: Data, database: bool) -> Description:
    """The use of each column of a table.

    A key is no input, nor is text of which nearly every row has its own; whole numbers under the name of a code are
    categories, and so are 1 and 0, which files write for yes and no. Of a `database` every column describes a visit.
    """
    decide = _use_in_database if database else _use
    uses = tuple(
        ColumnUse(name=each.name, use="outcome") if each.name == outcome.column else decide(each, data)
        for each in found
    )
    inputs = {each.name for each in uses if each.use in INPUTS}
    constant = tuple(each.name for each in found if each.name in inputs and each.complete and each.distinct == 1)
    # Where nothing varies all of it is kept: that rows are alike is said in its own words.
    return Description(
        outcome=outcome,
        columns=uses,
        key="visit_id" if database else _key(found, uses),
        one_value=constant if len(constant) < len(inputs) else (),
    )


def _use_in_database(column: ColumnProfile, data: Data) -> ColumnUse:
    if column.name in DATABASE_KEYS:
        return ColumnUse(name=column.name, use="unused", reason="names the visit", key=True)
    if column.name in data.drop:
        return ColumnUse(name=column.name, use="unused", reason="is named in data.drop")
    named = column.name in data.categorical_names
    if column.kind == "moment":
        return ColumnUse(name=column.name, use="date")
    number = column.kind in ("whole", "number") and not named
    return ColumnUse(name=column.name, use="number" if number else "category")


def _use(column: ColumnProfile, data: Data) -> ColumnUse:
    name, reason = column.name, _key_reason(column)
    key = bool(reason) and reason != COUNTER
    if _named(name, data.drop):
        return ColumnUse(name=name, use="unused", reason="is named in data.drop", key=key)
    if _named(name, data.numeric_names):
        return ColumnUse(name=name, use="number")
    if _named(name, data.categorical_names):
        return ColumnUse(name=name, use="category")
    if not column.known:
        reason = "has no value"
    elif column.kind == "other":
        reason = "holds neither numbers, texts nor dates"
    elif not reason and column.kind == "text" and column.distinct > max(TEXT_SHARE * column.rows, FEWEST_ROWS):
        reason = f"has {column.distinct:,} different texts"
    return ColumnUse(name=name, use="unused" if reason else _kind(column, data), reason=reason, key=key)


def _named(name: str, names: Sequence[str]) -> bool:
    return plain_name(name) in {plain_name(each) for each in names}


def _kind(column: ColumnProfile, data: Data) -> Use:
    if column.kind == "moment":
        return "date"
    if column.kind in ("text", "boolean") or column.flag:
        return "category"
    code = says_key(column.name) or (says_code(column.name) and column.distinct <= data.max_categories)
    return "category" if code and column.kind == "whole" else "number"


def _key_reason(column: ColumnProfile) -> str:
    """Why a column is a key, empty where it is none; depends on the table alone, for the holdout depends on it."""
    if column.kind not in ("whole", "text") or column.distinct <= FEWEST_ROWS:
        return ""
    all_differ = column.distinct == column.known
    if all_differ and says_counter(column.name):
        return COUNTER
    named = says_key(column.name) and column.distinct >= KEY_SHARE * column.known
    unnamed = _all_keys(column) or says_number(column.name) or _texts_like_keys(column)
    return "is a key" if named or (all_differ and unnamed) else ""


def _all_keys(column: ColumnProfile) -> bool:
    """Whether whole numbers that are all different are a key's rather than a quantity's."""
    if column.kind != "whole" or not column.complete:
        return False
    lowest, highest = int(column.lowest), int(column.highest)
    return lowest >= LARGE or highest - lowest < KEY_SPREAD * column.rows


def _texts_like_keys(column: ColumnProfile) -> bool:
    return column.kind == "text" and column.complete and all(map(KEY_TEXT.fullmatch, column.values))


def _key(found: Sequence[ColumnProfile], uses: Sequence[ColumnUse]) -> str:
    """The column that tells rows, or whose they are, in every run: the first of different values, else the first."""
    complete = [(each, use) for each, use in zip(found, uses, strict=True) if use.key and each.complete]
    for column, _ in complete:
        if column.unique:
            return column.name
    return complete[0][0].name if complete else ""
