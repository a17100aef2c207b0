"""Connects to the local cloud or to AWS, and finds what is deployed there; runs on a laptop.

Only who asks for AWS reaches it: not a local cloud that is down, and nothing that a shell sets.
"""

from __future__ import annotations

import os

from trainyard.client import deployment, local_cloud, project, session
from trainyard.client.deployment import Deployment
from trainyard.client.session import Target
from trainyard.errors import NotFound, TrainyardError

ENDPOINT_VARIABLE = "AWS_ENDPOINT_URL"
DOWN = "The local cloud is down: start it with `trainyard up`, or {otherwise} to use your AWS account."


def connect(*, aws: bool, spelled: str = "aws=True", otherwise: str = "connect with `aws=True`") -> Target:
    """AWS when it is asked for, else the running local cloud.

    `spelled` is how the caller asks for AWS, and `otherwise` how it would, in a sentence. Raises NotFound when the
    local cloud is down, and TrainyardError when the shell sends calls of AWS to it.
    """
    if aws:
        return _aws(spelled)
    variables = local_cloud.variables(project.state_dir())
    if variables is None:
        raise NotFound(DOWN.format(otherwise=otherwise))
    return session.on_local_cloud(variables)


def deployed(*, env: str, aws: bool) -> Deployment:
    """The deployment of an environment on the chosen target; raises NotFound and TrainyardError."""
    return deployment.find(connect(aws=aws), env)


def _aws(spelled: str) -> Target:
    named = os.environ.get(ENDPOINT_VARIABLE)
    if named and named == (local_cloud.variables(project.state_dir()) or {}).get(ENDPOINT_VARIABLE):
        raise TrainyardError(
            f"Expected {spelled} to reach AWS, found {ENDPOINT_VARIABLE}={named} in this shell, which is the local "
            f"cloud; use a shell without the variables of `trainyard env`, or leave out {spelled}."
        )
    return session.on_aws(os.environ)
