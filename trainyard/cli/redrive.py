"""`trainyard redrive`: lets an execution go on from the state that failed; runs on a laptop."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from trainyard.cli.command import target, terminal
from trainyard.cli.command.options import AwsOption, EnvOption, ExecutionArgument, FollowOption
from trainyard.cli.execution_view.follow import watch_to_end
from trainyard.client.execution import executions, going_on, versions
from trainyard.client.execution.find_execution import find_execution


def redrive(
    execution: ExecutionArgument,
    watch: FollowOption = True,
    *,
    anyway: Annotated[bool, typer.Option("--anyway", help="Also where it runs what has been replaced since.")] = False,
    env: EnvOption = "dev",
    aws: AwsOption = False,
) -> None:
    """Go on with a failed, stopped or timed out execution from the state that failed; earlier states stay done.

    It keeps the workflow and the code that it began with, and says so where a newer version is deployed. Where that one
    has changed what the failed state runs, it is refused: `trainyard rerun` starts again with the newer version.

    Example: `trainyard redrive latest`
    """
    deployment = target.deployed(env=env, aws=aws)
    found = find_execution(deployment, execution)
    if not anyway and not found.running:
        going_on.require_redrive_helps(deployment, found)
    executions.redrive(deployment.target, found)
    terminal.out().print(Text(f"Redriven: {found.name}"))
    if said := versions.older_version(deployment, found):
        terminal.out().print(Text(said))
    if watch:
        raise typer.Exit(watch_to_end(deployment, found.arn, name=found.name)[0])
