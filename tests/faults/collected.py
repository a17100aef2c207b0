"""The faults that tests break, found without running anything."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator, Sequence
from typing import Any

from tests import faults


def givens() -> list[str]:
    """What each test breaks, in the order of modules and lines; raises ValueError for a fault that stands twice."""
    found = [each.args[0] for module in _modules() for each in _marks(module)]
    twice = sorted({each for each in found if found.count(each) > 1})
    if twice:
        raise ValueError(f"expected every fault once, found twice: {twice}")
    return found


def _modules() -> list[Any]:
    names = sorted(each.name for each in pkgutil.iter_modules(faults.__path__) if each.name.startswith("test_"))
    return [importlib.import_module(f"tests.faults.{name}") for name in names if name != "test_matrix"]


def _marks(module: Any) -> Iterator[Any]:
    tests = [each for name, each in vars(module).items() if name.startswith("test_") and callable(each)]
    for test in sorted(tests, key=lambda each: inspect.unwrap(each).__code__.co_firstlineno):
        yield from _faults(test)


def _faults(test: Any) -> Iterator[Any]:
    marks: Sequence[Any] = getattr(test, "pytestmark", [])
    yield from (each for each in marks if each.name == "fault")
    for parameters in (each for each in marks if each.name == "parametrize"):
        for case in parameters.args[1]:
            yield from (each for each in getattr(case, "marks", ()) if each.name == "fault")
