"""`trainyard estimate`: what a run would cost in AWS; runs on a laptop."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from trainyard.cli.command import target, terminal
from trainyard.cli.command.options import AwsOption, EnvOption, JsonOption, RecipeArgument, SetOption
from trainyard.cli.dataset.settings import gather
from trainyard.pages import formats
from trainyard.run import recipe


def estimate(
    recipe_name: RecipeArgument,
    settings: SetOption = None,
    *,
    tune: Annotated[bool, typer.Option("--tune", help="Search for good hyperparameters first.")] = False,
    env: EnvOption = "dev",
    aws: AwsOption = False,
    as_json: JsonOption = False,
) -> None:
    """Say what a run would cost in AWS, from how long the last one took, at list prices.

    Examples:

    * `trainyard estimate prod2vec`

    * `trainyard estimate two_tower --tune --set tuning.max_jobs=20`
    """
    from trainyard.client.run.estimate import estimate as estimated

    config = recipe.config(recipe_name, gather(recipe_name, None, assignments=settings or [], tune=tune))
    found = estimated(target.deployed(env=env, aws=aws), recipe_name, config=config)
    if as_json:
        terminal.print_json(asdict(found))
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("State")
    table.add_column("Machine")
    table.add_column("Time", justify="right")
    table.add_column("USD", justify="right")
    for each in found.states:
        kind = f"{each.machines.count:g} x {each.machines.kind}"
        price = "unknown" if each.usd is None else f"{each.usd:.3f}"
        table.add_row(each.state, kind, formats.duration(each.machines.seconds), price)
    table.add_row("", "", "", "")
    table.add_row("About" if found.known else "More than", "", "", f"{found.usd:.2f}", style="bold")
    table.add_row("At most, by the limits of the jobs", "", "", f"{found.most:.2f}")
    terminal.out().print(table)
    terminal.out().print(Text(f"By {found.basis}, at {found.prices}; to be confirmed for your account.", style="dim"))
