"""Prints how good predictions turned out to be, period by period, beside what was promised; runs on a laptop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from trainyard.client.deployment import Deployment
from trainyard.client.run import artifacts
from trainyard.run.stage import Stage
from trainyard.run.watch.observed import ModelQuality, ObservedQuality, Period

STYLES: Mapping[str, str] = {"worse than promised": "bold red", "better than promised": "green"}
# Of many periods the newest are shown.
SHOWN_PERIODS = 20


def print_verified(deployment: Deployment, output: Mapping[str, Any], *, out: Console) -> None:
    """What the labels of a finished execution say."""
    run = artifacts.of_run(deployment, output["recipe"], run_id=output["run_id"])
    found = run.document(Stage.VERIFY, ObservedQuality)
    if found is not None:
        print_quality(found, out=out)


def print_quality(found: ObservedQuality, *, out: Console) -> None:
    """The message, and a table of the periods of each model."""
    out.print()
    headline, _, rest = found.message.partition("\n")
    out.print(Text(headline, style="bold red" if found.worse else "bold"), soft_wrap=True)
    if rest.strip():
        out.print(Text(rest.strip()), soft_wrap=True)
    for each in found.models:
        out.print()
        out.print(_table(each, found))


def _table(model: ModelQuality, found: ObservedQuality) -> Table:
    used = ", in use" if model.run_id == found.in_use else ""
    table = Table(box=None, padding=(0, 2, 0, 0), title=Text(f"Run {model.run_id}{used}"), title_justify="left")
    for name, right in (("from", False), ("labels", True), (model.primary or "quality", False), ("", False)):
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    for each in model.periods[-SHOWN_PERIODS:]:
        _row(table, f"{found.unit} {each.start}", period=each)
    _row(table, "all", period=model.whole)
    if model.promised:
        table.add_row(Text("promised"), Text(""), Text(model.promised.text), Text(""), style="dim")
    return table


def _row(table: Table, name: str, *, period: Period) -> None:
    quality = period.quality.text if period.quality else "unknown"
    said = Text(period.verdict, style=STYLES.get(period.verdict, "dim"))
    table.add_row(Text(name), Text(f"{period.rows:,}"), Text(quality), said)
