"""`trainyard executions` and `show`: what ran, and how it went; runs on a laptop."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from itertools import islice
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from trainyard.aws import executions, logs
from trainyard.aws.deployment import Deployment
from trainyard.aws.executions import Execution
from trainyard.aws.history import StateVisit, named
from trainyard.cli import console, follow, graph, outcome, runs, target
from trainyard.cli.journal import print_lines
from trainyard.cli.options import AwsOption, EnvOption, ExecutionArgument, JsonOption, StateOption, WatchOption
from trainyard.errors import BadRequest

TAIL_LINES = 15
EXECUTION_ARN = re.compile(r"arn:\S+:execution:[^:\s]+:([^:\s]+)")
DESCRIBED_AT_ONCE = 8


def list_executions(
    recipe: Annotated[str | None, typer.Option("--recipe", help="Only those of this recipe.")] = None,
    status: Annotated[
        str | None, typer.Option("--status", help=f"Only {', '.join(executions.STATUSES).lower()}.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="At most this many.")] = 20,
    env: EnvOption = "dev",
    aws: AwsOption = False,
    as_json: JsonOption = False,
) -> None:
    """List executions, the newest first.

    Examples:

    * `trainyard executions --recipe prod2vec --status failed`

    * `trainyard executions --json --limit 100`
    """
    wanted = status.upper().replace("-", "_") if status else None
    if wanted and wanted not in executions.STATUSES:
        raise BadRequest(f"Expected one of {', '.join(executions.STATUSES).lower()}; found {status!r}.")
    found = list(islice(_matching(target.deployed(env=env, aws=aws), recipe, wanted), limit))
    if as_json:
        console.print_json([_summary(each) for each in found])
    elif found:
        console.out().print(_table(found))
    else:
        console.out().print(Text("No executions yet; start one with `trainyard run RECIPE`."))


def show(
    execution: ExecutionArgument = executions.LATEST,
    state: StateOption = None,
    watch: WatchOption = False,
    env: EnvOption = "dev",
    aws: AwsOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show an execution as a graph of its states, with times, inputs, outputs, jobs and how it ended.

    Examples:

    * `trainyard show`

    * `trainyard show 3f2a --state "Train model"`

    * `trainyard show latest --follow`
    """
    deployment = target.deployed(env=env, aws=aws)
    found = executions.find(deployment, execution)
    if watch:
        raise typer.Exit(runs.watch_to_end(deployment, found.arn, found.name)[0])
    picture = follow.Observer(deployment, found.arn).picture()
    if state is not None:
        _show_states(deployment, named(picture.visits, state), as_json=as_json)
    elif as_json:
        console.print_json({**asdict(picture.execution), "states": [asdict(each) for each in picture.visits]})
    else:
        out = console.out()
        out.print(graph.path(picture, console.now(), width=out.width))
        outcome.tell(deployment, picture.execution, picture.visits)


def _matching(deployment: Deployment, recipe: str | None, status: str | None) -> Iterator[Execution]:
    """Executions with their inputs, described a few at a time: the list itself does not tell the recipe."""
    summaries = executions.summaries(deployment, status)
    with ThreadPoolExecutor(DESCRIBED_AT_ONCE) as pool:
        while batch := [each["executionArn"] for each in islice(summaries, 4 * DESCRIBED_AT_ONCE)]:
            for found in pool.map(lambda arn: executions.describe(deployment.target, arn), batch):
                if recipe in (None, found.recipe):
                    yield found


def _summary(execution: Execution) -> dict[str, Any]:
    kept = (
        "arn",
        "name",
        "status",
        "started",
        "stopped",
        "recipe",
        "dataset",
        "outcome",
        "error",
        "seconds",
        "redrives",
    )
    return {name: getattr(execution, name) for name in kept}


def _table(found: Sequence[Execution]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("Execution", "Recipe", "Data set", "Status", "Outcome", "Started", "Took"):
        table.add_column(column, no_wrap=column != "Outcome")
    for each in found:
        table.add_row(
            each.name,
            each.recipe,
            Text(each.dataset),
            console.execution_status(each.status),
            Text(_outcome(each)),
            console.moment(each.started),
            console.duration(each.seconds),
        )
    return table


def _outcome(execution: Execution) -> str:
    """The outcome, for an idle execution with its reason; other executions are called by their names."""
    if execution.outcome != "nothing":
        return execution.outcome
    reason = EXECUTION_ARN.sub(r"\1", str(execution.output.get("reason", "")))
    return f"nothing: {reason}"


def _show_states(deployment: Deployment, visited: Sequence[StateVisit], *, as_json: bool) -> None:
    if as_json:
        console.print_json([asdict(each) for each in visited])
        return
    out = console.out()
    for visit in visited:
        took = console.duration(visit.elapsed(console.now()).total_seconds())
        out.print(Text.assemble(console.glyph(visit.status), f" {visit.name}  {visit.status.value}  {took}"))
        for label, value in (("Job", visit.job and visit.job.id), ("Error", visit.error), ("Cause", visit.cause)):
            if value:
                out.print(Text(f"{label}: {value}"), soft_wrap=True)
        for label, value in (("Input", visit.input), ("Output", visit.output)):
            out.print(Text(label, style="bold"))
            console.print_json(value)
        lines = logs.of_visit(deployment.target, visit)[-TAIL_LINES:]
        if lines:
            out.print(Text("Last log lines", style="bold"))
            print_lines("", lines)
