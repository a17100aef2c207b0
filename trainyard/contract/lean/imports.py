"""Imports of large libraries without what they load only in case somebody asks for it; runs wherever they are used."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

# scikit-learn, Keras and gensim go without any of them: they import them in a `try`, for wrappers, tables, pictures and
# files that are somewhere else.
OPTIONAL = ("IPython", "PIL", "boto3", "matplotlib", "pandas", "paramiko", "requests")
OBJECTS_BETWEEN = 300_000
# A third of the import of scikit-learn and half of gensim's, for functions that hardly anybody calls.
STATISTICS = "scipy.stats"
# What SciPy loads with all other names of numpy: a compiler of Fortran, and what tests use.
PARTS_OF_NUMPY = ("f2py", "testing")


@contextmanager
def lean(optional: Sequence[str] = OPTIONAL) -> Iterator[None]:
    """Packages that are not loaded yet seem not to be installed, and nothing is collected as garbage, for so long.

    Afterwards the packages can be imported as ever. SciPy's statistics are loaded where one of them is used.
    """
    hidden = [name for name in optional if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        with uncollected(), _empty_parts_of_numpy(), deferred(STATISTICS):
            yield
    finally:
        for name in hidden:
            del sys.modules[name]


@contextmanager
def _empty_parts_of_numpy() -> Iterator[None]:
    numpy = sys.modules.get("numpy")
    empty = {name: ModuleType(f"numpy.{name}") for name in PARTS_OF_NUMPY if f"numpy.{name}" not in sys.modules}
    if numpy is not None:
        vars(numpy).update(empty)
    try:
        yield
    finally:
        # Where somebody imported one of them meanwhile, it stays.
        for name, module in empty.items():
            if numpy is not None and vars(numpy).get(name) is module:
                delattr(numpy, name)


@contextmanager
def rarely_collected() -> Iterator[None]:
    """Garbage is collected after hundreds of thousands of new objects, and not of 700, for so long.

    Libraries and what a job makes of them are a million objects that are all needed; a long job stays collected.
    """
    before = gc.get_threshold()
    gc.set_threshold(OBJECTS_BETWEEN)
    try:
        yield
    finally:
        gc.set_threshold(*before)


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


@contextmanager
def deferred(module: str) -> Iterator[None]:
    """For so long, names imported from `module` are stand-ins: it is loaded when the first of them is used.

    For a library that imports a large module for a function which nobody calls. Where the module is loaded already,
    nothing changes.
    """
    loaded = module in sys.modules
    if not loaded:
        sys.modules[module] = _Deferred(module)
    try:
        yield
    finally:
        if not loaded and isinstance(sys.modules.get(module), _Deferred):
            del sys.modules[module]


class _Deferred(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _DeferredName(self.__name__, name)


class _DeferredName:
    """A function or object of a module, which is imported at its first use."""

    def __init__(self, module: str, name: str) -> None:
        self._place = module, name

    def _real(self) -> Any:
        module, name = self._place
        return getattr(import_module(module), name)

    def __call__(self, *given: Any, **named: Any) -> Any:
        return self._real()(*given, **named)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real(), name)
