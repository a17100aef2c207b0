"""`trainyard env`: the shell variables that point other tools to the local cloud; runs on a laptop."""

from __future__ import annotations

import os
import shlex

from trainyard.cli.command import target
from trainyard.client import deployment, local_cloud, project
from trainyard.errors import NotFound

# Left over from work on a real account, these would be sent to the local cloud beside its own keys, or send calls
# past it.
FOREIGN = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")
OF_ONE_SERVICE = "AWS_ENDPOINT_URL_"


def env() -> None:
    """Print the shell variables that point the AWS CLI, the CDK and boto3 to the local cloud.

    Where the workflow is deployed, its names follow: RAW_BUCKET, ARTIFACTS_BUCKET, STATE_MACHINE_ARN, TOPIC_ARN.

    Example: `eval "$(trainyard env)" && aws s3 ls`
    """
    variables = local_cloud.variables(project.state_dir())
    if variables is None:
        raise NotFound("The local cloud is down: start it with `trainyard up`.")
    elsewhere = sorted(name for name in os.environ if name.startswith(OF_ONE_SERVICE))
    print(f"unset {' '.join((*FOREIGN, *elsewhere))}")
    for name, value in sorted((variables | _deployed_names()).items()):
        print(f"export {name}={shlex.quote(value)}")


def _deployed_names() -> dict[str, str]:
    """What commands of other tools need to name; nothing before the first deployment."""
    cloud = target.connect(aws=False)
    if not all(deployment.stack_status(cloud, deployment.stack_name("dev", part)) for part in deployment.STACKS):
        return {}
    found = deployment.find(cloud, "dev")
    return {
        "RAW_BUCKET": found.raw_bucket,
        "ARTIFACTS_BUCKET": found.artifacts_bucket,
        "STATE_MACHINE_ARN": found.state_machine_arn,
        "TOPIC_ARN": found.topic_arn,
    }
