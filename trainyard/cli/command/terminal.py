"""Where commands print, and how times, sizes and states look; runs on a laptop or in CI."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from trainyard.client.execution.history import Status

# Files and pipes have no width; tables are better long than cut.
PIPE_WIDTH = 200

GLYPHS = {
    Status.RUNNING: ("◐", "cyan"),
    Status.SUCCEEDED: ("●", "green"),
    Status.CAUGHT: ("↷", "yellow"),
    Status.FAILED: ("✗", "red"),
    Status.ABORTED: ("■", "magenta"),
    Status.TIMED_OUT: ("⧖", "red"),
}
PENDING_GLYPH = ("○", "dim")
EXECUTION_STYLES = {
    "RUNNING": "cyan",
    "SUCCEEDED": "green",
    "FAILED": "red",
    "TIMED_OUT": "red",
    "ABORTED": "magenta",
    "PENDING_REDRIVE": "yellow",
}


def out() -> Console:
    """Standard output. Text is never taken for markup: names and log lines may hold brackets."""
    return _console(stderr=False)


def err() -> Console:
    """Standard error."""
    return _console(stderr=True)


def interactive() -> bool:
    """Whether a person is watching: no pipe, no CI."""
    return sys.stdout.isatty() and not os.environ.get("CI")


def print_json(document: Any) -> None:
    """A document for machines, dates as ISO text."""
    print(json.dumps(document, indent=2, default=_plain))


def one_line(value: Any, limit: int) -> str:
    """A value as short JSON."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=_plain)
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def glyph(status: Status) -> Text:
    """A state's status as one coloured sign."""
    sign, style = GLYPHS[status]
    return Text(sign, style=style)


def execution_status(status: str) -> Text:
    return Text(status, style=EXECUTION_STYLES.get(status, ""))


def now() -> datetime:
    return datetime.now(UTC)


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
    return Console(stderr=stderr, markup=False, highlight=False, emoji=False, width=width)


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
