"""What one column of a table holds: its kind, how many values, the lowest and the highest; standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["boolean", "whole", "number", "moment", "text", "other"]


@dataclass(frozen=True, kw_only=True)
class ColumnProfile:
    """What one column of a table holds.

    `known` of its `rows` have a value, of which `distinct` differ (texts without regard to case). `lowest` and
    `highest` are the values at either end as text, empty where there is none: of two values, these are they. A number
    is `whole` where every one of its values is, whatever the type of the column.
    """

    name: str
    kind: Kind
    rows: int
    known: int
    distinct: int
    lowest: str
    highest: str

    @property
    def values(self) -> tuple[str, ...]:
        """The values where there are one or two of them; else the lowest and the highest."""
        return tuple(dict.fromkeys(each for each in (self.lowest, self.highest) if each))

    @property
    def complete(self) -> bool:
        """Whether every row has a value."""
        return self.known == self.rows

    @property
    def unique(self) -> bool:
        """Whether every row has a value of its own."""
        return self.complete and self.distinct == self.rows

    @property
    def flag(self) -> bool:
        """Whether it says yes or no: true and false, or the numbers 1 and 0."""
        return self.kind == "boolean" or (self.kind == "whole" and self.distinct == 2 and self.values == ("0", "1"))
