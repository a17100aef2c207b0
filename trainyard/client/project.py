"""Finds the project's folder and the local cloud's state directory; runs on a laptop."""

from __future__ import annotations

import os
from pathlib import Path

from trainyard.errors import NotFound

STATE_VARIABLE = "TRAINYARD_STATE_DIR"
STATE_FOLDER = ".trainyard"
# The file that only the root of the project has.
MARKER = "cdk.json"


def root() -> Path:
    """The project's folder: the working directory or a parent of it, else where this package was installed from."""
    here = Path.cwd()
    for folder in (here, *here.parents, *Path(__file__).resolve().parents):
        if (folder / MARKER).is_file() and (folder / "trainyard").is_dir():
            return folder
    raise NotFound(f"Expected the project's folder (with {MARKER}) here or above {here}, found none; change to it.")


def state_dir() -> Path:
    """Where the local cloud, samples and logs live; `.trainyard` in the project unless the variable names another."""
    named = os.environ.get(STATE_VARIABLE)
    if named:
        return Path(named).absolute()
    try:
        return root() / STATE_FOLDER
    except NotFound:
        # Commands on a real account work anywhere; samples then lie in the working directory.
        return Path.cwd() / STATE_FOLDER
