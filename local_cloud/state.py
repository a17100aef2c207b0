"""Where the local cloud keeps what it holds: its state directory, as the server and the docker command find it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from trainyard.errors import ConfigError

STATE_DIR_VARIABLE = "TRAINYARD_STATE_DIR"


def state_directory(environ: Mapping[str, str]) -> Path:
    """The state directory that the variable names; raises `ConfigError` when it is not set."""
    value = environ.get(STATE_DIR_VARIABLE) or environ.get("STATE_DIR")
    if not value:
        raise ConfigError(
            [f"Expected {STATE_DIR_VARIABLE} to name the local cloud's state directory; start it with `trainyard up`."]
        )
    return Path(value)


def images_directory(state_dir: Path) -> Path:
    """The folder of the container images: written by the docker command, read by the server's jobs."""
    return state_dir / "images"
