"""The one way from trainyard to the local cloud: starts, finds and ends it; runs on a laptop.

The local cloud is imported inside the functions: against AWS its dependencies need not be installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# Written by a local cloud that was started once; without it none can be running.
DESCRIPTION_FILE = "cloud.json"


@dataclass(frozen=True, kw_only=True)
class RunningCloud:
    """A local cloud that answers at `endpoint`; `variables` point boto3, the AWS CLI and the CDK to it."""

    endpoint: str
    process_id: int
    variables: Mapping[str, str]


def up(state_dir: Path, port: int, *, containers: str | None = None) -> RunningCloud:
    """Start the local cloud whose state lies in `state_dir`, or find the one that runs.

    `port` is its loopback port, `containers` a Docker-compatible program that runs jobs in real containers. Raises
    TrainyardError when the port is taken or the server does not come up.
    """
    from local_cloud import lifecycle

    cloud = lifecycle.up(state_dir, port, containers=containers)
    return RunningCloud(endpoint=cloud.endpoint, process_id=cloud.pid, variables=lifecycle.environment(cloud))


def down(state_dir: Path) -> bool:
    """Stop the local cloud, whose state is kept; False when none ran."""
    from local_cloud import lifecycle

    return lifecycle.down(state_dir)


def variables(state_dir: Path) -> dict[str, str] | None:
    """The environment variables that point to the running local cloud, None when none is running."""
    if not (state_dir / DESCRIPTION_FILE).is_file():
        return None
    from local_cloud import lifecycle

    cloud = lifecycle.status(state_dir)
    return None if cloud is None else lifecycle.environment(cloud)


def docker_program(state_dir: Path) -> Path:
    """The program for CDK_DOCKER: it answers the docker commands of the CDK without a container engine."""
    from local_cloud.images import docker

    return docker.executable(state_dir)
