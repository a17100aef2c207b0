"""`python -m local_cloud.images.docker`: the docker commands the CDK CLI calls, without an engine; runs on a laptop."""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import shlex
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from local_cloud.images.build import BuildRequest
from local_cloud.images.registry import Image, Registry, canonical, repository_and_tag
from local_cloud.state import STATE_DIR_VARIABLE, images_directory, state_directory
from trainyard.errors import BadRequest, NotFound, TrainyardError

MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
# Docker's own code for "no such object", which the CDK CLI takes as "not built yet".
NOT_THERE = 1


def executable(state_dir: Path) -> Path:
    """Write the program for CDK_DOCKER: a script that calls this module for the given state directory.

    The CDK CLI starts it by one path without arguments of ours, so interpreter and state directory are written into it.
    """
    script = state_dir.absolute() / "bin" / "docker"
    script.parent.mkdir(parents=True, exist_ok=True)
    package_parent = Path(__file__).resolve().parents[2]
    partial = script.with_suffix(".partial")
    partial.write_text(
        "#!/bin/sh\n"
        f"export {STATE_DIR_VARIABLE}={shlex.quote(str(state_dir.absolute()))}\n"
        f"export PYTHONPATH={shlex.quote(str(package_parent))}\n"
        f'exec {shlex.quote(sys.executable)} -m local_cloud.images.docker "$@"\n',
        encoding="utf-8",
    )
    partial.chmod(partial.stat().st_mode | stat.S_IXUSR)
    partial.replace(script)
    return script


def main(arguments: Sequence[str]) -> int:
    """Run one docker command line; returns the exit status."""
    arguments = list(arguments)
    if arguments[:1] == ["--config"]:
        arguments = arguments[2:]
    command, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    try:
        action = {"build": _build, "inspect": _inspect, "login": _login, "tag": _tag, "push": _push, "images": _images}
        if command not in action:
            raise BadRequest(
                f"Expected one of {', '.join(action)}, found {command or 'nothing'!r}: this stands in for docker "
                "only as far as `cdk deploy` needs it. Use `trainyard up --containers docker` for a real engine."
            )
        return action[command](rest, Registry(images_directory(state_directory(os.environ))))
    except TrainyardError as error:
        print(f"docker (local cloud): {error}", file=sys.stderr)
        return 2 if isinstance(error, BadRequest) else NOT_THERE


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        raise BadRequest(f"{self.prog}: {message}.")


def _build(arguments: list[str], registry: Registry) -> int:
    parser = _Parser(prog="build", allow_abbrev=False)
    parser.add_argument("--tag", "-t", action="append", default=[])
    parser.add_argument("--file", "-f", default="Dockerfile")
    parser.add_argument("--build-arg", action="append", default=[])
    parser.add_argument("--target", default="")
    # Neither platform nor caches nor networks have a meaning where no layer is made.
    for ignored in ("--platform", "--network", "--cache-from", "--cache-to", "--progress"):
        parser.add_argument(ignored, action="append")
    parser.add_argument("--no-cache", action="store_true")
    parser.add_argument("context")
    asked = parser.parse_args(arguments)
    pairs = [each.partition("=") for each in asked.build_arg]
    build_args = {name: value if given else os.environ.get(name, "") for name, given, value in pairs}
    context = Path(asked.context).resolve()
    file = os.path.relpath(context / asked.file, context)
    image = registry.build(BuildRequest(context=context, dockerfile=file, build_args=build_args, target=asked.target))
    for tag in asked.tag:
        registry.tag(tag, image.digest)
    print(image.digest)
    return 0


def _inspect(arguments: list[str], registry: Registry) -> int:
    described = []
    for name in arguments:
        digest = registry.find(name)
        if digest is None:
            raise NotFound(f"No such object: {name}")
        image = registry.load(digest)
        configuration = {"Entrypoint": image.entrypoint, "Cmd": image.command, "WorkingDir": image.workdir}
        variables = [f"{key}={value}" for key, value in image.env.items()]
        described.append({"Id": digest, "RepoTags": [name], "Config": {**configuration, "Env": variables}})
    print(json.dumps(described, indent=2))
    return 0


def _login(_arguments: list[str], _registry: Registry) -> int:
    # Pushes go through the ECR API with the caller's AWS credentials: there is nothing to log in to.
    sys.stdin.read()
    print("Login Succeeded")
    return 0


def _tag(arguments: list[str], registry: Registry) -> int:
    if len(arguments) != 2:
        raise BadRequest(f"tag: expected a source and a target, found {arguments}.")
    registry.tag(arguments[1], registry.resolve(arguments[0]).digest)
    return 0


def _images(arguments: list[str], registry: Registry) -> int:
    parser = _Parser(prog="images", allow_abbrev=False)
    parser.add_argument("--format", default="")
    parser.add_argument("--filter", default="reference=*")
    pattern = parser.parse_args(arguments).filter.removeprefix("reference=").removeprefix("*/")
    for name in registry.tags():
        if fnmatch.fnmatch(name, pattern):
            print(name)
    return 0


def _push(arguments: list[str], registry: Registry) -> int:
    if len(arguments) != 1:
        raise BadRequest(f"push: expected one image, found {arguments}.")
    image = registry.resolve(arguments[0])
    repository, tag = repository_and_tag(arguments[0])
    try:
        _put_manifest(image, repository=repository, tag=tag)
    except (ClientError, BotoCoreError) as error:
        raise TrainyardError(f"Cannot push {canonical(arguments[0])}: {error}") from error
    print(f"{tag}: digest: {image.digest}")
    return 0


def _put_manifest(image: Image, *, repository: str, tag: str) -> None:
    """Make the image visible in ECR, so that later deployments find it and skip the push."""
    ecr = boto3.client("ecr")
    part = {"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "size": 0, "digest": image.digest}
    configuration = {**part, "mediaType": "application/vnd.docker.container.image.v1+json"}
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": configuration, "layers": [part]}
    try:
        ecr.put_image(
            repositoryName=repository,
            imageTag=tag,
            imageManifest=json.dumps(manifest, sort_keys=True),
            imageManifestMediaType=MANIFEST_TYPE,
        )
    except (ecr.exceptions.ImageAlreadyExistsException, ecr.exceptions.ImageTagAlreadyExistsException):
        # Tags are immutable hashes of the asset: the image of that name is this one.
        return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
