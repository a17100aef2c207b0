"""Which server owns a state directory: the lock that it holds for its whole life, and what it wrote about itself.

Used by the server, which owns one, and by the commands, which look for the owner. The kernel gives the lock back
however the server ends, so that it never has to be removed by hand; nobody inherits it.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from local_cloud import certificates, leftovers, root_key
from local_cloud.jobs.workspace import start_time
from local_cloud.state import FILE_MODE, write_private
from trainyard.errors import TrainyardError

LOCK_FILE = "server.lock"
# The same again, should somebody remove the lock's file under a running server.
CLOUD_FILE = "cloud.json"
# Whoever looks for an owner holds the lock for an instant; an owner says who it is a moment after it has it.
PATIENCE_SECONDS, TELLING_SECONDS = 1.0, 10.0
PAUSE_SECONDS = 0.02
UMASK = 0o077


class Taken(TrainyardError):
    """Another server owns the state directory."""

    exit_code = 75


@dataclass(frozen=True, kw_only=True)
class Owner:
    """A server, as it describes itself: its process, when that began, and its port.

    `crashed` tells that the server before it had not been stopped, `ended` how many processes of that one were.
    """

    pid: int
    started: str
    port: int
    crashed: bool = False
    ended: int = 0

    @property
    def lives(self) -> bool:
        """Whether its process is still the one that was meant: numbers of processes are used again."""
        return bool(self.started) and start_time(self.pid) == self.started


@contextmanager
def owned(state_dir: Path, port: int) -> Iterator[Owner]:
    """Own a state directory while the server runs on it; raises Taken while another one does.

    Ends what a server that was killed left running, makes the certificate and the key, and says who owns it.
    """
    os.umask(UMASK)
    # Until the server listens to signals itself, one that ends it must still say that it was stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with _locked(state_dir) as lock:
        before = _read(state_dir / LOCK_FILE) or _read(state_dir / CLOUD_FILE)
        certificates.ensure(state_dir / "certificates")
        root_key.ensure(state_dir)
        pid = os.getpid()
        owner = Owner(pid=pid, started=start_time(pid), port=port, crashed=before is not None)
        _describe(state_dir, lock, owner=owner)
        try:
            if before is not None:
                owner = replace(owner, ended=leftovers.end(state_dir, before.pid))
                _describe(state_dir, lock, owner=owner)
            yield owner
        finally:
            _forget(state_dir, lock, port=port)


def owner_of(state_dir: Path) -> Owner | None:
    """The server that owns a state directory, None when nobody does; raises TrainyardError when it cannot be told."""
    deadline = time.monotonic() + TELLING_SECONDS
    while _is_locked(state_dir):
        found = _read(state_dir / LOCK_FILE) or _read(state_dir / CLOUD_FILE)
        if found is not None:
            return found
        if time.monotonic() > deadline:
            raise TrainyardError(
                f"Expected {state_dir / LOCK_FILE} to tell which server holds it, found nothing readable; "
                f"end that server (`fuser {state_dir / LOCK_FILE}` shows it), then call `trainyard up`."
            )
        time.sleep(PAUSE_SECONDS)
    described = _read(state_dir / CLOUD_FILE)
    return described if described is not None and described.lives else None


def last_port(state_dir: Path) -> int | None:
    """The port of the last server: addresses that were kept name it."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        return int(json.loads((state_dir / LOCK_FILE).read_text(encoding="utf-8"))["port"])
    return None


def clear(state_dir: Path) -> int | None:
    """End what a server that was killed left running, and how many processes; None when the last one was stopped.

    Raises Taken when a server owns the directory by now.
    """
    if not (state_dir / LOCK_FILE).exists() and not (state_dir / CLOUD_FILE).exists():
        return None
    with _locked(state_dir) as lock:
        before = _read(state_dir / LOCK_FILE) or _read(state_dir / CLOUD_FILE)
        if before is None:
            (state_dir / CLOUD_FILE).unlink(missing_ok=True)
            return None
        ended = leftovers.end(state_dir, before.pid)
        _forget(state_dir, lock, port=before.port)
        return ended


@contextmanager
def _locked(state_dir: Path) -> Iterator[int]:
    lock = os.open(state_dir / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not _try_lock(lock, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise Taken(f"Expected {state_dir} to be free, found that another server owns it; use that one.")
            time.sleep(PAUSE_SECONDS)
        yield lock
    finally:
        os.close(lock)


def _is_locked(state_dir: Path) -> bool:
    try:
        lock = os.open(state_dir / LOCK_FILE, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _try_lock(lock, fcntl.LOCK_SH)
    finally:
        os.close(lock)


def _try_lock(lock: int, kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _describe(state_dir: Path, lock: int, *, owner: Owner) -> None:
    text = json.dumps(asdict(owner))
    _rewrite(lock, text)
    write_private(state_dir / CLOUD_FILE, text)


def _forget(state_dir: Path, lock: int, *, port: int) -> None:
    (state_dir / CLOUD_FILE).unlink(missing_ok=True)
    _rewrite(lock, json.dumps({"port": port}))


def _rewrite(lock: int, text: str) -> None:
    # The file itself carries the lock: it cannot be replaced by another one.
    os.ftruncate(lock, 0)
    os.pwrite(lock, text.encode(), 0)


def _read(path: Path) -> Owner | None:
    """What a file tells about a server; None when it tells nothing, or half of it."""
    with suppress(OSError, ValueError, TypeError):
        return Owner(**json.loads(path.read_text(encoding="utf-8")))
    return None
