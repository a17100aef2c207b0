"""Checkpoints of a training: arrays that are replaced as a whole; numpy only.

A job that is killed while it writes leaves the checkpoint before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np


def save(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays, such as weights, moments and the figures of the epochs so far."""
    replace(path, lambda unfinished: _write(unfinished, arrays))


def load(path: Path) -> dict[str, np.ndarray]:
    """The arrays of the last checkpoint; empty where there is none."""
    if not path.exists():
        return {}
    with np.load(path, allow_pickle=False) as saved:
        return {name: np.asarray(saved[name]) for name in saved.files}


def replace(path: Path, write: Callable[[Path], None]) -> None:
    """Put what `write` writes in the place of `path` once it is whole."""
    unfinished = path.with_suffix(".partial")
    write(unfinished)
    unfinished.replace(path)


def _write(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
