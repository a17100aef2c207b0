"""`trainyard logs`: what an execution's jobs, functions and the state machine itself wrote; runs on a laptop."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.text import Text

from trainyard.aws import executions, logs
from trainyard.aws.deployment import Deployment
from trainyard.aws.executions import Execution
from trainyard.aws.history import Status, named, visits
from trainyard.aws.logs import LogLine, LogTail
from trainyard.cli import console, target
from trainyard.cli.options import AwsOption, EnvOption, ExecutionArgument, StateOption, WatchOption
from trainyard.errors import NotFound


def show_logs(
    execution: ExecutionArgument = executions.LATEST,
    state: StateOption = None,
    watch: WatchOption = False,
    machine: Annotated[
        bool, typer.Option("--machine", help="The state machine's own log instead of its jobs'.")
    ] = False,
    env: EnvOption = "dev",
    aws: AwsOption = False,
) -> None:
    """Print what an execution's jobs wrote to CloudWatch Logs; with --state also a Lambda function's lines.

    Examples:

    * `trainyard logs`

    * `trainyard logs latest --state "Train model" --follow`
    """
    deployment = target.deployed(env=env, aws=aws)
    found = executions.find(deployment, execution)
    if machine:
        print_lines("", _machine_lines(deployment, found))
    elif watch:
        _stream(deployment, found, state)
    else:
        visited = visits(executions.history(deployment.target, found.arn))
        for visit in named(visited, state) if state else [each for each in visited if each.job and each.job.counts]:
            print_lines(visit.name, logs.of_visit(deployment.target, visit))


def _stream(deployment: Deployment, execution: Execution, state: str | None) -> None:
    """Print new lines of all jobs, or of one state's, until the execution has ended and nothing new comes."""
    tails: dict[str, LogTail] = {}
    while True:
        ended = not executions.describe(deployment.target, execution.arn).running
        visited = visits(executions.history(deployment.target, execution.arn))
        wanted = [each for each in visited if state is None or each.name.lower().startswith(state.lower())]
        for visit in wanted:
            if visit.job is not None and visit.job.counts and visit.job.log.prefix:
                tail = tails.setdefault(visit.job.id, LogTail(deployment.target, visit.job))
                print_lines(visit.name, tail.read())
        if ended or (state and wanted and all(each.status is not Status.RUNNING for each in wanted)):
            return
        time.sleep(deployment.target.poll_seconds)


def _machine_lines(deployment: Deployment, execution: Execution) -> list[LogLine]:
    machine = deployment.target.client("stepfunctions").describe_state_machine(
        stateMachineArn=deployment.state_machine_arn
    )
    destinations = machine.get("loggingConfiguration", {}).get("destinations", [])
    if not destinations:
        raise NotFound("Expected a log group of the state machine, found none in its logging configuration.")
    group = destinations[0]["cloudWatchLogsLogGroup"]["logGroupArn"].removesuffix(":*").rsplit(":", 1)[-1]
    return logs.of_execution(deployment.target, group, execution.name, execution.started, execution.stopped)


def print_lines(name: str, lines: Sequence[LogLine]) -> None:
    """Print log lines with their time and, where several states are mixed, the state's name."""
    out = console.out()
    for line in lines:
        head = f"{line.time.astimezone():%H:%M:%S}" + (f" {name}" if name else "")
        out.print(Text.assemble((f"{head} │ ", "dim"), line.text), soft_wrap=True)
