"""`trainyard show`: an execution as a graph of its states, and how it ended; runs on a laptop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import typer
from rich.text import Text

from trainyard.cli.command import target, terminal
from trainyard.cli.command.options import AwsOption, EnvOption, ExecutionArgument, JsonOption, StateOption, WatchOption
from trainyard.cli.execution_view.ending import print_ending
from trainyard.cli.execution_view.follow import watch_to_end
from trainyard.cli.execution_view.graph import path
from trainyard.cli.execution_view.log_lines import print_lines
from trainyard.client.deployment import Deployment
from trainyard.client.execution import logs
from trainyard.client.execution.find_execution import LATEST, find_execution
from trainyard.client.execution.function_log import owners
from trainyard.client.execution.history import StateVisit, named
from trainyard.client.execution.observer import Observer
from trainyard.pages import formats
from trainyard.stages.explain_failure.cause import reason_of

TAIL_LINES = 15


def show(
    execution: ExecutionArgument = LATEST,
    state: StateOption = None,
    *,
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
    found = find_execution(deployment, execution)
    if watch:
        raise typer.Exit(watch_to_end(deployment, found.arn, name=found.name)[0])
    snapshot = Observer(deployment, found.arn).snapshot()
    if state is not None:
        own = owners(found.name, snapshot.visits)
        _show_states(deployment, named(snapshot.visits, state), own=own, as_json=as_json)
    elif as_json:
        terminal.print_json({**asdict(snapshot.execution), "states": [asdict(each) for each in snapshot.visits]})
    else:
        out = terminal.out()
        out.print(path(snapshot, terminal.now(), width=out.width))
        print_ending(deployment, snapshot.execution, visits=snapshot.visits)


def _show_states(deployment: Deployment, visited: Sequence[StateVisit], *, own: frozenset[str], as_json: bool) -> None:
    if as_json:
        terminal.print_json([asdict(each) for each in visited])
        return
    out = terminal.out()
    for visit in visited:
        took = formats.duration(visit.elapsed(terminal.now()).total_seconds())
        out.print(Text.assemble(terminal.glyph(visit.status), f" {visit.name}  {visit.status.value}  {took}"))
        why = reason_of(visit.cause) if visit.cause else ""
        for label, value in (("Job", visit.job and visit.job.id), ("Error", visit.error), ("Reason", why)):
            if value:
                out.print(Text(f"{label}: {value}"), soft_wrap=True)
        for label, value in (("Input", visit.input), ("Output", visit.output)):
            out.print(Text(label, style="bold"))
            terminal.print_json(value)
        lines = logs.of_visit(deployment.target, visit, own=own)[-TAIL_LINES:]
        if lines:
            out.print(Text("Last log lines", style="bold"))
            print_lines("", lines)
