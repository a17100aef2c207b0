"""What graph, live table and log lines say about an execution and one visit of a state; pure."""

from __future__ import annotations

from datetime import datetime

from rich.text import Text

from trainyard.cli.command import terminal
from trainyard.client.execution.executions import Execution
from trainyard.client.execution.history import StateVisit
from trainyard.pages import formats
from trainyard.stages.explain_failure.cause import reason_of

# States that only decide or rename: a line in the graph, none in the live table.
WITHOUT_WORK = ("Choice", "Pass")


def heading(execution: Execution) -> Text:
    """Recipe, data set, name, status and wall time."""
    what = " · ".join(each for each in (execution.recipe, execution.dataset, execution.name) if each)
    return Text.assemble(
        (what, "bold"), "  ", terminal.execution_status(execution.status), f"  {formats.duration(execution.seconds)}"
    )


def elapsed(visit: StateVisit, now: datetime) -> str:
    """How long a visit took, or takes so far; empty for a state that does no work."""
    return "" if visit.type in WITHOUT_WORK else formats.duration(visit.elapsed(now).total_seconds())


def reason(visit: StateVisit, limit: int) -> str:
    """Why a visit failed, in one line of at most `limit` characters; empty for one that did not."""
    return terminal.one_line(reason_of(visit.cause), limit) if visit.cause else ""


def attempts(visit: StateVisit) -> str:
    """Which attempt it is and whether it was redriven; empty for a first one."""
    words = [f"attempt {visit.attempts}"] if visit.attempts > 1 else []
    return ", ".join(words + (["redriven"] if visit.resumed else []))
