"""`trainyard notebook`: opens the tutorials in JupyterLab; runs on a laptop."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from trainyard.client import notebooks


def notebook(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[FOLDER]", exists=True, file_okay=False, help="Folder of notebooks of your own."),
    ] = None,
    *,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open it, or only print the link.")] = True,
) -> None:
    """Open JupyterLab on copies of the tutorials, or on a folder of yours; Ctrl-C ends it.

    Examples:

    * `trainyard notebook`

    * `trainyard notebook analyses --no-browser`
    """
    command = notebooks.program((folder or notebooks.placed()).absolute(), browser=browser)
    # In place of this process, so that keys and signals reach Jupyter alone.
    os.execve(command[0], command, dict(notebooks.environment()))  # noqa: S606 - there is no shell
