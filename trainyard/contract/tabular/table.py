"""What a tabular recipe says about its one table, and what follows from it; standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from trainyard.contract.config import ScoreColumn
from trainyard.contract.sources import Column, Source
from trainyard.contract.truth import Truth

Task = Literal["classification", "regression"]


@dataclass(frozen=True, kw_only=True)
class Table:
    """The rows that a tabular recipe learns from: `target` is told from all `columns` but itself and the `key`.

    Rows of one key are held out together; where rows have no key, it is a column with the `place` of the row. With
    `repeated_keys` several rows may have the same one. Of a classification into two classes, `positive` is the one
    whose probability is told. `files` are names of files that hold the table, as in `Source`.
    """

    name: str
    key: str
    target: str
    task: Task
    columns: tuple[Column, ...]
    positive: str = ""
    repeated_keys: bool = False
    files: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = [each.name for each in self.columns]
        if twice := sorted({each for each in names if names.count(each) > 1}):
            raise ValueError(f"expected each column once, found {', '.join(twice)} more often; remove or rename it")
        for role, name in (("key", self.key), ("target", self.target)):
            if name not in names:
                raise ValueError(f"expected the {role} {name!r} among the columns, found {', '.join(names) or 'none'}")
        if not self.features:
            raise ValueError("expected a column beside key and target to learn from, found none")

    @property
    def features(self) -> tuple[Column, ...]:
        """The columns that a prediction is made from."""
        return tuple(each for each in self.columns if each.name not in (self.key, self.target))

    @property
    def source(self) -> Source:
        """The table as files provide it; files that are only to be scored need no target."""
        return Source(
            name=self.name,
            files=self.files or (self.name,),
            columns=self.columns,
            unique=() if self.repeated_keys or self._by_place else (self.key,),
        )

    @property
    def _by_place(self) -> bool:
        return any(each.place for each in self.columns if each.name == self.key)


def score_columns(table: Table) -> tuple[ScoreColumn, ...]:
    """What bulk scoring writes: the key, the prediction, and of a class its probability.

    >>> from trainyard.contract.sources import Column
    >>> columns = tuple(Column(name=name, type="id") for name in ("id", "x", "y"))
    >>> [each.name for each in score_columns(Table(name="t", key="id", target="y", task="regression", columns=columns))]
    ['id', 'y_predicted']
    """
    key = ScoreColumn(name=table.key, type="string", comment="of the file", spread=False)
    predicted = f"{table.target}_predicted"
    if table.task == "regression":
        return key, ScoreColumn(name=predicted, type="double", comment="expected value", ranked=True)
    of = f"of {table.positive}" if table.positive else "of the predicted class"
    return (
        key,
        ScoreColumn(name=predicted, type="string", comment="most probable class"),
        ScoreColumn(name=f"{table.target}_probability", type="double", comment=of, ranked=True),
    )


def truth(table: Table) -> Truth:
    """What its predictions are judged by: the target, as it turned out to be, by the key of the row.

    In a file they may be called as in the table. Endpoints answer every class's probability: where it is not known
    which one scores tell, kept requests are not judged.
    """
    [target] = [each for each in table.columns if each.name == table.target]
    predicted = tuple(each.name for each in score_columns(table)[1:])
    answers = {predicted[0]: "$.prediction"}
    if table.positive:
        answers[f"{table.target}_probability"] = f'$.probabilities."{table.positive}"'
    return Truth(
        key=table.key,
        predicted=predicted,
        label=target.type,
        ids=(table.key,),
        labels=(table.target, *target.synonyms),
        asked=table.key,
        answers=answers,
    )
