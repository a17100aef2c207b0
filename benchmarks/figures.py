"""Holds what a benchmark measured beside its baselines and bars, and prints it as one table; runs on a laptop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainyard.run.documents import Difference

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
COLUMNS = ("recipe", "metric, and what stands beside it", "value", "interval, or ours minus it", "bar", "stretch", "")


class Skipped(Exception):
    """A benchmark whose data are not there; the message says which."""


@dataclass(frozen=True, kw_only=True)
class Rival:
    """A baseline in the same run; `difference` is ours minus the baseline's on the same examples."""

    name: str
    value: float
    difference: Difference | None = None

    def cells(self) -> tuple[str, ...]:
        """What the table shows of it, in the order of `COLUMNS`."""
        gap = self.difference
        shown = f"{gap.value:+.4f} ({gap.low:+.4f} to {gap.high:+.4f})" if gap else ""
        return "", f"- {self.name}", number(self.value), shown, "", "", ""


@dataclass(frozen=True)
class Measured:
    """A value with its interval, if it has one; `spread` says in words what the interval is of."""

    value: float
    low: float | None = None
    high: float | None = None
    spread: str = ""

    @property
    def interval(self) -> str:
        """The interval in words, empty without one."""
        if self.low is None or self.high is None:
            return ""
        return f"{number(self.low)} to {number(self.high)}{', ' if self.spread else ''}{self.spread}"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured number: what it must reach (`bar`), what would be excellent (`stretch`), what stands beside it."""

    recipe: str
    metric: str
    measured: Measured
    rivals: tuple[Rival, ...] = ()
    bar: float | None = None
    stretch: float | None = None
    lower_is_better: bool = False

    @property
    def met(self) -> bool:
        """Whether the bar is reached; a figure without a bar is for information."""
        return self.bar is None or self._reaches(self.bar)

    @property
    def verdict(self) -> str:
        """The highest bar that is reached, in a word."""
        if self.bar is None:
            return ""
        if not self.met:
            return "MISSED"
        return "met, stretch too" if self.stretch is not None and self._reaches(self.stretch) else "met"

    def rows(self) -> list[tuple[str, ...]]:
        """What the table shows of it and of the baselines beside it, in the order of `COLUMNS`."""
        bars = self._shown(self.bar), self._shown(self.stretch)
        measured = number(self.measured.value), self.measured.interval
        return [(self.recipe, self.metric, *measured, *bars, self.verdict), *(each.cells() for each in self.rivals)]

    def _shown(self, bar: float | None) -> str:
        return "" if bar is None else f"{'<=' if self.lower_is_better else '>='} {number(bar)}"

    def _reaches(self, bar: float) -> bool:
        value = self.measured.value
        return value <= bar if self.lower_is_better else value >= bar


def over_seeds(values: Sequence[float], what: str = "seeds") -> Measured:
    """Mean, lowest and highest of one value per seed."""
    if len(values) == 1:
        return Measured(float(values[0]))
    return Measured(float(sum(values) / len(values)), min(values), max(values), f"{len(values)} {what}")


def required(path: Path) -> Path:
    """The path of a data set; raises Skipped where it is not there."""
    if not path.exists():
        raise Skipped(f"no {path.relative_to(DATA).as_posix()} in ../shared/data")
    return path


def number(value: float) -> str:
    """Four decimals below ten, as many as help above."""
    if float(value).is_integer() and abs(value) >= 1:
        return f"{value:,.0f}"
    return f"{value:.4f}" if abs(value) < 10 else f"{value:,.1f}"


def table(figures: Sequence[Figure]) -> str:
    """The figures, each followed by the baselines of the same run."""
    return columns([COLUMNS, *(row for each in figures for row in each.rows())])


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows, the first of them the header, as a table that Markdown and a terminal both show."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def conclude(figures: Sequence[Figure]) -> int:
    """Print the table; returns the exit code, 1 when a bar is missed."""
    print(table(figures))
    return 0 if all(each.met for each in figures) else 1
