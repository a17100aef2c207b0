"""`trainyard data`: the data sets in the bucket, and what each still waits for; runs on a laptop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from trainyard.cli.command import target, terminal
from trainyard.cli.command.options import AwsOption, EnvOption, JsonOption, known_recipe
from trainyard.client.dataset import datasets
from trainyard.client.dataset.datasets import DataSet
from trainyard.pages import formats


def data(
    recipe_name: Annotated[
        str | None,
        typer.Argument(metavar="[RECIPE]", help="Only the data sets of this recipe.", callback=known_recipe),
    ] = None,
    *,
    env: EnvOption = "dev",
    aws: AwsOption = False,
    as_json: JsonOption = False,
) -> None:
    """List the data sets in the bucket, the one uploaded to last first, and what each still waits for.

    `trainyard run RECIPE --dataset NAME` trains one of them again.

    Examples:

    * `trainyard data`

    * `trainyard data prod2vec --json`
    """
    listed = datasets.listed(target.deployed(env=env, aws=aws))
    found = [each for each in listed if recipe_name in (None, each.recipe)]
    if as_json:
        terminal.print_json([{**asdict(each), "size": each.size, "modified": each.modified} for each in found])
    elif found:
        terminal.out().print(_table(found))
    else:
        terminal.out().print(Text("No data sets yet; upload one with `trainyard run RECIPE --data DIR`."))


def _table(found: Sequence[DataSet]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("Recipe", "Data set", "Files", "Size", "Uploaded", "State"):
        table.add_column(column, no_wrap=column in ("Recipe", "Uploaded"), overflow="fold")
    for each in found:
        table.add_row(
            Text(each.recipe),
            Text(each.name),
            str(len(each.files)),
            formats.size(each.size),
            formats.ago(each.modified, terminal.now()),
            Text(f"waits for {', '.join(each.missing)}", style="yellow") if each.missing else Text("complete"),
        )
    return table
