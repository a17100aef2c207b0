"""`trainyard release`: puts the registered model of a recipe into service; runs on a laptop."""

from __future__ import annotations

import typer
from rich.text import Text

from trainyard.cli.command import target, terminal
from trainyard.cli.command.options import (
    AwsOption,
    EnvOption,
    FollowOption,
    ModelOption,
    RecipeArgument,
    SetOption,
)
from trainyard.cli.dataset.settings import gather
from trainyard.cli.execution_view.follow import follow_or_hint
from trainyard.client.model import endpoints


def release(
    recipe_name: RecipeArgument,
    settings: SetOption = None,
    *,
    model: ModelOption = "",
    watch: FollowOption = True,
    env: EnvOption = "dev",
    aws: AwsOption = False,
) -> None:
    """Put the registered model of a recipe into service, without training one.

    Ends with 0 when it answers as it should, 2 when there is no such model, 1 when the deployment was rolled back.

    Examples:

    * `trainyard release prod2vec`

    * `trainyard release prod2vec --set deploy.type=instances --set deploy.instance_count=2`
    """
    overrides = gather(recipe_name, None, assignments=settings or [], model=model)
    deployment = target.deployed(env=env, aws=aws)
    arn, execution = endpoints.release(deployment, recipe_name, overrides=overrides)
    terminal.out().print(Text(f"Execution {execution}"), soft_wrap=True)
    raise typer.Exit(follow_or_hint(deployment, arn, name=execution, watch=watch))
