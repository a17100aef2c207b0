"""Checkpoints of a training: arrays that are replaced as a whole; numpy only.

A job that is killed while it writes leaves the checkpoint before.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from trainyard.errors import JobFailed


def save(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays, such as weights, moments and the figures of the epochs so far."""
    replace(path, lambda unfinished: _write(unfinished, arrays))


def load(path: Path) -> dict[str, np.ndarray]:
    """The arrays of the last checkpoint; empty where there is none. Raises JobFailed for a damaged file."""
    if not path.exists():
        return {}
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
            return {name: np.asarray(saved[name]) for name in saved.files}
    except (EOFError, zipfile.BadZipFile) as error:
        raise JobFailed(
            f"Expected a whole checkpoint in {path.name}, found {error}; delete it and try again."
        ) from error


def replace(path: Path, write: Callable[[Path], None]) -> None:
    """Put what `write` writes in the place of `path` once it is whole."""
    unfinished = path.with_name(f"{path.name}.partial")
    write(unfinished)
    unfinished.replace(path)


def _write(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
