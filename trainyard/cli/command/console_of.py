"""The console of a deployment: found, started and named by commands; runs on a laptop."""

from __future__ import annotations

import sys
from urllib.parse import quote

from rich.text import Text

from trainyard.cli.command import terminal
from trainyard.client import project
from trainyard.console import background
from trainyard.console.note import Note, Running


def note(*, env: str, aws: bool) -> Note:
    """The note of the console that shows a deployment."""
    return Note(project.state_dir() / f"console-{'aws-' if aws else ''}{env}.json")


def started(*, env: str, aws: bool) -> Running:
    """The console of a deployment, started in the background where none runs. Raises TrainyardError."""
    program = "from trainyard.cli.main import run; run()"
    command = [sys.executable, "-c", program, "console", "--env", env, *(["--aws"] if aws else [])]
    return background.start(command, note=note(env=env, aws=aws))


def path_of(execution: str) -> str:
    """The page of an execution."""
    return f"executions/{quote(execution, safe='')}"


def print_link(path: str, *, env: str, aws: bool) -> None:
    """Name a page of the console, where one runs."""
    running = note(env=env, aws=aws).running()
    if running is not None:
        terminal.out().print(Text(f"In the browser: {running.link(path)}", style="dim"), soft_wrap=True)
