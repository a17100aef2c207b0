"""Starts the console as a process of its own, and ends it; runs on a laptop."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from trainyard.console import server
from trainyard.console.server import Running
from trainyard.errors import TrainyardError

START_SECONDS = 30.0
STOP_SECONDS = 15.0
PAUSE = 0.05
LOG_LINES = 5


def start(command: Sequence[str], *, note: Path) -> Running:
    """The console that runs for this note, or the one that `command` starts. Raises TrainyardError.

    It goes on after the terminal is closed; what it has to say lies in a log beside the note.
    """
    found = server.find(note)
    if found is not None:
        return found
    note.parent.mkdir(parents=True, exist_ok=True)
    log = note.with_suffix(".log")
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        found = server.find(note)
        if found is not None and found.process_id == process.pid:
            return found
        if process.poll() is not None:
            break
        time.sleep(PAUSE)
    said = " ".join(log.read_text(errors="replace").splitlines()[-LOG_LINES:])
    raise TrainyardError(f"Expected the console to serve, found: {said or 'nothing'}. See {log}.")


def stop(note: Path) -> bool:
    """End the console of this note; False when none runs. Raises TrainyardError when it does not end."""
    found = server.find(note)
    if found is None:
        return False
    # The lock that it holds says that this process is the console.
    os.kill(found.process_id, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline:
        if server.find(note) is None:
            return True
        time.sleep(PAUSE)
    raise TrainyardError(f"Expected the console to end within {STOP_SECONDS:.0f} s; end process {found.process_id}.")
