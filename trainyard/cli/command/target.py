"""Decides whether a command talks to the local cloud or to AWS, and finds what is deployed there; runs on a laptop.

Only `--aws` sends anything to AWS: not a local cloud that is down, and nothing that a shell sets.
"""

from __future__ import annotations

import os

from rich.text import Text

from trainyard.cli.command import project, terminal
from trainyard.client import deployment, local_cloud, session
from trainyard.client.deployment import Deployment
from trainyard.client.session import Target
from trainyard.errors import NotFound, TrainyardError

ENDPOINT_VARIABLE = "AWS_ENDPOINT_URL"
DOWN = "The local cloud is down: start it with `trainyard up`, or say `--aws` to use your AWS account."


def connect(*, aws: bool) -> Target:
    """AWS when it is asked for, else the running local cloud; prints which one on a terminal.

    Raises NotFound when the local cloud is down, and TrainyardError when the shell sends calls of AWS to it.
    """
    target = _aws() if aws else _local()
    if terminal.interactive():
        terminal.err().print(Text(f"→ {target.name}", style="dim"))
    return target


def deployed(*, env: str, aws: bool) -> Deployment:
    """The deployment of an environment on the chosen target; raises NotFound."""
    return deployment.find(connect(aws=aws), env)


def _local() -> Target:
    variables = local_cloud.variables(project.state_dir())
    if variables is None:
        raise NotFound(DOWN)
    return session.on_local_cloud(variables)


def _aws() -> Target:
    named = os.environ.get(ENDPOINT_VARIABLE)
    if named and named == (local_cloud.variables(project.state_dir()) or {}).get(ENDPOINT_VARIABLE):
        raise TrainyardError(
            f"Expected --aws to reach AWS, found {ENDPOINT_VARIABLE}={named} in this shell, which is the local cloud; "
            "use a shell without the variables of `trainyard env`, or leave out --aws."
        )
    return session.on_aws(os.environ)
