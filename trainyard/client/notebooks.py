"""Puts the tutorials where they can be worked in, and names the program that opens them; runs on a laptop."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from trainyard.client import project
from trainyard.errors import NotFound

TUTORIALS = Path("docs", "tutorials")
FOLDER = "notebooks"
INSTALL = (
    "Expected JupyterLab, found none in {where}. In a clone, `make notebook` installs it; elsewhere: "
    "pip install 'trainyard[cli,notebook]'."
)


def placed() -> Path:
    """The folder to work in, with a copy of each tutorial that is not there yet: the originals stay as they are."""
    folder = project.state_dir() / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for original in sorted((project.files() / TUTORIALS).glob("*.ipynb")):
        if not (folder / original.name).exists():
            shutil.copy(original, folder)
    return folder


def program(folder: Path, *, browser: bool) -> list[str]:
    """The command line that opens JupyterLab on a folder, on loopback. Raises NotFound where it is not installed."""
    if importlib.util.find_spec("jupyterlab") is None:
        raise NotFound(INSTALL.format(where=sys.prefix))
    # Jupyter wants to be told that root is meant, who is the only user of many containers.
    options = [*([] if browser else ["--no-browser"]), *(["--allow-root"] if os.geteuid() == 0 else [])]
    # At Ctrl-C it would ask whether to stop, and without an answer within five seconds go on.
    served = ["--ServerApp.ip=127.0.0.1", f"--ServerApp.root_dir={folder}", "--ServerApp.answer_yes=True"]
    return [sys.executable, "-m", "jupyterlab", *served, *options]


def environment() -> Mapping[str, str]:
    """The environment of that program: its kernels find the local cloud of this folder, wherever they run.

    As in the images, TensorFlow does not say which instructions of the processor it was not built for.
    """
    return {"TF_CPP_MIN_LOG_LEVEL": "2", **os.environ, project.STATE_VARIABLE: str(project.state_dir())}
