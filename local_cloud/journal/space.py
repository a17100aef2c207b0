"""Holds back some room on the disk, so that what was begun can still be written when it is full; in the server.

A disk that is full must not make the server forget what it has already done. When the last room is needed the reserve
is given up, and whoever wants to change something is refused until there is a reserve again.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from local_cloud.journal import touched
from local_cloud.journal.store import NoSpaceLeft

logger = logging.getLogger("local_cloud.journal")

FILE = "reserve"
# Error code and status of a request that is refused: clients do not try again by themselves, and say what is wrong.
CODE = "InsufficientStorage"
STATUS = 507
RESERVED_BYTES = 4 * 1024 * 1024
FULL = (errno.ENOSPC, errno.EDQUOT)
# Less than this is as good as nothing: a request is refused before it begins.
LEAST_FREE_BYTES = 512 * 1024


class Reserve:
    """A file of a few megabytes that is deleted when they are needed. Usable from any thread."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._file = directory / FILE
        self._lock = threading.Lock()
        self._full = False
        self.restore()

    def spend(self, write: Callable[[], None]) -> None:
        """Write; when there is no space, again with what was held back. Raises NoSpaceLeft if even that is gone."""
        try:
            write()
        except NoSpaceLeft:
            self.give_up()
            write()

    def give_up(self) -> None:
        """Free what was held back, and refuse changes from now on."""
        with self._lock:
            self._file.unlink(missing_ok=True)
            self._say_full()

    def refuses(self, size: int) -> str | None:
        """Why a request that brings `size` bytes must be refused, or None."""
        if self._full and not self.restore():
            return sentence(self._directory)
        free = self._free()
        if free >= size + LEAST_FREE_BYTES:
            return None
        if free >= LEAST_FREE_BYTES:
            return f"No space left on the disk of {self._directory} for {size:,} bytes: free some and send them again."
        with self._lock:
            self._say_full()
        return sentence(self._directory)

    def restore(self) -> bool:
        """Hold back room again; False while there is none."""
        with self._lock:
            if not self._full and self._file.exists():
                return True
            try:
                _fill(self._file)
            except OSError as error:
                self._file.unlink(missing_ok=True)
                if error.errno not in FULL:
                    raise
                self._say_full()
                return False
            if self._free() < LEAST_FREE_BYTES:
                return not self._full
            if self._full:
                logger.warning("There is space again in %s: writes are accepted.", self._directory)
            self._full = False
            return True

    def _free(self) -> int:
        system = os.statvfs(self._directory)
        return system.f_bavail * system.f_frsize

    def _say_full(self) -> None:
        if not self._full:
            logger.error("%s", sentence(self._directory))
        self._full = True


_PAUSE_SECONDS = 0.2
_current: list[Reserve] = []


def hold(directory: Path) -> Reserve:
    """The reserve of this process, from now on."""
    _current[:] = [Reserve(directory)]
    return _current[0]


def in_time(write: Callable[[], object]) -> None:
    """Write a file of the server's own; on a full disk with what was held back, or when there is space again.

    A job's thread that gave up would leave its job running for ever. A request is refused: raises OSError.
    """
    while True:
        try:
            write()
        except OSError as error:
            if error.errno not in FULL or not _current or touched.in_request():
                raise
            _current[0].give_up()
            time.sleep(_PAUSE_SECONDS)
        else:
            return


def sentence(directory: Path) -> str:
    """What is said when the disk is full."""
    return f"No space left on the disk of {directory}: writes are refused until there is. Nothing needs a new start."


def _fill(file: Path) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, RESERVED_BYTES)  # type: ignore[attr-defined,unused-ignore]
    except AttributeError:
        # macOS has no such call.
        os.write(descriptor, b"\0" * RESERVED_BYTES)
    finally:
        os.close(descriptor)
