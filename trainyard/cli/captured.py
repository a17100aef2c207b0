"""`trainyard captured`: shows requests and answers that an endpoint kept; runs on a laptop."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from trainyard.cli.command import target, terminal
from trainyard.cli.command.options import AwsOption, EnvOption, JsonOption, ModelOption, RecipeArgument, VariantOption
from trainyard.client.captured import records
from trainyard.contract.quoting import printable
from trainyard.run.naming import checked_model, model_name

if TYPE_CHECKING:
    import pandas as pd

LONGEST_CELL = 60


def captured(
    recipe_name: RecipeArgument,
    variant: VariantOption = "",
    *,
    model: ModelOption = "",
    last: Annotated[int, typer.Option("--last", min=1, metavar="N", help="The newest rows to show.")] = 20,
    since: Annotated[
        datetime | None, typer.Option("--since", formats=["%Y-%m-%d"], help="Only of this day and later, in UTC.")
    ] = None,
    shadow: Annotated[
        bool, typer.Option("--shadow", help="What was answered in the model's shadow, which went to no caller.")
    ] = False,
    env: EnvOption = "dev",
    aws: AwsOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show the newest requests that a model's endpoint kept, with its answers.

    An endpoint keeps requests where its environment says so; see "What endpoints keep" in docs/serving.md. Times are in
    UTC.

    Examples:

    * `trainyard captured prod2vec`

    * `trainyard captured prod2vec --last 1000 --json`

    * `trainyard captured prod2vec --shadow`
    """
    deployment = target.deployed(env=env, aws=aws)
    name = model_name(recipe_name, variant=variant, model=checked_model(model))
    found = records.captured(deployment, name, since=since.date() if since else None, newest=last, shadow=shadow)
    if as_json:
        print(json.dumps(json.loads(found.to_json(orient="records", date_format="iso")), indent=2, ensure_ascii=False))
    else:
        terminal.out().print(_table(found))


def _table(found: pd.DataFrame) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("Time", "Called", "Row", "Request", "Answer", "ms"):
        table.add_column(column, overflow="fold")
    for each in found.itertuples():
        table.add_row(
            f"{each.time:%Y-%m-%d %H:%M:%S}",
            str(each.inference_id),
            str(each.row),
            printable(terminal.one_line(each.request, LONGEST_CELL)),
            printable(terminal.one_line(each.answer, LONGEST_CELL)),
            f"{each.latency_ms:.1f}",
        )
    return table
