"""Starts the console as a process of its own, and ends it; runs on a laptop."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence

from trainyard.console.note import Note, Running
from trainyard.errors import TrainyardError

START_SECONDS = 60.0
STOP_SECONDS = 15.0
PAUSE = 0.05
LOG_LINES = 5
# Consoles that this process started: one that is forgotten could never be reaped after it ends.
_started: list[subprocess.Popen[bytes]] = []


def start(command: Sequence[str], *, note: Note) -> Running:
    """The console that runs, or else the one that `command` starts. Raises TrainyardError.

    It goes on after the terminal is closed.
    """
    found = note.running()
    if found is not None:
        return found
    note.path.parent.mkdir(parents=True, exist_ok=True)
    # It names the link.
    with open(note.log, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
    _started.append(process)
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        found = note.running()
        if found is not None and found.process_id == process.pid:
            return found
        time.sleep(PAUSE)
    said = " ".join(note.log.read_text(errors="replace").splitlines()[-LOG_LINES:])
    raise TrainyardError(f"Expected the console to serve, found: {said or 'nothing'}. See {note.log}.")


def stop(note: Note) -> bool:
    """End the console; False when none runs. Raises TrainyardError when it does not end."""
    found = note.running()
    if found is None:
        return False
    # The lock that is held says that the process of the note is the console.
    os.kill(found.process_id, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline:
        if note.running() is None:
            _reap(found.process_id)
            return True
        time.sleep(PAUSE)
    raise TrainyardError(f"Expected the console to end within {STOP_SECONDS:.0f} s; end process {found.process_id}.")


def _reap(process_id: int) -> None:
    """Wait for a console that let go of its lock, if this process started it."""
    for each in _started:
        if each.pid == process_id:
            each.wait(STOP_SECONDS)
    _started[:] = [each for each in _started if each.poll() is None]
