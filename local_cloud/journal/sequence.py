"""A list that only grows and lies in the journal; only what is not yet written is in memory; in the server.

Histories and log events are most of what a local cloud holds, and are seldom read.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

from local_cloud.journal.store import Journal

_CHUNK = 1000


class Kept(Sequence[Any]):
    """Items of JSON, the first `written` of them in the journal and the rest waiting to be."""

    __slots__ = ("_journal", "_last", "_lock", "_state", "owner")

    def __init__(self, journal: Journal, owner: int, *, waiting: Iterable[Any] = (), new: bool = False) -> None:
        self.owner = owner
        self._journal = journal
        journal.named(owner)
        self._lock = threading.RLock()
        # The last item that was written, with its number: whoever adds one looks at it.
        self._last: tuple[int, Any] | None = None
        # How many are written (None: not yet asked), and those that wait. Always replaced together.
        self._state: tuple[int | None, list[Any]] = (0 if new else None, list(waiting))
        if self._state[1]:
            growing.add(self)

    def append(self, item: Any) -> None:
        """Add an item."""
        self.extend((item,))

    def extend(self, items: Iterable[Any]) -> None:
        """Add items."""
        with self._lock:
            self._state[1].extend(items)
        growing.add(self)

    def waiting(self) -> tuple[int, list[Any]]:
        """The number of the first item that is not written, and all of those."""
        written, waiting = self._snapshot()
        return written, list(waiting)

    def were_written(self, count: int) -> None:
        """Let go of the first `count` items that waited."""
        with self._lock:
            written, waiting = self._snapshot()
            self._last = (written + count - 1, waiting[count - 1]) if count else self._last
            self._state = (written + count, waiting[count:])

    def _snapshot(self) -> tuple[int, list[Any]]:
        written, waiting = self._state
        if written is not None:
            return written, waiting
        with self._lock:
            written, waiting = self._state
            if written is None:
                written = self._journal.length(self.owner)
                self._state = (written, waiting)
            return written, waiting

    def __len__(self) -> int:
        written, waiting = self._snapshot()
        return written + len(waiting)

    def __iter__(self) -> Iterator[Any]:
        written, waiting = self._snapshot()
        waiting = list(waiting)
        for start in range(0, written, _CHUNK):
            yield from self._read(start, min(start + _CHUNK, written))
        yield from waiting

    @overload
    def __getitem__(self, index: int) -> Any: ...

    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...

    def __getitem__(self, index: int | slice) -> Any:
        written, waiting = self._snapshot()
        length = written + len(waiting)
        if isinstance(index, slice):
            start, stop, step = index.indices(length)
            if step != 1:
                return list(self)[index]
            return self._read(start, min(stop, written)) + waiting[max(0, start - written) : max(0, stop - written)]
        position = index + length if index < 0 else index
        if not 0 <= position < length:
            raise IndexError(f"Expected an item below {length}, got {index}")
        if position >= written:
            return waiting[position - written]
        last = self._last
        return last[1] if last is not None and last[0] == position else self._read(position, position + 1)[0]

    def _read(self, start: int, stop: int) -> list[Any]:
        return (
            [json.loads(text) for text in self._journal.items(self.owner, start=start, stop=stop)]
            if start < stop
            else []
        )


class Growing:
    """The lists that have items to be written."""

    def __init__(self) -> None:
        self._lists: dict[int, Kept] = {}
        self._lock = threading.Lock()

    def add(self, grown: Kept) -> None:
        """Note that a list has grown."""
        with self._lock:
            self._lists[id(grown)] = grown

    def take(self) -> list[Kept]:
        """All that have grown since the last call."""
        with self._lock:
            taken, self._lists = list(self._lists.values()), {}
        return taken


growing = Growing()
