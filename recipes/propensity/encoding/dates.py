"""A column of dates: how long before the newest that training saw, in which month, on which weekday; no TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from recipes.propensity.encoding.category import MISSING
from trainyard.contract.values import is_missing, moment

if TYPE_CHECKING:
    import pandas as pd

DAY_S = 86_400.0


@dataclass(frozen=True, kw_only=True)
class DateColumn:
    """A column of moments; `newest` is the latest of training, in ISO 8601."""

    name: str
    newest: str

    @classmethod
    def fit(cls, name: str, moments: pd.Series) -> DateColumn:
        """From training values."""
        known = moments.dropna()
        return cls(name=name, newest=known.max().isoformat() if len(known) else "")

    @property
    def age(self) -> str:
        """Name of the quantity it becomes: days before the newest; what is later counts as newest."""
        return f"{self.name}: days before the newest"

    @property
    def parts(self) -> tuple[str, str]:
        """Names of the categories it becomes."""
        return f"{self.name}: month", f"{self.name}: weekday"

    def features(self, moments: Sequence[Any]) -> tuple[list[float], list[str], list[str]]:
        """Age, month and weekday of each value: a moment in any form that `contract.values.moment` reads."""
        found = [_moment(each) for each in moments]
        ages = [float("nan") if each is None else self._age(each) for each in found]
        months = [MISSING if each is None else str(each.month) for each in found]
        return ages, months, [MISSING if each is None else str(each.isoweekday()) for each in found]

    def _age(self, found: datetime) -> float:
        return max((self._newest - found).total_seconds() / DAY_S, 0.0) if self._newest else float("nan")

    @cached_property
    def _newest(self) -> datetime | None:
        return moment(self.newest)


def _moment(value: Any) -> datetime | None:
    # Of all moments only the missing one of a table is not equal to itself.
    if is_missing(value) or (isinstance(value, datetime) and value != value):  # noqa: PLR0124
        return None
    if isinstance(value, datetime):
        plain = value.to_pydatetime(warn=False) if hasattr(value, "to_pydatetime") else value
        return plain.replace(tzinfo=UTC) if plain.tzinfo is None else plain.astimezone(UTC)
    return moment(value)
