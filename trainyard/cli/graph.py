"""Draws an execution as a vertical path of states, for `show` and for following live; runs on a laptop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from trainyard.aws.executions import Execution
from trainyard.aws.history import StateVisit
from trainyard.aws.jobs import Job
from trainyard.cli import console
from trainyard.cli.console import GLYPHS, PENDING_GLYPH
from trainyard.failure import reason_of

# States that only decide or rename: a line in the graph, none in the live table.
WITHOUT_WORK = ("Choice", "Pass")
BAR_WIDTH = 20
PENDING_SHOWN = 3
# The heading may take two lines; then "earlier states", the last log line, and the cursor's own line.
LINES_AROUND = 5
ELAPSED_WIDTH = 12


@dataclass(frozen=True, kw_only=True)
class Picture:
    """An execution at one moment: what it visited, what will certainly follow, and what its jobs last said."""

    execution: Execution
    visits: Sequence[StateVisit]
    pending: Sequence[str] = ()
    progress: Mapping[str, tuple[float, str]] = field(default_factory=dict)
    last_line: str = ""


def heading(execution: Execution) -> Text:
    """Recipe, data set, name, status and wall time."""
    what = " · ".join(each for each in (execution.recipe, execution.dataset, execution.name) if each)
    return Text.assemble(
        (what, "bold"), "  ", console.execution_status(execution.status), f"  {console.duration(execution.seconds)}"
    )


def live(picture: Picture, now: datetime, *, height: int) -> RenderableType:
    """The table shown while an execution runs, cut to `height` lines: the latest states are what a reader wants."""
    visits = [each for each in picture.visits if each.type not in WITHOUT_WORK]
    room = max(height - LINES_AROUND, 1)
    pending = picture.pending[: max(room - len(visits), min(PENDING_SHOWN, room - 1))]
    cut = max(len(visits) - (room - len(pending)), 0)
    names = [*(each.name for each in visits), *pending]
    table = Table.grid(padding=(0, 2))
    for width in (1, max(map(len, names), default=1), ELAPSED_WIDTH):
        table.add_column(no_wrap=True, min_width=width)
    table.add_column(overflow="ellipsis")
    for visit in visits[cut:]:
        name = Text(visit.name, style="bold" if visit.open else "")
        table.add_row(console.glyph(visit.status), name, _elapsed(visit, now), _note(visit, picture.progress))
    for coming in pending:
        table.add_row(Text(*PENDING_GLYPH), Text(coming, style="dim"), "", "")
    lines: list[RenderableType] = [heading(picture.execution)]
    if cut:
        lines.append(Text(f"… {cut} earlier states", style="dim"))
    lines.append(table)
    if picture.last_line:
        lines.append(Text(f"  {picture.last_line}", style="dim", no_wrap=True, overflow="ellipsis"))
    return Group(*lines)


def path(picture: Picture, now: datetime, *, width: int) -> RenderableType:
    """The whole path from top to bottom: every state with its times, job, input and output."""
    lines: list[RenderableType] = [heading(picture.execution)]
    for index, visit in enumerate(picture.visits):
        last = index == len(picture.visits) - 1 and not picture.pending
        lines += _node(visit, now, width, edge=" " if last else "│")
    lines += [Text.assemble(PENDING_GLYPH, (f" {name}", "dim")) for name in picture.pending]
    return Group(*lines)


def _node(visit: StateVisit, now: datetime, width: int, *, edge: str) -> list[RenderableType]:
    sign, style = ("◇", "blue") if visit.type == "Choice" and not visit.error else GLYPHS[visit.status]
    first = Text.assemble((sign, style), " ", (visit.name, "bold"), "  ", (_elapsed(visit, now), "dim"))
    if attempts := _attempts(visit):
        first.append(f"  {attempts}", style="yellow")
    rows = [("job", _job(visit.job) if visit.job else "")]
    if visit.type not in WITHOUT_WORK:
        rows += [("in", _data(visit.input, width)), ("out", _data(visit.output, width))]
    rows += [("error", visit.error), ("cause", _reason(visit, 4 * width))]
    details = Table.grid(padding=(0, 2, 0, 0))
    for label, text in rows:
        if text:
            details.add_row(edge, Text(label, style="dim"), Text(text, style="red" if label == "error" else ""))
    return [first, *([details] if details.row_count else []), Text(edge)]


def _reason(visit: StateVisit, limit: int) -> str:
    return console.one_line(reason_of(visit.cause), limit) if visit.cause else ""


def _data(value: object, width: int) -> str:
    return "" if value in (None, {}, []) else console.one_line(value, max(width - 12, 20))


def _job(job: Job) -> str:
    return f"{job.kind} {job.name}" + (f" {job.run_id}" if job.run_id else "")


def _elapsed(visit: StateVisit, now: datetime) -> str:
    return "" if visit.type in WITHOUT_WORK else console.duration(visit.elapsed(now).total_seconds())


def _attempts(visit: StateVisit) -> str:
    words = [f"attempt {visit.attempts}"] if visit.attempts > 1 else []
    return ", ".join(words + (["redriven"] if visit.resumed else []))


def _note(visit: StateVisit, progress: Mapping[str, tuple[float, str]]) -> Text:
    """Beside a failed state why, beside a running one how far its job is, else the job."""
    if visit.error:
        parts = [(f"{visit.error}: {_reason(visit, 100)}", "red")]
    elif visit.job is not None and visit.open and visit.job.id in progress:
        fraction, note = progress[visit.job.id]
        full = round(fraction * BAR_WIDTH)
        parts = [("━" * full, "cyan"), ("━" * (BAR_WIDTH - full), "dim"), (f" {fraction:4.0%} {note}", "")]
    else:
        job = f"{visit.job.kind} {visit.job.name}  " if visit.job is not None else ""
        parts = [(job, "dim"), (_attempts(visit), "yellow")]
    # Not the column but its cells refuse to wrap: the column must give way before the others do.
    return Text.assemble(*parts, no_wrap=True, overflow="ellipsis")
