"""Turns an image and a job's settings into a command: a process here, or a real container; runs in the server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local_cloud.images.registry import Image
from local_cloud.jobs.process import Command
from local_cloud.jobs.settings import Settings
from local_cloud.jobs.workspace import ML_PREFIX, Workspace

HOST_PATH = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
PYTHON = re.compile(r"python(3(\.\d+)?)?")
CONTAINER_CA = "/etc/trainyard-ca.pem"


@dataclass(frozen=True, kw_only=True)
class Container:
    """What a job runs: `entrypoint` and `arguments` override the image's where they are not empty."""

    name: str
    image_uri: str
    entrypoint: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


def aws_environment(settings: Settings, credentials: Mapping[str, str], *, ca_bundle: str) -> dict[str, str]:
    """Variables with which boto3 reaches the local cloud as the job's role.

    The region is in AWS_REGION, as in SageMaker: boto3 reads AWS_DEFAULT_REGION only, and what relies on that fails.
    """
    variables = {**credentials, "AWS_REGION": settings.region, "AWS_ENDPOINT_URL": settings.endpoint}
    return {**variables, "AWS_CA_BUNDLE": ca_bundle} if ca_bundle else variables


def host_environment(workspace: Workspace) -> dict[str, str]:
    """The little that a job's process gets from this machine: never the server's own variables."""
    return {"PATH": HOST_PATH, "HOME": str(workspace.home), "TMPDIR": str(workspace.tmp), "LANG": "C.UTF-8"}


def process_command(
    container: Container, image: Image, *, workspace: Workspace, settings: Settings, credentials: Mapping[str, str]
) -> Command:
    """The entry point as a process of this machine.

    Absolute paths that exist in the image, and those below /opt/ml, are replaced by where they lie here, in arguments
    and in the image's own variables. TRAINYARD_ML_ROOT tells the entry points where /opt/ml is. Modules that Python
    compiles lie beside their sources, which are read-only: in a folder per image, the first job after each deployment
    would compile TensorFlow anew.
    """
    here = _mapping(image.root, workspace)
    paths = {name: _map_path_list(image.env.get(name, ""), here) for name in ("PATH", "PYTHONPATH")}
    workdir = Path(here(image.workdir))
    environment = {
        **host_environment(workspace),
        **{name: here(value) for name, value in image.env.items()},
        "PATH": ":".join([*(each for each in paths["PATH"] if each.startswith(str(image.root))), HOST_PATH]),
        "PYTHONPATH": ":".join(paths["PYTHONPATH"] or [str(workdir)]),
        **container.environment,
        "TRAINYARD_ML_ROOT": str(workspace.ml),
        **aws_environment(settings, credentials, ca_bundle=settings.ca_bundle),
    }
    argv = [here(each) for each in _arguments(container, image)]
    if PYTHON.fullmatch(argv[0]):
        argv[0] = sys.executable
    return Command(argv=argv, env=environment, cwd=workdir, merged=True, started=workspace.started)


def engine_command(
    container: Container, workspace: Workspace, *, settings: Settings, credentials: Mapping[str, str]
) -> Command:
    """`docker run` for a real engine, with the job's folder as /opt/ml.

    Values of variables travel in the client's environment (`-e NAME`), where other users cannot see them.
    """
    ca_bundle = CONTAINER_CA if settings.ca_bundle else ""
    variables = {**container.environment, **aws_environment(settings, credentials, ca_bundle=ca_bundle)}
    argv = [settings.engine, "run", "--rm", "--name", container.name, "--network", "host"]
    argv += ["-v", f"{workspace.ml}:{ML_PREFIX}"]
    if settings.ca_bundle:
        argv += ["-v", f"{settings.ca_bundle}:{CONTAINER_CA}:ro"]
    for name in sorted(variables):
        argv += ["-e", name]
    first, *others = container.entrypoint or ("",)
    if first:
        argv += ["--entrypoint", first]
    argv += [container.image_uri, *others, *container.arguments]
    # The client itself needs to be found and to find its settings.
    own = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return Command(
        argv=argv,
        env={**own, **variables},
        cwd=workspace.root,
        merged=True,
        kill=lambda: _kill_container(settings.engine, container.name),
        started=workspace.started,
    )


def _kill_container(engine: str, name: str) -> None:
    subprocess.run([engine, "kill", name], capture_output=True, timeout=30)


def _arguments(container: Container, image: Image) -> list[str]:
    """The command line as an engine would form it: an overridden entry point drops the image's CMD as well."""
    entrypoint = container.entrypoint or image.entrypoint
    arguments = container.arguments or (() if container.entrypoint else image.command)
    return [*entrypoint, *arguments] or ["/bin/sh"]


def _mapping(root: Path, workspace: Workspace) -> Callable[[str], str]:
    def here(value: str) -> str:
        if value == ML_PREFIX or value.startswith(f"{ML_PREFIX}/"):
            return f"{workspace.ml}{value.removeprefix(ML_PREFIX)}"
        if value.startswith("/") and (root / value.lstrip("/")).exists():
            return str(root / value.lstrip("/"))
        return value

    return here


def _map_path_list(value: str, here: Callable[[str], str]) -> list[str]:
    return [here(each) for each in value.split(":") if each]
