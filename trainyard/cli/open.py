"""`trainyard open`: shows a run, or all of them, in the browser; runs on a laptop."""

from __future__ import annotations

import webbrowser
from typing import Annotated

import typer
from rich.text import Text

from trainyard.cli.command import console_of, target, terminal
from trainyard.cli.command.options import AwsOption, EnvOption
from trainyard.client.execution.find_execution import find_execution


def open(
    execution: Annotated[
        str | None,
        typer.Argument(
            metavar="[EXECUTION]", help="ARN, name, unique start of a name, run id, `latest` or `previous`."
        ),
    ] = None,
    *,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open it, or only print the link.")] = True,
    env: EnvOption = "dev",
    aws: AwsOption = False,
) -> None:
    """Open the console in the browser: all runs, or one of them. It is started where none runs.

    Examples:

    * `trainyard open`

    * `trainyard open latest --no-browser`
    """
    path = ""
    if execution is not None:
        path = console_of.path_of(find_execution(target.deployed(env=env, aws=aws), execution).name)
    else:
        # Before anything is started: a page that only says that the local cloud is down helps nobody.
        target.connect(aws=aws)
    link = console_of.started(env=env, aws=aws).link(path)
    terminal.out().print(Text(link), soft_wrap=True)
    if browser:
        webbrowser.open(link)
