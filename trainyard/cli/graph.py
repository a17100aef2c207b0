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
    """Recipe, data set, name, status and wall time in one line."""
    what = " · ".join(each for each in (execution.recipe, execution.dataset, execution.name) if each)
    return Text.assemble(
        (what, "bold"), "  ", console.execution_status(execution.status), f"  {console.duration(execution.seconds)}"
    )


def live(picture: Picture, now: datetime) -> RenderableType:
    """The table shown while an execution runs."""
    table = Table.grid(padding=(0, 2))
    names = [*(each.name for each in picture.visits), *picture.pending]
    for width in (1, max(map(len, names), default=1), ELAPSED_WIDTH, None):
        table.add_column(no_wrap=True, overflow="ellipsis", min_width=width)
    for visit in picture.visits:
        if visit.type in WITHOUT_WORK:
            continue
        name = Text(visit.name, style="bold" if visit.open else "")
        table.add_row(console.glyph(visit.status), name, _elapsed(visit, now), _note(visit, picture.progress))
    for coming in picture.pending:
        table.add_row(Text(*PENDING_GLYPH), Text(coming, style="dim"), "", "")
    lines: list[RenderableType] = [heading(picture.execution), table]
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
        return Text(f"{visit.error}: {_reason(visit, 100)}", style="red")
    if visit.job is not None and visit.open and visit.job.id in progress:
        fraction, note = progress[visit.job.id]
        full = round(fraction * BAR_WIDTH)
        return Text.assemble(("━" * full, "cyan"), ("━" * (BAR_WIDTH - full), "dim"), f" {fraction:4.0%} {note}")
    job = f"{visit.job.kind} {visit.job.name}  " if visit.job is not None else ""
    return Text.assemble((job, "dim"), (_attempts(visit), "yellow"))
