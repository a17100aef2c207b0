"""Looks at processes by their ids, for tests that must leave none behind, and waits for what they do."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

Found = TypeVar("Found")
# Only there to end a test that failed: nothing may take this long.
PATIENCE_SECONDS = 60.0


PROC = Path("/proc/self").exists()


def only_linux_tells() -> None:
    """Skip the test where the system does not show what other processes hold."""
    if not PROC:
        pytest.skip("only Linux tells what a process holds")


def runs(pid: int) -> bool:
    """Whether a process runs; one that ended and was not waited for does not."""
    if not PROC:
        state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout
        return bool(state) and not state.startswith("Z")
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def servers_of(state_dir: Path) -> list[int]:
    """The server processes of a local cloud's state directory."""
    only_linux_tells()
    wanted = f"--state-dir\0{state_dir}\0".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (entry / "cmdline").read_bytes() and runs(int(entry.name)):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def variables_of(pid: int) -> dict[str, str]:
    """The environment that a process was started with."""
    only_linux_tells()
    text = Path(f"/proc/{pid}/environ").read_text(encoding="utf-8", errors="replace")
    return dict(each.partition("=")[::2] for each in text.split("\0") if each)


def until(condition: Callable[[], Found]) -> Found:
    """Wait until a condition gives something, and return that."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError(f"waited {PATIENCE_SECONDS:.0f} s in vain")
