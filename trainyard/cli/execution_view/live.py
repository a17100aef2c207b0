"""Draws the table that is shown while an execution runs: its latest states, what comes next, and progress; pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from trainyard.cli.command import terminal
from trainyard.cli.execution_view import wording
from trainyard.client.execution.history import StateVisit
from trainyard.client.execution.observer import Snapshot

BAR_WIDTH = 20
PENDING_SHOWN = 3
# The heading may take two lines; then "earlier states", the last log line, and the cursor's own line.
LINES_AROUND = 5
ELAPSED_WIDTH = 12


def live_table(snapshot: Snapshot, now: datetime, *, height: int) -> RenderableType:
    """The table shown while an execution runs, cut to `height` lines: the latest states matter most."""
    visits = [each for each in snapshot.visits if each.type not in wording.WITHOUT_WORK]
    room = max(height - LINES_AROUND, 1)
    pending = snapshot.pending[: max(room - len(visits), min(PENDING_SHOWN, room - 1))]
    cut = max(len(visits) - (room - len(pending)), 0)
    names = [*(each.name for each in visits), *pending]
    table = Table.grid(padding=(0, 2))
    for width in (1, max(map(len, names), default=1), ELAPSED_WIDTH):
        table.add_column(no_wrap=True, min_width=width)
    table.add_column(overflow="ellipsis")
    for visit in visits[cut:]:
        name = Text(visit.name, style="bold" if visit.open else "")
        table.add_row(terminal.glyph(visit.status), name, wording.elapsed(visit, now), _note(visit, snapshot.progress))
    for coming in pending:
        table.add_row(Text(*terminal.PENDING_GLYPH), Text(coming, style="dim"), "", "")
    lines: list[RenderableType] = [wording.heading(snapshot.execution)]
    if cut:
        lines.append(Text(f"… {cut} earlier states", style="dim"))
    lines.append(table)
    if snapshot.last_line:
        lines.append(Text(f"  {snapshot.last_line}", style="dim", no_wrap=True, overflow="ellipsis"))
    return Group(*lines)


def _note(visit: StateVisit, progress: Mapping[str, tuple[float, str]]) -> Text:
    """Beside a failed state why, beside a running one how far its job is, else the job."""
    if visit.error:
        parts = [(f"{visit.error}: {wording.reason(visit, 100)}", "red")]
    elif visit.job is not None and visit.open and visit.job.id in progress:
        fraction, note = progress[visit.job.id]
        full = round(fraction * BAR_WIDTH)
        parts = [("━" * full, "cyan"), ("━" * (BAR_WIDTH - full), "dim"), (f" {fraction:4.0%} {note}", "")]
    else:
        job = f"{visit.job.kind} {visit.job.name}  " if visit.job is not None else ""
        parts = [(job, "dim"), (wording.attempts(visit), "yellow")]
    # Not the column but its cells refuse to wrap: the column must give way before the others do.
    return Text.assemble(*parts, no_wrap=True, overflow="ellipsis")
