"""Decides whether a command talks to the local cloud or to AWS, and finds what is deployed there; runs on a laptop."""

from __future__ import annotations

import os

from rich.text import Text

from trainyard.cli.command import project, terminal
from trainyard.client import deployment, local_cloud, session
from trainyard.client.deployment import Deployment
from trainyard.client.session import Target


def connect(*, aws: bool) -> Target:
    """The running local cloud, unless `aws` is asked for or none is up; prints which one on a terminal."""
    variables = None if aws else local_cloud.variables(project.state_dir())
    target = session.on_aws(os.environ) if variables is None else session.on_local_cloud(variables)
    if terminal.interactive():
        terminal.err().print(Text(f"→ {target.name}", style="dim"))
    return target


def deployed(*, env: str, aws: bool) -> Deployment:
    """The deployment of an environment on the chosen target; raises NotFound."""
    return deployment.find(connect(aws=aws), env)
