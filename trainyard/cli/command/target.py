"""Decides whether a command talks to the local cloud or to AWS, and says which; runs on a laptop."""

from __future__ import annotations

from rich.text import Text

from trainyard.cli.command import terminal
from trainyard.client import connection, deployment
from trainyard.client.deployment import Deployment
from trainyard.client.session import Target

OPTION = "--aws"
OTHERWISE = f"say `{OPTION}`"
DOWN = connection.DOWN.format(otherwise=OTHERWISE)


def connect(*, aws: bool) -> Target:
    """AWS when it is asked for, else the running local cloud; prints which one on a terminal.

    Raises NotFound when the local cloud is down, and TrainyardError when the shell sends calls of AWS to it.
    """
    target = connection.connect(aws=aws, spelled=OPTION, otherwise=OTHERWISE)
    if terminal.interactive():
        terminal.err().print(Text(f"→ {target.name}", style="dim"))
    return target


def deployed(*, env: str, aws: bool) -> Deployment:
    """The deployment of an environment on the chosen target; raises NotFound."""
    return deployment.find(connect(aws=aws), env)
