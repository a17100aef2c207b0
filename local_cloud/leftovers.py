"""Ends the processes that a server which was killed left behind, and removes their files; on a laptop.

They are jobs, endpoints, Spark and functions.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from local_cloud.jobs.workspace import end_leftovers, start_time
from local_cloud.state import STATE_DIR_VARIABLE, temporary_directory


def end(state_dir: Path, server: int) -> int:
    """Kill what the server with this process number started and did not end; returns how many there were.

    Only for who holds the lock of the state directory: jobs of a server that runs are no leftovers.
    """
    jobs = state_dir / "jobs"
    kinds = sorted(each for each in jobs.iterdir() if each.is_dir()) if jobs.is_dir() else []
    ended = sum(end_leftovers(kind) for kind in kinds) + _end_functions(state_dir, server)
    shutil.rmtree(temporary_directory(state_dir), ignore_errors=True)
    return ended


def _end_functions(state_dir: Path, server: int) -> int:
    """Functions are in the server's own process group, and carry its state directory in their environment."""
    ended = 0
    if not start_time(server):
        for pid in members(server):
            if _belongs(pid, state_dir):
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
                    ended += 1
    return ended


def members(group: int) -> Iterator[int]:
    """The processes of a process group, where the system tells them."""
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            fields = (entry / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            if int(fields[2]) == group and fields[0] != "Z":
                yield int(entry.name)


def _belongs(pid: int, state_dir: Path) -> bool:
    with suppress(OSError):
        return f"{STATE_DIR_VARIABLE}={state_dir}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return False
