"""Which version of the workflow an execution runs, and which one is deployed; runs on a laptop.

Every deployment publishes a version of the state machine. Its definition names the versions of functions, the packages
of Glue jobs and the container images, so an execution keeps all of its code to its end, in redrives too.
"""

from __future__ import annotations

from dataclasses import dataclass

from botocore.exceptions import ClientError

from trainyard.client.deployment import Deployment
from trainyard.client.execution.executions import Execution
from trainyard.client.session import Target

GONE = ("StateMachineDoesNotExist", "ResourceNotFound")


@dataclass(frozen=True, kw_only=True)
class Version:
    """A published version of the workflow: its number, and what was said of its code when it was deployed."""

    number: str
    description: str = ""

    def __str__(self) -> str:
        return f"version {self.number}" + (f" ({self.description})" if self.description else "")


def version_of(target: Target, execution: Execution) -> Version | None:
    """The version that an execution runs; None for one that was started by the machine's own ARN."""
    return _version(target, execution.version_arn) if execution.version_arn else None


def deployed_version(deployment: Deployment) -> Version | None:
    """The version that new executions run; None where a deployment from before there were versions is not renewed."""
    client = deployment.target.client("stepfunctions")
    try:
        alias = client.describe_state_machine_alias(stateMachineAliasArn=deployment.live_machine_arn)
    except ClientError as error:
        if error.response["Error"]["Code"] in GONE:
            return None
        raise
    return _version(deployment.target, alias["routingConfiguration"][0]["stateMachineVersionArn"])


def older_version(deployment: Deployment, execution: Execution) -> str:
    """A sentence where an execution runs another version than the one that is deployed; empty where it does not."""
    own, now = version_of(deployment.target, execution), deployed_version(deployment)
    if own is None or now is None or own == now:
        return ""
    return f"It keeps the code that it began with: {own} of the workflow. Deployed is {now}."


def _version(target: Target, arn: str) -> Version:
    """Old versions are removed some day; executions of theirs still name them."""
    number = arn.rpartition(":")[2]
    try:
        found = target.client("stepfunctions").describe_state_machine(stateMachineArn=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] in GONE:
            return Version(number=number)
        raise
    return Version(number=number, description=found.get("description", ""))
