"""Decides what the columns of a table are for: the key, the target, what is learned from and what is left out; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, count

from trainyard.client.recipe.profile import FileColumn, FileTable
from trainyard.contract.sources import plain_name
from trainyard.contract.tabular.table import Task
from trainyard.contract.values import boolean, identifier
from trainyard.errors import BadData, BadRequest
from trainyard.run.settings.suggestion import did_you_mean

# Whole numbers of so few values are rather classes than counts.
FEW_CLASSES, MAX_CLASSES = 10, 100
# A column of texts whose values hardly repeat says nothing about other rows.
REPEATED = 0.5
KEY_NAME = re.compile(r"(.*[_ .-])?(id|key|uuid|guid|nr|no|number|code)|.*(Id|ID|Key|Nr|No)")
PLACE = "row"


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A column that nothing is learned from, and why."""

    name: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Understood:
    """A table as a recipe will read it; `key` is None where a row is known by its place alone."""

    table: FileTable
    task: Task
    target: FileColumn
    key: FileColumn | None
    features: tuple[FileColumn, ...]
    left_out: tuple[LeftOut, ...]
    positive: str

    @property
    def key_name(self) -> str:
        """The column that rows are held out by; the place of a row is called as none of the table's columns is."""
        if self.key:
            return self.key.name
        taken = {each.name.casefold() for each in self.table.columns}
        free = chain((PLACE,), (f"{PLACE}_{number}" for number in count(2)))
        return next(each for each in free if each not in taken)

    @property
    def repeated_keys(self) -> bool:
        """Whether several rows have the same key."""
        return self.key is not None and self.key.distinct < self.table.rows


def understand(table: FileTable, *, target: str, key: str = "", task: Task | None = None) -> Understood:
    """What each column is for. Raises BadRequest for a column that there is not, BadData for a target of one value."""
    label = _named(table, target, option="--target")
    chosen = task or _task(label)
    _require_usable(label, chosen)
    others = [each for each in table.columns if each != label]
    identity = _named(table, key, option="--key") if key else _key(others, rows=table.rows)
    if identity == label:
        raise BadRequest(f"Expected another column as the key than the target {label.name}; name one with --key.")
    rest = [each for each in others if each != identity]
    left_out = tuple(_left_out(rest, rows=table.rows))
    names = {each.name for each in left_out}
    features = tuple(each for each in rest if each.name not in names)
    if not features:
        raise BadData([f"Expected a column to tell {label.name} from, found none; give a table with more columns."])
    return Understood(
        table=table,
        task=chosen,
        target=label,
        key=identity,
        features=features,
        left_out=left_out,
        positive=_positive(label) if chosen == "classification" else "",
    )


def _named(table: FileTable, name: str, *, option: str) -> FileColumn:
    for each in table.columns:
        if plain_name(each.name) == plain_name(name):
            return each
    names = [each.name for each in table.columns]
    raise BadRequest(
        f"Expected one of the columns {', '.join(names)} after {option}, found {name!r:.60}.{did_you_mean(name, names)}"
    )


def _task(target: FileColumn) -> Task:
    """Two values are classes, and so are texts and a few whole numbers."""
    few = target.distinct <= (FEW_CLASSES if target.type == "int64" else 2)
    return "classification" if few or target.type in ("boolean", "string") else "regression"


def _require_usable(target: FileColumn, task: Task) -> None:
    if target.distinct < 2:
        raise BadData([f"Expected different values of {target.name} to learn from, found {target.distinct}."])
    if task == "classification" and target.distinct > MAX_CLASSES:
        raise BadData(
            [
                f"Expected at most {MAX_CLASSES} classes in {target.name}, found {target.distinct:,} values; "
                "name another target, or say --task regression where they are numbers."
            ]
        )
    if task == "regression" and target.type not in ("int64", "float64"):
        raise BadData([f"Expected numbers in {target.name} for a regression, found {target.type}."])


def _key(columns: Sequence[FileColumn], *, rows: int) -> FileColumn | None:
    """The first column that is called like a key and whose values tell all rows apart."""
    unique = [each for each in columns if _tells_apart(each, rows=rows)]
    return next((each for each in unique if KEY_NAME.fullmatch(each.name)), None)


def _tells_apart(column: FileColumn, *, rows: int) -> bool:
    return column.type in ("int64", "string") and not column.missing and column.distinct == rows


def _left_out(columns: Sequence[FileColumn], *, rows: int) -> Iterator[LeftOut]:
    for each in columns:
        if not each.distinct:
            yield LeftOut(name=each.name, reason="has no value")
        elif each.distinct == 1 and not each.missing:
            yield LeftOut(name=each.name, reason="has one value only")
        elif _tells_apart(each, rows=rows) and (each.type == "string" or KEY_NAME.fullmatch(each.name)):
            yield LeftOut(name=each.name, reason="is another in every row, as a key is")
        elif each.type == "string" and each.distinct > REPEATED * (rows - each.missing):
            yield LeftOut(name=each.name, reason="is a text that hardly repeats")


def _positive(target: FileColumn) -> str:
    """Of two classes the one that means yes, else the rarer one; of more none."""
    if target.distinct != 2:
        return ""
    values = [each.lower() if target.type == "boolean" else identifier(each) for each in target.rarest]
    return next((each for each in values if boolean(each)), values[0])
