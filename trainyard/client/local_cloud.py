"""The one way from trainyard to the local cloud: starts, finds and ends it; runs on a laptop.

The local cloud is imported inside the functions: against AWS its dependencies need not be installed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

# Made by a local cloud that was started once; without one of them none can be running.
MARKS = ("server.lock", "cloud.json")


@dataclass(frozen=True, kw_only=True)
class RunningCloud:
    """A local cloud that answers at `endpoint`; `variables` point boto3, the AWS CLI and the CDK to it."""

    endpoint: str
    process_id: int
    variables: Mapping[str, str]


def up(
    state_dir: Path, port: int | None, *, containers: str | None = None, tell: Callable[[str], None]
) -> RunningCloud:
    """Start the local cloud whose state lies in `state_dir`, or find the one that runs.

    `port` is its loopback port, None for the one it had, or the next free one; `containers` a Docker-compatible program
    that runs jobs in real containers; `tell` is called with sentences for the reader. Raises TrainyardError when the
    port is taken, the directory cannot be used, or the server does not come up.
    """
    from local_cloud import lifecycle

    cloud = lifecycle.up(state_dir, port, containers=containers, tell=tell)
    return RunningCloud(endpoint=cloud.endpoint, process_id=cloud.pid, variables=lifecycle.environment(cloud))


def down(state_dir: Path, *, tell: Callable[[str], None]) -> bool:
    """Stop the local cloud, whose state is kept; False when none ran.

    `tell` is called with sentences for the reader. Raises TrainyardError when it had to be killed.
    """
    from local_cloud import lifecycle

    return lifecycle.down(state_dir, tell=tell)


def variables(state_dir: Path) -> dict[str, str] | None:
    """The environment variables that point to the running local cloud, None when none is running."""
    if not any((state_dir / name).is_file() for name in MARKS):
        return None
    from local_cloud import lifecycle

    cloud = lifecycle.status(state_dir)
    return None if cloud is None else lifecycle.environment(cloud)


def docker_program(state_dir: Path) -> Path:
    """The program for CDK_DOCKER: it answers the docker commands of the CDK without a container engine."""
    from local_cloud.images import docker

    return docker.executable(state_dir)
