"""Prints why an execution failed on the way, with the lines of a log that say most, and how to go on; on a laptop."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from trainyard.client.deployment import Deployment
from trainyard.client.execution.executions import Execution
from trainyard.client.execution.history import StateVisit
from trainyard.client.execution.why_failed import why_failed


def print_failure(deployment: Deployment, execution: Execution, *, visits: Sequence[StateVisit], out: Console) -> None:
    """Print the root cause of an execution that failed, timed out or was stopped, and what to do about it."""
    why = why_failed(deployment, execution, visits=visits)
    out.print()
    out.print(Text(f"{execution.status} at {why.where}: {why.error}", style="bold red"))
    out.print(Text(why.reason), soft_wrap=True)
    if why.lines:
        out.print(Text(f"Lines of the log of {why.state}:", style="bold"))
        for line in why.lines:
            out.print(Text(f"  {line}", style="dim"), soft_wrap=True)
    for line in why.advice:
        out.print(Text(line), soft_wrap=True)
