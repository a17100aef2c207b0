"""`trainyard rollback`: takes the model in use back and puts the version before it into use; runs on a laptop."""

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
    VariantOption,
    known_recipe,
)
from trainyard.cli.execution_view import in_use
from trainyard.client.deployment import Deployment
from trainyard.client.model import models, promotion
from trainyard.errors import BadRequest, NotFound
from trainyard.run.naming import ModelParts


def rollback(
    recipe_name: Annotated[
        str | None,
        typer.Argument(
            metavar="[RECIPE]", help="Whose model; may be left out where only one is in use.", callback=known_recipe
        ),
    ] = None,
    *,
    to: Annotated[
        str | None, typer.Option("--to", metavar="VERSION", help="This version or run instead of the one before.")
    ] = None,
    variant: VariantOption = "",
    model: ModelOption = "",
    deploy: DeployOption = False,
    watch: FollowOption = True,
    env: EnvOption = "dev",
    aws: AwsOption = False,
    as_json: JsonOption = False,
) -> None:
    """Put the version before the one in use into use again, and mark that one as rejected.

    Later runs are compared with it, and bulk scoring uses it at once. An endpoint goes on with the model that it has
    until `trainyard release`, or with --deploy.

    Examples:

    * `trainyard rollback prod2vec`

    * `trainyard rollback prod2vec --to 3 --deploy`
    """
    deployment = target.deployed(env=env, aws=aws)
    if recipe_name is None:
        only = _only_model(deployment)
        recipe_name, variant, model = only.recipe, only.variant, only.model
    done = promotion.rollback(deployment, recipe_name, to=to, variant=variant, model=model)
    raise typer.Exit(in_use.report(deployment, done, deploy=deploy, watch=watch, as_json=as_json))


def _only_model(deployment: Deployment) -> ModelParts:
    """The only model in use. Raises BadRequest where there are several, NotFound for none."""
    found = models.in_use(deployment)
    if not found:
        raise NotFound("Expected a model in use, found none; train one with `trainyard run RECIPE`.")
    if len(found) > 1:
        names = ", ".join(each.name for each in found)
        raise BadRequest(f"Expected the recipe whose model to roll back, found several: {names}. Name one.")
    return ModelParts.of(found[0].name)
