"""`trainyard stop`: ends a running execution and its job; runs on a laptop."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from trainyard.cli.command import target, terminal
from trainyard.cli.command.options import AwsOption, EnvOption, ExecutionArgument
from trainyard.client.execution import executions
from trainyard.client.execution.find_execution import find_execution


def stop(
    execution: ExecutionArgument,
    cause: Annotated[str, typer.Option("--cause", help="Why; kept with the execution.")] = "Stopped by trainyard stop",
    *,
    env: EnvOption = "dev",
    aws: AwsOption = False,
) -> None:
    """Stop a running execution and the job it waits for.

    Example: `trainyard stop latest --cause "wrong file"`
    """
    deployment = target.deployed(env=env, aws=aws)
    found = find_execution(deployment, execution)
    executions.stop(deployment.target, found, cause=cause)
    terminal.out().print(Text(f"Stopped: {found.name}"))
