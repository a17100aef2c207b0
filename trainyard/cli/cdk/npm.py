"""Installs the CDK command line with npm, once, for a trainyard that was installed as a package; runs on a laptop.

In a checkout `make setup` does it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from trainyard.cli.cdk import program
from trainyard.client import project
from trainyard.errors import NotFound, TrainyardError

COMMAND = ("ci", "--no-audit", "--no-fund", "--loglevel=error")
# Where npm lies seen from the folder of the Node that comes as a wheel; its launcher beside `node` does not work.
NPM = Path("..", "lib", "node_modules", "npm", "bin", "npm-cli.js")


def ready_folder(tell: Callable[[str], None]) -> Path:
    """The folder with the CDK's settings and command line, which is installed if need be; `tell` says so.

    Raises NotFound without npm, and TrainyardError where it fails.
    """
    folder = project.cdk_folder()
    if not project.is_checkout() and not (folder / program.SCRIPT).is_file():
        tell(f"Installing the CDK command line into {folder}, once.")
        _install(folder)
    return folder


def _install(folder: Path) -> None:
    """Several at once each install; the last one stays."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".partial-") as scratch:
        partial = Path(scratch) / "cdk"
        partial.mkdir()
        for each in (project.MARKER, *project.NPM_FILES):
            shutil.copyfile(project.files() / each, partial / each)
        _run_npm(partial)
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)


def _run_npm(folder: Path) -> None:
    node = program.node()
    done = subprocess.run(
        [*_npm(node), *COMMAND],
        cwd=folder,
        env=program.environment(os.environ, node),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-program.SHOWN_LINES :])
        raise TrainyardError(f"Expected npm to install the CDK command line; it ended with:\n{said}")


def _npm(node: Path) -> list[str]:
    script = node.parent / NPM
    if script.is_file():
        return [str(node), str(script)]
    on_path = shutil.which("npm")
    if on_path is None:
        raise NotFound("Expected npm beside Node, found none; pip install 'trainyard[infra]' has both.")
    return [on_path]
