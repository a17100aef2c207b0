"""`trainyard drift`: sets the requests to a model's endpoint beside what it learned from; runs on a laptop."""

from __future__ import annotations

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
from trainyard.client.model import scoring


def drift(
    recipe_name: RecipeArgument,
    settings: SetOption = None,
    *,
    hours: Annotated[
        int | None, typer.Option("--hours", min=1, metavar="N", help="How far to look back; without this, as set.")
    ] = None,
    model: ModelOption = "",
    watch: FollowOption = True,
    env: EnvOption = "dev",
    aws: AwsOption = False,
) -> None:
    """Check the newest requests to a model's endpoint for drift, and what it answered; nothing is trained or scored.

    Requests are there where the endpoint keeps them; see "What endpoints keep" in docs/serving.md. By the clock it is a
    schedule of the environment with the task `check_drift`.

    Ends with 0 when they were compared, whatever moved, or were too few; 2 when no endpoint keeps any; 1 when a job
    failed.

    Examples:

    * `trainyard drift propensity`

    * `trainyard drift headline_classifier --hours 168 --set drift.least_rows=1000`
    """
    looking_back = [] if hours is None else [f"drift.hours={hours}"]
    overrides = gather(recipe_name, None, assignments=[*(settings or []), *looking_back], model=model)
    deployment = target.deployed(env=env, aws=aws)
    arn, execution = scoring.check_requests(deployment, recipe_name, overrides=overrides)
    terminal.out().print(Text(f"Execution {execution}"), soft_wrap=True)
    raise typer.Exit(follow_or_hint(deployment, arn, name=execution, watch=watch))
