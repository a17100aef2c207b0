"""TensorFlow and Keras without what they load only in case somebody asks for it; runs in the training image.

Recipes take `tf` and `keras` from here. Keras imports scikit-learn, pandas and matplotlib wherever they are installed,
for wrappers, tables and pictures that training does not use, and the garbage collector goes through a million new
objects that are all needed. Without both, the import takes half the CPU time.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

# Keras goes without any of them: it imports them in a `try`.
OPTIONAL = ("matplotlib", "pandas", "sklearn")


@contextmanager
def _missing(names: Sequence[str]) -> Iterator[None]:
    """Packages that are not loaded yet seem not to be installed; afterwards they can be imported as ever."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


with _missing(OPTIONAL), _without_garbage_collection():
    import keras
    import tensorflow as tf

__all__ = ["keras", "tf"]
