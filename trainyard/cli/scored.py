"""Tells how bulk scoring ended: where table and page are, how many rows, how fast, and some; runs on a laptop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from trainyard.aws import artifacts, scoring
from trainyard.aws.deployment import Deployment
from trainyard.cli import console
from trainyard.pages.page import PAGE_FILE
from trainyard.stages import Stage

SHOWN_ROWS = 3
SHOWN_CHARACTERS = 60


def tell(deployment: Deployment, output: Mapping[str, Any], out: Console) -> None:
    """Where scores and page of a finished execution are, how many and how fast, and a few of them."""
    out.print()
    out.print(Text(f"Scored {output['rows']:,} rows in {console.number(output['seconds'])} s.", style="bold green"))
    partition = ", ".join(f"{name}={value}" for name, value in output["partition"].items())
    for title, value in (
        ("Table      ", f"{output['table']}, partition {partition}"),
        ("Files      ", output["files"]),
        ("Model of   ", output["scored_by_run"]),
        ("Page       ", f"{output['uri']}/{Stage.SCORE}/{PAGE_FILE}"),
    ):
        out.print(Text.assemble((title, "bold"), str(value)), soft_wrap=True)
    out.print(Text(f"Fetch it with `trainyard artifacts {output['run_id']} --download DIR`.", style="dim"))
    rows = scoring.first_rows(deployment, output["recipe"], output["run_id"])
    if rows:
        out.print()
        out.print(_table(rows[:SHOWN_ROWS]))


def tell_beside_model(deployment: Deployment, prefix: str, out: Console) -> None:
    """How many rows a new model scored at once, if it was asked to."""
    summary = artifacts.document(deployment, f"{prefix}/{Stage.SCORE}/summary.json")
    if summary is not None:
        told = f"{summary['rows']:,} rows in {console.number(summary['seconds'])} s, now in the catalogue"
        out.print(Text.assemble(("Scores     ", "bold"), told), soft_wrap=True)
        page = f"s3://{deployment.artifacts_bucket}/{prefix}/{Stage.SCORE}/{PAGE_FILE}"
        out.print(Text.assemble(("Page       ", "bold"), page), soft_wrap=True)


def _table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """One line per column: rows of many or long columns would not fit beside each other."""
    table = Table(title="The first rows", title_justify="left", title_style="bold", show_header=False)
    for column in rows[0]:
        values = (each[column] for each in rows)
        shown = (
            f"{each:.4g}" if isinstance(each, float) else console.one_line(each, SHOWN_CHARACTERS) for each in values
        )
        table.add_row(Text(column), *(Text(each) for each in shown))
    return table
