"""`trainyard redrive` and `stop`: lets an execution go on from where it failed, or ends it; runs on a laptop."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from trainyard.aws import executions
from trainyard.cli import console, runs, target
from trainyard.cli.options import AwsOption, EnvOption, ExecutionArgument, FollowOption


def redrive(
    execution: ExecutionArgument, watch: FollowOption = True, env: EnvOption = "dev", aws: AwsOption = False
) -> None:
    """Go on with a failed, stopped or timed out execution from the state that failed; earlier states stay done.

    Example: `trainyard redrive latest`
    """
    deployment = target.deployed(env=env, aws=aws)
    found = executions.find(deployment, execution)
    executions.redrive(deployment.target, found)
    console.out().print(Text(f"Redriven: {found.name}"))
    if watch:
        raise typer.Exit(runs.watch_to_end(deployment, found.arn, found.name)[0])


def stop(
    execution: ExecutionArgument,
    cause: Annotated[str, typer.Option("--cause", help="Why; kept with the execution.")] = "Stopped by trainyard stop",
    env: EnvOption = "dev",
    aws: AwsOption = False,
) -> None:
    """Stop a running execution and the job it waits for.

    Example: `trainyard stop latest --cause "wrong file"`
    """
    deployment = target.deployed(env=env, aws=aws)
    found = executions.find(deployment, execution)
    executions.stop(deployment.target, found, cause)
    console.out().print(Text(f"Stopped: {found.name}"))
