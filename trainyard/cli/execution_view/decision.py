"""Prints what the gate decided: its checks, the scores side by side, and the report's own table; runs on a laptop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from trainyard.cli.command.fitting import fitted
from trainyard.pages import formats
from trainyard.run.documents import Decision

MAX_COLUMNS = 5


def print_checks(decision: Decision, out: Console, *, registers: bool = True) -> None:
    """The verdict, and one line per check; `registers` says whether passing leads to the registry."""
    registered = " and waits for approval" if decision.waits else " and is registered"
    passed = f"The model passed the gate{registered if registers else ''}."
    verdict = passed if decision.promote else "The gate refused the model."
    out.print()
    out.print(Text(verdict, style="bold green" if decision.promote else "bold red"))
    for check in decision.checks:
        sign, style = ("✓", "green") if check.passed else ("✗", "red")
        out.print(Text.assemble("  ", (sign, style), f" {check.sentence}"), soft_wrap=True)


def print_scores(decision: Decision, out: Console) -> None:
    """One row per metric: the new model with its interval, the champion, and each baseline."""
    champion = decision.champion
    columns = ["metric", "new model", "interval", *(["champion"] if champion else []), *decision.references]
    rows = []
    for name, metric in decision.metrics.items():
        row = [name, formats.number(metric.value), metric.interval]
        if champion:
            row.append(formats.number(champion.metrics[name].value) if name in champion.metrics else "")
        rows.append([*row, *(formats.number(each.get(name, "")) for each in decision.references.values())])
    for table in fitted(columns, rows, width=out.width, title="Scores on held-out data"):
        out.print()
        out.print(table)


def print_highlights(highlights: Mapping[str, Any], out: Console) -> None:
    """The table that a recipe's report puts first; a wide one is turned so that it fits."""
    grid = [[str(each) for each in highlights["columns"]]]
    grid += [[formats.number(each) for each in row] for row in highlights["rows"]]
    if len(grid[0]) > max(len(grid), MAX_COLUMNS):
        grid = [list(column) for column in zip(*grid, strict=True)]
    table = Table(title=highlights["title"], title_justify="left", title_style="bold", row_styles=["", "dim"])
    for column in grid[0]:
        table.add_column(Text(column), overflow="fold")
    for row in grid[1:]:
        table.add_row(*(Text(each) for each in row))
    out.print()
    out.print(table)
