"""Draws an execution as a vertical path of states, for `show`; pure."""

from __future__ import annotations

from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from trainyard.cli.command import terminal
from trainyard.cli.execution_view import wording
from trainyard.client.execution.history import StateVisit
from trainyard.client.execution.jobs import Job
from trainyard.client.execution.observer import Snapshot


def path(snapshot: Snapshot, now: datetime, *, width: int) -> RenderableType:
    """The whole path from top to bottom: every state with its times, job, input and output."""
    lines: list[RenderableType] = [wording.heading(snapshot.execution)]
    for index, visit in enumerate(snapshot.visits):
        last = index == len(snapshot.visits) - 1 and not snapshot.pending
        lines += _node(visit, now, width=width, edge=" " if last else "│")
    lines += [Text.assemble(terminal.PENDING_GLYPH, (f" {name}", "dim")) for name in snapshot.pending]
    return Group(*lines)


def _node(visit: StateVisit, now: datetime, *, width: int, edge: str) -> list[RenderableType]:
    sign, style = ("◇", "blue") if visit.type == "Choice" and not visit.error else terminal.GLYPHS[visit.status]
    first = Text.assemble((sign, style), " ", (visit.name, "bold"), "  ", (wording.elapsed(visit, now), "dim"))
    if attempts := wording.attempts(visit):
        first.append(f"  {attempts}", style="yellow")
    rows = [("job", _job(visit.job) if visit.job else "")]
    if visit.type not in wording.WITHOUT_WORK:
        rows += [("in", _data(visit.input, width)), ("out", _data(visit.output, width))]
    rows += [("error", visit.error), ("cause", wording.reason(visit, 4 * width))]
    details = Table.grid(padding=(0, 2, 0, 0))
    for label, text in rows:
        if text:
            details.add_row(edge, Text(label, style="dim"), Text(text, style="red" if label == "error" else ""))
    return [first, *([details] if details.row_count else []), Text(edge)]


def _data(value: object, width: int) -> str:
    return "" if value in (None, {}, []) else terminal.one_line(value, max(width - 12, 20))


def _job(job: Job) -> str:
    return f"{job.kind} {job.name}" + (f" {job.run_id}" if job.run_id else "")
