"""Finds what an environment deployed, by the outputs of its CloudFormation stacks; runs on a laptop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from trainyard.client.session import Target
from trainyard.errors import NotFound
from trainyard.run.naming import LIVE

STACKS = ("data", "workflow")


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """The deployed workflow of one environment, and the target it lives in."""

    target: Target
    env: str
    raw_bucket: str
    artifacts_bucket: str
    state_machine_arn: str
    topic_arn: str
    ledger_table: str
    dashboard_url: str

    @property
    def name(self) -> str:
        """How the names of its stacks, endpoints and model groups begin, before the next dash."""
        return f"trainyard-{self.env}"

    @property
    def scores_database(self) -> str:
        """The database of the catalogue that bulk scores are in, a table for each recipe."""
        return f"trainyard_{self.env}"

    @property
    def live_machine_arn(self) -> str:
        """What starts the version that was deployed last, and has it noted in the execution."""
        return f"{self.state_machine_arn}:{LIVE}"

    def variables(self) -> Mapping[str, str]:
        """What the function that resolves requests was deployed with, such as the policy of the environment."""
        function = self.target.client("lambda").get_function_configuration(FunctionName=self.resolve_function)
        found: Mapping[str, str] = function.get("Environment", {}).get("Variables", {})
        return found

    @property
    def resolve_function(self) -> str:
        """The function that knows what an environment allows and keeps."""
        return f"{self.name}-resolve"

    @property
    def options(self) -> str:
        """What a command needs after its arguments to mean this deployment."""
        return ("" if self.target.local else " --aws") + (f" --env {self.env}" if self.env != "dev" else "")


def stack_name(env: str, part: str) -> str:
    """The name of a stack of an environment."""
    return f"trainyard-{env}-{part}"


def stack_status(target: Target, name: str) -> str | None:
    """CloudFormation's status of a stack, None when there is none."""
    stack = _describe(target, name)
    return None if stack is None else str(stack["StackStatus"])


def find(target: Target, env: str) -> Deployment:
    """The deployment of `env`; raises NotFound when a stack or an output is missing."""
    outputs: dict[str, str] = {}
    for part in STACKS:
        stack = _describe(target, stack_name(env, part))
        if stack is None:
            raise NotFound(
                f"Expected the stack {stack_name(env, part)} on {target.name}; it is not deployed. "
                f"Run `trainyard deploy --env {env}`."
            )
        outputs.update({each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])})
    return Deployment(
        target=target,
        env=env,
        raw_bucket=_output(outputs, "RawBucketName", env=env),
        artifacts_bucket=_output(outputs, "ArtifactsBucketName", env=env),
        state_machine_arn=_output(outputs, "StateMachineArn", env=env),
        topic_arn=_output(outputs, "TopicArn", env=env),
        ledger_table=_output(outputs, "LedgerTableName", env=env),
        dashboard_url=outputs.get("DashboardUrl", ""),
    )


def _describe(target: Target, name: str) -> dict[str, Any] | None:
    try:
        stacks = target.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError" and "does not exist" in str(error):
            return None
        raise
    alive = [each for each in stacks if each["StackStatus"] != "DELETE_COMPLETE"]
    return alive[0] if alive else None


def _output(outputs: dict[str, str], key: str, *, env: str) -> str:
    if key in outputs:
        return outputs[key]
    raise NotFound(
        f"Expected the output {key} in the stacks of environment {env!r}; "
        f"found {', '.join(sorted(outputs)) or 'none'}. "
        f"The deployment is unfinished or from another version; run `trainyard deploy --env {env}`."
    )
