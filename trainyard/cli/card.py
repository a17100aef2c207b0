"""`trainyard card`: what a model is for, how good it is, and where it comes from; runs on a laptop."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from trainyard.cli.command import completion, target, terminal
from trainyard.cli.command.options import AwsOption, EnvOption, JsonOption
from trainyard.client.model import observed
from trainyard.client.run import model_card
from trainyard.client.run.find_run import find_run


def card(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            help="Run id, or what its execution is found by, such as `latest`.",
            autocompletion=completion.executions,
        ),
    ] = "latest",
    *,
    env: EnvOption = "dev",
    aws: AwsOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show the card of a model, which is in the registry too: purpose, limits, metrics beside simple models, data.

    The settings `card.purpose`, `card.limits`, `card.owner` and `card.risk` of a recipe are what a run cannot know.
    Beside it stands what labels that came later say of the version's predictions. With --json the card alone is
    printed, in SageMaker's schema.

    Examples:

    * `trainyard card`

    * `trainyard card c97393b4 --json`
    """
    of_run = find_run(target.deployed(env=env, aws=aws), run)
    found = model_card.document(of_run)
    if as_json:
        terminal.print_json(found)
        return
    shown = model_card.view(found, observed.of_version(of_run))
    for part in shown.parts:
        _print(part.title, [(name, text) for name, text in part.facts])
        if part.title == "How good it is":
            _print_scores(shown)


def _print(title: str, rows: list[tuple[str, str]]) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False, title=Text(title), title_justify="left")
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, text in rows:
        table.add_row(Text(name), Text(text))
    terminal.out().print(table)
    terminal.out().print()


def _print_scores(shown: model_card.CardView) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("model", "metric", "value", ""):
        table.add_column(name, justify="right" if name == "value" else "left", overflow="fold")
    for each in shown.scores:
        table.add_row(Text(each.of), Text(each.metric), Text(each.value), Text(each.notes, style="dim"))
    terminal.out().print(table)
    terminal.out().print()
