"""Finds the project, a checkout or an installed package, and the local cloud's state directory; runs on a laptop."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from trainyard.errors import NotFound

STATE_VARIABLE = "TRAINYARD_STATE_DIR"
CACHE_VARIABLE = "TRAINYARD_CACHE_DIR"
STATE_FOLDER = ".trainyard"
DISTRIBUTION = "trainyard"
# The file that only the root of the project has, and what was installed of it beside the packages.
MARKER = "cdk.json"
NPM_FILES = ("package.json", "package-lock.json", ".npmrc")


def root() -> Path:
    """The folder of the checkout: the working directory or a parent of it, else where this package is. Or NotFound."""
    here = Path.cwd()
    for folder in (here, *here.parents, *Path(__file__).resolve().parents):
        if (folder / MARKER).is_file() and (folder / "trainyard").is_dir():
            return folder
    raise NotFound(f"Expected a clone of the project (with {MARKER}) here or above {here}, found none; change to one.")


def is_checkout() -> bool:
    """Whether there is a clone of the project, in whose folders one can work."""
    try:
        root()
    except NotFound:
        return False
    return True


def code() -> Path:
    """Where the project's packages are: its checkout, or where they were installed."""
    return root() if is_checkout() else Path(__file__).resolve().parents[2]


def files() -> Path:
    """What belongs to the project beside its packages: its checkout, or what was installed. Raises NotFound."""
    if is_checkout():
        return root()
    # Here, for it takes a while to load.
    import importlib.metadata

    for each in importlib.metadata.files(DISTRIBUTION) or ():
        if each.name == MARKER:
            return Path(str(each.locate())).resolve().parent
    raise NotFound(f"Expected {MARKER} to be installed with {DISTRIBUTION}, found none; install it anew.")


def cdk_folder() -> Path:
    """Where the CDK's settings and npm's packages are: the checkout, else a folder for all projects of this version.

    The latter is filled when it is first needed.
    """
    if is_checkout():
        return root()
    digest = hashlib.sha256(b"".join((files() / each).read_bytes() for each in (MARKER, *NPM_FILES)))
    return _cache_dir() / f"cdk-{digest.hexdigest()[:12]}"


def _cache_dir() -> Path:
    """Where people of this machine keep what can be fetched again; the variable names another folder."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / DISTRIBUTION


def state_dir() -> Path:
    """Where the local cloud, samples and logs live; `.trainyard` in the project unless the variable names another.

    Without a checkout it is in the working directory.
    """
    named = os.environ.get(STATE_VARIABLE)
    if named:
        return Path(named).absolute()
    return (root() if is_checkout() else Path.cwd()) / STATE_FOLDER
