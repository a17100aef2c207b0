"""Imports of large libraries without what they load only in case somebody asks for it; runs wherever they are used."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

# scikit-learn, Keras and gensim go without any of them: they import them in a `try`, for wrappers, tables, pictures and
# files that are somewhere else.
OPTIONAL = ("IPython", "PIL", "boto3", "matplotlib", "pandas", "paramiko", "requests")


@contextmanager
def lean(optional: Sequence[str] = OPTIONAL) -> Iterator[None]:
    """Packages that are not loaded yet seem not to be installed, and nothing is collected as garbage, for so long.

    Afterwards the packages can be imported as ever.
    """
    hidden = [name for name in optional if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        with uncollected():
            yield
    finally:
        for name in hidden:
            del sys.modules[name]


@contextmanager
def uncollected() -> Iterator[None]:
    """Nothing is collected as garbage for so long: libraries make a million objects that are all needed."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
