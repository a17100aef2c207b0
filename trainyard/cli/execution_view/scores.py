"""Prints how bulk scoring ended: where table and page are, how many rows, how fast, and a few; runs on a laptop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from trainyard.cli.command import terminal
from trainyard.client.deployment import Deployment
from trainyard.client.model import scoring
from trainyard.client.run import artifacts
from trainyard.client.run.artifacts import RunArtifacts
from trainyard.pages import formats
from trainyard.run.documents import ScoreSummary
from trainyard.run.files import PAGE_FILE
from trainyard.run.stage import Stage
from trainyard.run.watch.drift import DataDrift

SHOWN_ROWS = 3
SHOWN_CHARACTERS, SHOWN_SENTENCE = 60, 200


def print_scored(deployment: Deployment, output: Mapping[str, Any], *, out: Console) -> None:
    """Where scores and page of a finished execution are, how many and how fast, and a few of them."""
    run = artifacts.of_run(deployment, output["recipe"], run_id=output["run_id"])
    out.print()
    out.print(Text(f"Scored {output['rows']:,} rows in {formats.number(output['seconds'])} s.", style="bold green"))
    partition = ", ".join(f"{name}={value}" for name, value in output["partition"].items())
    for title, value in (
        ("Table      ", f"{output['table']}, partition {partition}"),
        ("Files      ", output["files"]),
        ("Model of   ", output["scored_by_run"]),
        ("Page       ", run.uri_of(Stage.SCORE, PAGE_FILE)),
    ):
        out.print(Text.assemble((title, "bold"), str(value)), soft_wrap=True)
    _print_drift(scoring.drift(run), out=out)
    out.print(Text(f"Fetch it with `trainyard artifacts {output['run_id']} --download DIR`.", style="dim"))
    rows = scoring.first_rows(run)
    if rows:
        out.print()
        out.print(_table(rows[:SHOWN_ROWS]))


def print_checked(deployment: Deployment, output: Mapping[str, Any], *, out: Console) -> None:
    """What moved in the requests to an endpoint, or why nothing was compared."""
    run = artifacts.of_run(deployment, output["recipe"], run_id=output["run_id"])
    found = scoring.drift(run)
    out.print()
    if found is None:
        out.print(Text(str(output["reason"]), style="bold yellow"), soft_wrap=True)
        return
    said, _, followed = str(output["reason"]).partition("\n\n")
    out.print(Text(said.splitlines()[0], style="bold yellow" if found.moves else "bold green"))
    _print_moves(found, out=out)
    if followed:
        # What became of it, such as a training.
        out.print(Text(followed), soft_wrap=True)


def _print_drift(found: DataDrift | None, *, out: Console) -> None:
    """How many columns of data and answers moved since the model was trained, and each of them."""
    if found is None:
        return
    moved = f"{found.moved_columns} of {found.compared} columns of data and answers"
    out.print(Text.assemble(("Moved      ", "bold"), moved), style="yellow" if found.moves else "", soft_wrap=True)
    _print_moves(found, out=out)


def _print_moves(found: DataDrift, *, out: Console) -> None:
    for each in found.moves:
        out.print(Text(f"  {terminal.one_line(each.sentence, SHOWN_SENTENCE)}"), soft_wrap=True)


def print_scored_beside_model(run: RunArtifacts, out: Console) -> None:
    """How many rows a new model scored as soon as it was registered, if it was asked to."""
    summary = run.document(Stage.SCORE, ScoreSummary)
    if summary is not None:
        scored = f"{summary.rows:,} rows in {formats.number(summary.seconds)} s, now in the catalogue"
        out.print(Text.assemble(("Scores     ", "bold"), scored), soft_wrap=True)
        out.print(Text.assemble(("Page       ", "bold"), run.uri_of(Stage.SCORE, PAGE_FILE)), soft_wrap=True)


def _table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """One line per column: rows of many or long columns would not fit beside each other."""
    table = Table(title="The first rows", title_justify="left", title_style="bold", show_header=False)
    for column in rows[0]:
        values = (each[column] for each in rows)
        shown = (
            f"{each:.4g}" if isinstance(each, float) else terminal.one_line(each, SHOWN_CHARACTERS) for each in values
        )
        table.add_row(Text(column), *(Text(each) for each in shown))
    return table
