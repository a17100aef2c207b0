"""The configuration of a tabular recipe, which a recipe's own begins with; standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainyard.contract.config import RecipeConfig, TableData, bounded
from trainyard.contract.sources import Source
from trainyard.contract.tabular.table import Table


@dataclass(frozen=True, kw_only=True)
class TabularData(TableData):
    """Which rows are used for what, and how columns are encoded."""

    holdout_fraction: float = bounded(0.2, minimum=0.01, maximum=0.5, help="keys kept for evaluation only")
    validation_fraction: float = bounded(0.1, minimum=0.01, maximum=0.4, help="keys kept for choosing settings")
    max_categories: int = bounded(30, minimum=1, maximum=1000, help="values of a column of texts with an input each")


@dataclass(frozen=True, kw_only=True)
class TabularConfig(RecipeConfig):
    """What can be set about a run of a tabular recipe; `table` is no setting, for the code holds for one table."""

    base: ClassVar[str] = "trainyard.contract.tabular"
    table: ClassVar[Table]
    data: TabularData = TabularData()


def sources(config: TabularConfig) -> tuple[Source, ...]:
    """The one table it reads."""
    return (config.table.source,)
