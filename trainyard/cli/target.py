"""Decides whether a command talks to the local cloud or to AWS, and finds what is deployed there; runs on a laptop."""

from __future__ import annotations

import os
from pathlib import Path

from rich.text import Text

from trainyard.aws import deployment, session
from trainyard.aws.deployment import Deployment
from trainyard.aws.session import Target
from trainyard.cli import console, project

DESCRIPTION_FILE = "cloud.json"


def connect(*, aws: bool) -> Target:
    """The running local cloud, unless `aws` is asked for or none is up; tells a watching person which."""
    variables = None if aws else local_variables(project.state_dir())
    target = session.on_aws(os.environ) if variables is None else session.on_local_cloud(variables)
    if console.interactive():
        console.err().print(Text(f"→ {target.name}", style="dim"))
    return target


def deployed(*, env: str, aws: bool) -> Deployment:
    """The deployment of an environment on the chosen target; raises NotFound."""
    return deployment.find(connect(aws=aws), env)


def local_variables(state_dir: Path) -> dict[str, str] | None:
    """The environment variables that lead to the running local cloud, None when none is running."""
    if not (state_dir / DESCRIPTION_FILE).is_file():
        return None
    # Imported only where a local cloud was started: against AWS its dependencies need not be installed.
    from local_cloud import lifecycle

    cloud = lifecycle.status(state_dir)
    return None if cloud is None else lifecycle.environment(cloud)
