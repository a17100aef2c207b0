"""Serves the console on loopback until it is stopped, and notes where, so that commands can name its link."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import uvicorn

from trainyard.console.app import application
from trainyard.console.guard import TOKEN_FIELD, Guard, new_token
from trainyard.console.site import Site
from trainyard.errors import TrainyardError

HOST = "127.0.0.1"
FIRST_PORT = 4600
# The next free one of so many is taken.
PORTS = 50
# A stream that is open when the server stops ends with its next look at the execution.
LAST_SECONDS = 5


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


def serve(site: Site, *, note: Path, port: int | None, ready: Callable[[Running], None]) -> None:
    """Serve until the process is told to stop; `ready` is called once it listens.

    `note` is the file that says where, readable by its owner alone. Raises TrainyardError when another console of the
    same deployment runs, or the port is taken.
    """
    with _only_one(note), _listening(port) as listener:
        running = Running(port=listener.getsockname()[1], token=_kept_token(note), process_id=os.getpid())
        _write(note, running)
        app = Guard(app=application(site), token=running.token, port=running.port)
        settings = uvicorn.Config(
            app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=LAST_SECONDS
        )
        server = uvicorn.Server(settings)
        site.feeds.stopping = lambda: server.should_exit
        ready(running)
        server.run(sockets=[listener])


def find(note: Path) -> Running | None:
    """The console that runs for this note, None when none does."""
    lock = _lock_of(note)
    if not lock.is_file() or not note.is_file():
        return None
    with lock.open() as held:
        try:
            fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _read(note)
    return None


@contextmanager
def _only_one(note: Path) -> Iterator[None]:
    """Hold the lock that says that a console runs; the system lets go of it with the process, however that ends."""
    note.parent.mkdir(parents=True, exist_ok=True)
    with _lock_of(note).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            found = _read(note)
            where = f" at {found.address}" if found else ""
            raise TrainyardError(
                f"Expected no console of this deployment, found one{where}; `trainyard open`."
            ) from None
        yield


@contextmanager
def _listening(port: int | None) -> Iterator[socket.socket]:
    """A socket on loopback, at `port` or at the first free one. Raises TrainyardError."""
    wanted = [port] if port is not None else [*range(FIRST_PORT, FIRST_PORT + PORTS), 0]
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for each in wanted:
            try:
                listener.bind((HOST, each))
            except OSError:
                continue
            yield listener
            return
    raise TrainyardError(f"Expected port {port} of this machine to be free; it is not. Choose another with --port.")


def _kept_token(note: Path) -> str:
    """The token that links had before, so that a tab stays open over a restart; else a new one."""
    found = _read(note)
    return found.token if found else new_token()


def _write(note: Path, running: Running) -> None:
    """Write the note whole, for its owner alone."""
    part = note.with_suffix(".part")
    with open(part, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        json.dump(asdict(running), file)
    part.replace(note)


def _read(note: Path) -> Running | None:
    try:
        return Running(**json.loads(note.read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        print(f"{note} cannot be read, so links get a new token.", file=sys.stderr)
        return None


def _lock_of(note: Path) -> Path:
    return note.with_suffix(".lock")
