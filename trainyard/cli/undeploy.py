"""`trainyard undeploy`: takes a model out of service; runs on a laptop."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from trainyard.cli.command import target, terminal
from trainyard.cli.command.options import AwsOption, EnvOption, ModelOption, RecipeArgument, VariantOption
from trainyard.cli.up import tell
from trainyard.client.model import endpoints


def undeploy(
    recipe_name: RecipeArgument,
    variant: VariantOption = "",
    *,
    model: ModelOption = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    env: EnvOption = "dev",
    aws: AwsOption = False,
) -> None:
    """Take a model out of service by removing its endpoint; the registered model stays.

    Example: `trainyard undeploy prod2vec --yes`
    """
    deployment = target.deployed(env=env, aws=aws)
    name = endpoints.name_of(deployment, recipe_name, variant=variant, model=model)
    if not yes:
        where = deployment.target.name
        typer.confirm(f"Take {name} on {where} out of service? Its callers get errors from then on.", abort=True)
    for each in endpoints.remove(deployment, name, tell=tell):
        terminal.out().print(Text(f"Removed {each}"), soft_wrap=True)
