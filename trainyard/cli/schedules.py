"""`trainyard schedules`: what starts by the clock, and one of them at once; runs on a laptop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from trainyard.cli.command import target, terminal
from trainyard.cli.command.options import AwsOption, EnvOption, FollowOption, JsonOption
from trainyard.cli.execution_view.follow import follow_or_hint
from trainyard.client.execution import schedules as scheduled
from trainyard.client.execution.schedules import ScheduledStart
from trainyard.pages import formats

WHAT = {"train": "trains {}", "score": "scores {}", "check_drift": "checks requests for drift"}


def schedules(
    now: Annotated[
        str | None, typer.Option("--now", metavar="NAME", help="Start this one at once, also if it is off.")
    ] = None,
    *,
    watch: FollowOption = True,
    env: EnvOption = "dev",
    aws: AwsOption = False,
    as_json: JsonOption = False,
) -> None:
    """List what starts by the clock, and how it ended when it was started last. Times are in UTC.

    An environment's schedules stand in its settings, `infra/settings.py`; a recipe may bring one along.

    Examples:

    * `trainyard schedules`

    * `trainyard schedules --now nightly`
    """
    deployment = target.deployed(env=env, aws=aws)
    if now is not None:
        arn, name = scheduled.start(deployment, now)
        terminal.out().print(Text(f"Execution {name}, as schedule {now}"), soft_wrap=True)
        raise typer.Exit(follow_or_hint(deployment, arn, name=name, watch=watch))
    found = scheduled.listed(deployment)
    if as_json:
        terminal.print_json([_document(each) for each in found])
    elif found:
        terminal.out().print(_table(found))
    else:
        terminal.out().print(Text("No schedules. Name some in the environment's settings and deploy."))


def _table(found: Sequence[ScheduledStart]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("Name", "What", "When", "State", "Last"):
        table.add_column(column, overflow="fold")
    for each in found:
        state = Text("on", style="green") if each.enabled else Text("off", style="yellow")
        what = Text(f"{each.recipe} {WHAT.get(each.task, each.task).format(each.dataset)}")
        table.add_row(Text(each.name), what, Text(each.expression), state, _last(each))
    return table


def _last(schedule: ScheduledStart) -> Text:
    if schedule.last is None:
        return Text("")
    ended = "running" if schedule.last.running else schedule.last.outcome
    return Text(f"{ended}, {formats.ago(schedule.last.started, terminal.now())}")


def _document(schedule: ScheduledStart) -> dict[str, Any]:
    last = schedule.last
    return {
        "name": schedule.name,
        "expression": schedule.expression,
        "enabled": schedule.enabled,
        "input": dict(schedule.input),
        "last": {"execution": last.name, "started": last.started, "outcome": last.outcome} if last else None,
    }
