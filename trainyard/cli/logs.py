"""`trainyard logs`: what an execution's jobs, functions and the state machine itself wrote; runs on a laptop."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from trainyard.cli.command import target
from trainyard.cli.command.options import AwsOption, EnvOption, ExecutionArgument, StateOption, WatchOption
from trainyard.cli.execution_view.log_lines import print_lines
from trainyard.client.deployment import Deployment
from trainyard.client.execution import executions
from trainyard.client.execution.executions import Execution
from trainyard.client.execution.find_execution import LATEST, find_execution
from trainyard.client.execution.function_log import owners
from trainyard.client.execution.history import Status, named, visits
from trainyard.client.execution.log_line import LogLine
from trainyard.client.execution.logs import LogTail, of_execution, of_visit
from trainyard.errors import NotFound


def logs(
    execution: ExecutionArgument = LATEST,
    state: StateOption = None,
    *,
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
    found = find_execution(deployment, execution)
    if machine:
        print_lines("", _machine_lines(deployment, found))
    elif watch:
        _stream(deployment, found, state=state)
    else:
        visited = visits(executions.history(deployment.target, found.arn))
        own = owners(found.name, visited)
        for visit in named(visited, state) if state else [each for each in visited if each.job and each.job.counts]:
            print_lines(visit.name, of_visit(deployment.target, visit, own=own))


def _stream(deployment: Deployment, execution: Execution, *, state: str | None) -> None:
    """Print new lines of all jobs, or of one state's work, until the execution has ended and nothing new comes."""
    tails: dict[str, LogTail] = {}
    # By the visit's number: a function's lines are looked for anew, those already printed are passed over.
    printed: dict[int, int] = {}
    while True:
        ended = not executions.describe(deployment.target, execution.arn).running
        visited = visits(executions.history(deployment.target, execution.arn))
        wanted = [each for each in visited if state is None or each.name.lower().startswith(state.lower())]
        for number, visit in enumerate(wanted):
            for job in (each for each in visit.jobs if each.counts and each.log.prefix):
                print_lines(visit.name, tails.setdefault(job.id, LogTail(deployment.target, job)).read())
            if state and visit.job is not None and not visit.job.counts:
                lines = of_visit(deployment.target, visit, own=owners(execution.name, visited))
                print_lines(visit.name, lines[printed.get(number, 0) :])
                printed[number] = len(lines)
        if ended and state and not wanted:
            named(visited, state)
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
    return of_execution(deployment.target, group, arn=execution.arn, start=execution.started, end=execution.stopped)
