"""`trainyard models`: which models are in use, and every registered version with what it achieved; on a laptop."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from trainyard.cli.command import target, terminal
from trainyard.cli.command.options import AwsOption, EnvOption, JsonOption, known_recipe
from trainyard.cli.execution_view import waiting
from trainyard.client.model import approval, model_history
from trainyard.client.model.model_history import MeasuredVersion, ModelHistory
from trainyard.pages import formats
from trainyard.run.naming import ModelParts, model_name


def models(
    recipe_name: Annotated[
        str | None,
        typer.Argument(metavar="[RECIPE]", help="Only the models of this recipe.", callback=known_recipe),
    ] = None,
    *,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most this many versions of each model.")] = 10,
    env: EnvOption = "dev",
    aws: AwsOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show the models in use and their registered versions, the newest first, with the metric they are compared by.

    Examples:

    * `trainyard models`

    * `trainyard models prod2vec --limit 30`
    """
    deployment = target.deployed(env=env, aws=aws)
    found = model_history.histories(deployment, recipe_name, limit=limit)
    if as_json:
        terminal.print_json([asdict(each) for each in found])
        return
    if not found:
        terminal.out().print(Text("No model is in use yet; train one with `trainyard run RECIPE`."))
    for each in found:
        _print(each)
    asked = approval.waiting(deployment)
    waiting.print_waiting(deployment, [each for each in asked if recipe_name in (None, each.recipe)])


def _print(history: ModelHistory) -> None:
    out = terminal.out()
    out.print(Text(model_name(history.recipe, model=history.model), style="bold"))
    metric = next((each.metric for each in history.versions if each.metric), "metric")
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("", "Run", metric, "Standing", "Age"):
        table.add_column(column, no_wrap=column in ("", "Run", "Age"))
    table.columns[0].justify = "right"
    for each in history.versions:
        table.add_row(
            str(each.version.number),
            each.version.run_id,
            each.value.text if each.value else "",
            _standing(each),
            formats.ago(each.version.created, terminal.now()),
        )
    out.print(table)
    out.print()


def _standing(measured: MeasuredVersion) -> Text:
    """What became of a version: in use, rejected, or waiting; and how it compares with the baselines."""
    version, standing = measured.version, measured.version.standing
    if measured.in_use:
        variants = [variant for each in measured.in_use if (variant := ModelParts.of(each).variant)]
        state = ("in use" + (f" for {', '.join(variants)}" if variants else ""), "bold green")
    else:
        state = ("", "") if version.approved else ("waits for approval", "yellow")
        state = state if version.approved or version.waiting else ("rejected", "red")
    return Text.assemble(state, ", " if state[0] and standing else "", standing)
