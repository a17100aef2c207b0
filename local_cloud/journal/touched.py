"""Notes which entries of MiniStack's stores were handed out, for only those can have changed; in the server.

MiniStack keeps each service's things in dictionaries that are scoped by account and region. Whatever changes a thing
has asked such a dictionary for it, so what a request has asked for is all that it can have changed. It is noted for
the flow of control that asked: a request, an execution of a state machine, or nobody in particular.
"""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, AccountScopedDict

# An entry of a store: the store, the scoped key (EVERY for all of them), and the part of it (None for all of it).
Mark = tuple[Any, Any, Any]
EVERY = "every entry"
# What was handed out may be changed a little later than it was asked for.
HELD_SECONDS = 5.0


class Touched:
    """The entries that one flow of control has asked for lately. Usable from any thread."""

    # Whether somebody waits for an answer, who can be told that something was not written.
    is_request = False

    def __init__(self) -> None:
        # By when they were asked for last: those that were not written since, and those that were.
        self._fresh: dict[Mark, float] = {}
        self._held: dict[Mark, float] = {}
        self._lock = threading.Lock()
        self._heir: Touched | None = None
        # Why something that it has changed could not be stored.
        self.unwritten: OSError | None = None

    def add(self, mark: Mark) -> None:
        """Note an entry."""
        with self._lock:
            if self._heir is None:
                self._fresh[mark] = time.monotonic()
            else:
                self._heir.add(mark)

    def leave_to(self, heir: Touched) -> None:
        """End: what was noted, and what tasks that it has begun ask for from now on, is noted by `heir`."""
        with self._lock, heir._lock:
            for mark, noted in self._fresh.items():
                heir._fresh[mark] = max(noted, heir._fresh.get(mark, noted))
            heir._hold(self._held)
            self._fresh, self._held, self._heir = {}, {}, heir

    def fresh(self) -> list[Mark]:
        """What was asked for since it was last written."""
        with self._lock:
            return list(self._fresh)

    def marks(self) -> list[Mark]:
        """What was asked for lately: it may have been changed after it was written."""
        with self._lock:
            return [*self._held, *self._fresh]

    def were_written(self, began: float) -> None:
        """Let go of what was asked for long before `began`, when all of it was drawn up."""
        with self._lock:
            done = {mark: noted for mark, noted in self._fresh.items() if noted < began}
            for mark in done:
                del self._fresh[mark]
            self._hold(done)
            # The oldest come first.
            while self._held and self._held[oldest := next(iter(self._held))] < began - HELD_SECONDS:
                del self._held[oldest]

    def _hold(self, marks: Mapping[Mark, float]) -> None:
        for mark, noted in marks.items():
            self._held.pop(mark, None)
            self._held[mark] = noted

    def take_over(self, other: Touched) -> None:
        """Note what another has noted."""
        for mark in other.marks():
            self.add(mark)


class Request(Touched):
    """What one request has asked for lately."""

    is_request = True


NOBODY = Touched()
_flow: ContextVar[Touched | None] = ContextVar("trainyard_touched", default=NOBODY)
_whole = threading.local()


def begin(touched: Touched | None) -> Any:
    """From here on this context notes what it asks for in `touched`, or nowhere; returns what `end` needs."""
    return _flow.set(touched)


def end(token: Any) -> None:
    """Note again as before `begin`."""
    _flow.reset(token)


def noting() -> Touched | None:
    """Where this context notes what it asks for."""
    return _flow.get()


def in_request() -> bool:
    """Whether this is a request's own thread or task."""
    touched = _flow.get()
    return touched is not None and touched.is_request


def note(store: Any, key: Any, *, part: Any = None) -> None:
    """Note an entry that this context is about to change."""
    touched = _flow.get()
    if touched is not None:
        touched.add((store, key, part))


@contextmanager
def reading() -> Iterator[None]:
    """Inside, nothing is noted: what is asked for is only read."""
    token = begin(None)
    try:
        yield
    finally:
        end(token)


@contextmanager
def by_reference() -> Iterator[None]:
    """Inside, a service's `get_state` gives its stores themselves, without copying what is in them."""
    _whole.given = True
    try:
        yield
    finally:
        _whole.given = False


def install() -> None:
    """Make MiniStack's scoped dictionaries note what they are asked for."""
    for scoped in (AccountScopedDict, AccountRegionScopedDict):
        for name in ("__getitem__", "__setitem__", "__delitem__", "get", "pop", "setdefault"):
            setattr(scoped, name, _keyed(getattr(scoped, name)))
        for name in ("get_scoped", "set_scoped", "pop_scoped"):
            setattr(scoped, name, _scoped(getattr(scoped, name), regional=scoped is AccountRegionScopedDict))
        for name in ("values", "items", "clear", "update", "values_scoped", "items_scoped", "all_values", "all_items"):
            if hasattr(scoped, name):
                setattr(scoped, name, _entire(getattr(scoped, name)))
        scoped.__deepcopy__ = _copied


def _keyed(method: Callable[..., Any]) -> Callable[..., Any]:
    def noted(self: Any, key: Any, *arguments: Any) -> Any:
        touched = _flow.get()
        if touched is not None:
            touched.add((self, self._scoped(key), None))
        return method(self, key, *arguments)

    return noted


def _scoped(method: Callable[..., Any], *, regional: bool) -> Callable[..., Any]:
    def noted(self: Any, account: str, region: str, key: Any, *arguments: Any) -> Any:  # noqa: PLR0917 - MiniStack's
        note(self, (account, region, key) if regional else (account, key))
        return method(self, account, region, key, *arguments)

    return noted


def _entire(method: Callable[..., Any]) -> Callable[..., Any]:
    def noted(self: Any, *arguments: Any) -> Any:
        note(self, EVERY)
        return method(self, *arguments)

    return noted


def _copied(self: Any, memo: dict[int, Any]) -> Any:
    if getattr(_whole, "given", False):
        return self
    result = type(self)()
    result._data = copy.deepcopy(self._data, memo)
    return result
