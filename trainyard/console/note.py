"""The note that a console leaves of where it serves, by which commands find it; standard library only."""

from __future__ import annotations

import fcntl
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from trainyard.errors import TrainyardError

HOST = "127.0.0.1"
TOKEN_FIELD = "token"


@dataclass(frozen=True, kw_only=True)
class Running:
    """A console that serves: its link lets whoever has it look and act."""

    port: int
    token: str
    process_id: int

    @property
    def address(self) -> str:
        """Where it serves; a browser that had the link once needs no more."""
        return f"http://{HOST}:{self.port}/"

    def link(self, path: str = "") -> str:
        """The address of a page with the token in it."""
        return f"{self.address}{path.lstrip('/')}?{TOKEN_FIELD}={self.token}"


@dataclass(frozen=True)
class Note:
    """The note of one deployment's console; a lock beside it is held for as long as that runs."""

    path: Path

    @property
    def log(self) -> Path:
        """What a console in the background has to say."""
        return self.path.with_suffix(".log")

    def running(self) -> Running | None:
        """The console that runs, None when none does."""
        if not self._lock.is_file():
            return None
        with self._lock.open() as held:
            try:
                fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return self.last()
        return None

    def last(self) -> Running | None:
        """The console that ran last, whether or not it still does; None when nothing can be read of it."""
        try:
            return Running(**json.loads(self.path.read_text()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):
            print(f"{self.path} cannot be read, so links get a new token.", file=sys.stderr)
            return None

    def write(self, running: Running) -> None:
        """Leave the note, whole and for its owner alone."""
        part = self.path.with_suffix(".part")
        with open(part, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            json.dump(asdict(running), file)
        part.replace(self.path)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock; the system lets go of it with the process, however that ends.

        Raises TrainyardError when another console holds it.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._lock.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                found = self.last()
                where = f" at {found.address}" if found else ""
                raise TrainyardError(
                    f"Expected no console of this deployment, found one{where}; see it with `trainyard open`."
                ) from None
            yield

    @property
    def _lock(self) -> Path:
        return self.path.with_suffix(".lock")
