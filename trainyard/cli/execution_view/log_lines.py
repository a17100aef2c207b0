"""Prints log lines with their time and state; runs on a laptop."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from trainyard.cli.command import terminal
from trainyard.client.execution.log_line import LogLine


def print_lines(name: str, lines: Sequence[LogLine]) -> None:
    """Print log lines with their time and, where several states are mixed, the state's name."""
    out = terminal.out()
    for line in lines:
        head = f"{line.time.astimezone():%H:%M:%S}" + (f" {name}" if name else "")
        out.print(Text.assemble((f"{head} │ ", "dim"), line.text), soft_wrap=True)
