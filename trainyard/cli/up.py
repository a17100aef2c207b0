"""`trainyard up`: starts the local cloud; runs on a laptop."""

from __future__ import annotations

from rich.text import Text

from trainyard.cli.command import project, terminal
from trainyard.cli.command.options import DEFAULT_PORT, ContainersOption, PortOption
from trainyard.client import local_cloud


def up(port: PortOption = DEFAULT_PORT, containers: ContainersOption = None) -> None:
    """Start the local cloud, or say that it runs. What it holds survives `down` and `up`.

    Examples:

    * `trainyard up`

    * `trainyard up --port 4600 --containers podman`
    """
    cloud = local_cloud.up(project.state_dir(), port, containers=containers)
    terminal.out().print(Text(f"The local cloud is up at {cloud.endpoint} (process {cloud.process_id})."))
    terminal.out().print(Text('Use it with other tools: eval "$(trainyard env)"', style="dim"))
