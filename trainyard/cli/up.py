"""`trainyard up`: starts the local cloud; runs on a laptop."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from trainyard.cli.command import console_of, terminal
from trainyard.cli.command.options import ContainersOption, PortOption
from trainyard.client import local_cloud, project

ConsoleOption = Annotated[bool, typer.Option("--console/--no-console", help="Serve a web page of it, too.")]


def up(port: PortOption = None, containers: ContainersOption = None, *, console: ConsoleOption = True) -> None:
    """Start the local cloud and its console, or say that they run. What they hold survives `down`, `up` and a crash.

    Examples:

    * `trainyard up`

    * `trainyard up --port 4600 --containers podman`
    """
    cloud = local_cloud.up(project.state_dir(), port, containers=containers, tell=tell)
    terminal.out().print(Text(f"The local cloud is up at {cloud.endpoint} (process {cloud.process_id})."))
    terminal.out().print(Text('Use it with other tools: eval "$(trainyard env)"', style="dim"))
    if console:
        link = console_of.started(env="dev", aws=False).link()
        terminal.out().print(Text(f"See what happens in it: {link}"), soft_wrap=True)
    if port is not None and not cloud.endpoint.endswith(f":{port}"):
        tell(f"It ran already, so --port {port} changes nothing; call `trainyard down` first to move it.")


def tell(sentence: str) -> None:
    """Print what a reader should know about a start or an end."""
    terminal.err().print(Text(sentence, style="yellow"), soft_wrap=True)
