"""Which console belongs to a deployment: where it is noted, and the command that starts it; runs on a laptop."""

from __future__ import annotations

import sys
from pathlib import Path

from trainyard.cli.command import project


def options(*, env: str, aws: bool) -> str:
    """What a command needs after its arguments to mean the same deployment."""
    return (" --aws" if aws else "") + (f" --env {env}" if env != "dev" else "")


def note(*, env: str, aws: bool) -> Path:
    """The file that says where the console of a deployment serves."""
    return project.state_dir() / f"console-{'aws-' if aws else ''}{env}.json"


def command(*, env: str, aws: bool) -> list[str]:
    """The command that serves it, with the interpreter that runs this one."""
    program = "from trainyard.cli.main import run; run()"
    return [sys.executable, "-c", program, "console", "--env", env, *(["--aws"] if aws else [])]
