"""`trainyard release`: puts the registered model of a recipe into service; runs on a laptop."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated

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
from trainyard.errors import BadRequest

VERSION = "deploy.shadow.version"


def release(
    recipe_name: RecipeArgument,
    settings: SetOption = None,
    *,
    model: ModelOption = "",
    shadow: Annotated[
        str,
        typer.Option("--shadow", metavar="VERSION", help="A version, or its run, to answer copies of the requests."),
    ] = "",
    watch: FollowOption = True,
    env: EnvOption = "dev",
    aws: AwsOption = False,
) -> None:
    """Put the registered model of a recipe into service, without training one.

    With --shadow another version answers copies of its requests beside it, and only the answers of the one in service
    go out: `trainyard shadow` compares them. A release without it, on instances still, ends that.

    Ends with 0 when it answers as it should, 2 when there is no such model, 1 when the deployment was rolled back.

    Examples:

    * `trainyard release prod2vec`

    * `trainyard release prod2vec --set deploy.type=instances --set deploy.instance_count=2`

    * `trainyard release prod2vec --shadow 4 --set deploy.type=instances --set deploy.shadow.share=0.1`
    """
    overrides = gather(recipe_name, None, assignments=_with_shadow(settings or [], shadow), model=model, task="deploy")
    deployment = target.deployed(env=env, aws=aws)
    arn, execution = endpoints.release(deployment, recipe_name, overrides=overrides)
    terminal.out().print(Text(f"Execution {execution}"), soft_wrap=True)
    raise typer.Exit(follow_or_hint(deployment, arn, name=execution, watch=watch))


def _with_shadow(assignments: Sequence[str], version: str) -> list[str]:
    """The settings with the version of --shadow among them. Raises BadRequest where they name one too."""
    if not version:
        return list(assignments)
    if any(each.partition("=")[0] == VERSION for each in assignments):
        raise BadRequest(f"Expected one of --shadow and --set {VERSION}, found both; leave one out.")
    # As JSON, in which the number of a version is a text.
    return [*assignments, f"{VERSION}={json.dumps(version)}"]
