"""`trainyard promote`: puts a registered version of a model into use; runs on a laptop."""

from __future__ import annotations

from typing import Annotated

import typer

from trainyard.cli.command import target
from trainyard.cli.command.options import (
    AwsOption,
    DeployOption,
    EnvOption,
    FollowOption,
    JsonOption,
    ModelOption,
    RecipeArgument,
)
from trainyard.cli.execution_view import in_use
from trainyard.client.model import promotion


def promote(
    recipe_name: RecipeArgument,
    version: Annotated[str, typer.Argument(metavar="VERSION|RUN", help="See `trainyard models`.")],
    *,
    model: ModelOption = "",
    deploy: DeployOption = False,
    watch: FollowOption = True,
    env: EnvOption = "dev",
    aws: AwsOption = False,
    as_json: JsonOption = False,
) -> None:
    """Put a registered version into use, by its number or by the run that made it; nothing is compared.

    Later runs are compared with it, and bulk scoring uses it at once. An endpoint goes on with the model that it has
    until `trainyard release`, or with --deploy.

    Examples:

    * `trainyard promote prod2vec 3`

    * `trainyard promote prod2vec 20261129-062245-e0b2130a --deploy`
    """
    deployment = target.deployed(env=env, aws=aws)
    done = promotion.promote(deployment, recipe_name, version=version, model=model)
    raise typer.Exit(in_use.report(deployment, done, deploy=deploy, watch=watch, as_json=as_json))
