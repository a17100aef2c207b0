"""What the machine has that one deploys from: programs, room and the local cloud; runs on a laptop."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainyard.client import local_cloud
from trainyard.client.doctor.check import Check, missing, ok, unknown

PYTHONS = ((3, 11), (3, 13))
OLDEST_NODE = 22
SETUP = "Run `make setup`, which installs it."
GIB = 2**30
# A demo's state, samples and snapshots of images; the packages are there already.
LOCAL_DISK_GIB = 3.0
# Two images, one of them with TensorFlow, and the layers they are made of.
IMAGES_DISK_GIB = 15.0
# The server, a job of TensorFlow and one of Spark at the same time.
MEMORY_GIB = 4.0
ENGINES = ("docker", "podman", "finch")
ENGINE_VARIABLE = "CDK_DOCKER"
ENGINE_SECONDS = 20


@dataclass(frozen=True, kw_only=True)
class Laptop:
    """Where to look. `node` is None where there is none; `cdk` is the script of the project's CDK command line, which
    the first deployment installs where there is no checkout.
    """

    project: Path
    state_dir: Path
    node: Path | None
    cdk: Path
    checkout: bool = True


def checks(laptop: Laptop, *, images: bool) -> Iterator[Check]:
    """All of them in the order in which they are needed; with `images` they are built for AWS, and jobs run there."""
    yield _python()
    yield _node(laptop)
    yield _cdk(laptop)
    yield engine() if images else _snapshots()
    yield _disk(laptop.state_dir, IMAGES_DISK_GIB if images else LOCAL_DISK_GIB)
    if not images:
        yield _memory()
    yield _local_cloud(laptop.state_dir)


def _python() -> Check:
    found, (oldest, newest) = sys.version_info[:2], PYTHONS
    said = f"Python {found[0]}.{found[1]} at {sys.executable}."
    if oldest <= found <= newest:
        return ok("python", said)
    return missing(
        "python", said, advice="Use Python 3.11, 3.12 or 3.13: `make clean`, `make PYTHON=python3.11 setup`."
    )


def _node(laptop: Laptop) -> Check:
    if laptop.node is None:
        return missing("node", "No Node was found.", advice=SETUP)
    said = _said([str(laptop.node), "--version"])
    version = said.removeprefix("v")
    if version.partition(".")[0].isdecimal() and int(version.partition(".")[0]) >= OLDEST_NODE:
        return ok("node", f"Node {version} at {laptop.node}.")
    found = f"Expected Node {OLDEST_NODE} or newer at {laptop.node}, found {version or 'none that runs'}."
    return missing("node", found, advice=SETUP)


def _cdk(laptop: Laptop) -> Check:
    """The project's own, which the lock names; what the shell calls `cdk` may be one that reads no assembly of ours."""
    locked = _read(laptop.project / "package.json").get("devDependencies", {}).get("aws-cdk", "")
    found = _read(_package(laptop.cdk)).get("version", "")
    if not found and not laptop.checkout:
        return ok("cdk", f"The first deployment installs the CDK command line {locked} at {laptop.cdk}.")
    if not found or found != locked:
        said = f"Expected the CDK command line {locked} at {laptop.cdk}, found {found or 'none'}."
        return missing("cdk", said, advice=SETUP)
    said, in_shell = f"CDK command line {found}; commands of trainyard call it.", shutil.which("cdk")
    if in_shell is None:
        return ok("cdk", said, advice="By hand: `npx cdk`, in the project.")
    # That of `make setup` is a script beside no package.
    other = _read(_package(Path(in_shell).resolve())).get("version") or _said([in_shell, "--version"]).partition(" ")[0]
    if other == found:
        return ok("cdk", said)
    return ok(
        "cdk",
        f"{said} The `cdk` of this shell is {other or 'of an unknown version'}.",
        advice="By hand call `npx cdk` in the project.",
    )


def engine() -> Check:
    """Whether images for AWS can be built: the program that the CDK calls, and whether it answers."""
    program = os.environ.get(ENGINE_VARIABLE) or ENGINES[0]
    if shutil.which(program):
        if _answers(program):
            return ok("images", f"{program} answers; the CDK builds both images with it.")
        said = f"{program} is installed, but `{program} info` fails: its service is down, or not open to you."
        return missing("images", said, advice=f"Start it, and try `{program} info`.")
    others = [each for each in ENGINES if shutil.which(each)]
    said = f"Expected {program} to build the images with, found {', '.join(others) or 'no container engine'}."
    if others:
        return missing("images", said, advice=f"`export {ENGINE_VARIABLE}={others[0]}`.")
    return missing("images", said, advice=f"Install one of {', '.join(ENGINES)}; {ENGINE_VARIABLE} names it.")


def _snapshots() -> Check:
    answering = [each for each in ENGINES if shutil.which(each) and _answers(each)]
    said = "The local cloud keeps images as snapshots of files; that needs no container engine."
    if not answering:
        return ok("images", said)
    return ok("images", said, advice=f"In real containers, if you like: `trainyard up --containers {answering[0]}`.")


def _disk(folder: Path, least_gib: float) -> Check:
    there = next(each for each in (folder, *folder.parents) if each.exists())
    free = shutil.disk_usage(there).free / GIB
    said = f"{free:.1f} GiB free where {folder} lies, of about {least_gib:.0f} that are needed."
    if free >= least_gib:
        return ok("disk", said)
    return missing("disk", said, advice="Make room, or name a folder on another disk in TRAINYARD_STATE_DIR.")


def _memory() -> Check:
    """All of it: how much is free just now changes by the minute."""
    try:
        whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / GIB
    except (ValueError, OSError):
        return unknown("memory", "This system does not say how much memory it has.")
    said = f"{whole:.1f} GiB of memory, of about {MEMORY_GIB:.0f} that jobs on this machine need."
    if whole >= MEMORY_GIB:
        return ok("memory", said)
    return missing("memory", said, advice="Train on smaller data here (`--size 5k`), or on another machine.")


def _local_cloud(state_dir: Path) -> Check:
    variables = local_cloud.variables(state_dir)
    if variables is None:
        return ok(
            "local cloud", "It is down, which is no fault.", advice="`trainyard up` starts it, `trainyard demo` all."
        )
    return ok("local cloud", f"It is up at {variables['AWS_ENDPOINT_URL']}.")


def _answers(program: str) -> bool:
    try:
        done = subprocess.run([program, "info"], capture_output=True, timeout=ENGINE_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _said(command: list[str]) -> str:
    """The first line that a program prints, empty where it does not run."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=ENGINE_SECONDS).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _package(script: Path) -> Path:
    """The description of the npm package that a script of its `bin` folder belongs to."""
    return script.parent.parent / "package.json"


def _read(file: Path) -> Mapping[str, Any]:
    try:
        document: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return document
