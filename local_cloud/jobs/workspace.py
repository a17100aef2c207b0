"""A job's private folder, and the processes that a server which died left behind; runs in the server."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROCESS_FILE = "process.json"
ML_PREFIX = "/opt/ml"


@dataclass(frozen=True)
class Workspace:
    """The folder of one job; `ml` is what its container sees as /opt/ml."""

    root: Path

    @property
    def ml(self) -> Path:
        return self.root / "ml"

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def tmp(self) -> Path:
        return self.root / "tmp"

    def create(self) -> None:
        """Make it, empty."""
        self.remove()
        for folder in (self.ml, self.home, self.tmp):
            folder.mkdir(parents=True)

    def remove(self) -> None:
        """Delete it with everything in it."""
        shutil.rmtree(self.root, ignore_errors=True)

    def local(self, path: str) -> Path:
        """The folder that a container's path below /opt/ml means on this machine."""
        inside = (self.ml / path.removeprefix(ML_PREFIX).lstrip("/")).resolve()
        if not (path == ML_PREFIX or path.startswith(f"{ML_PREFIX}/")) or not inside.is_relative_to(self.ml.resolve()):
            raise ValueError(f"expected a path below {ML_PREFIX}, found {path!r}")
        return inside

    def write_json(self, path: str, value: object) -> None:
        """Write a configuration file where the container expects it."""
        file = self.local(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(value, indent=2), encoding="utf-8")

    def started(self, pid: int) -> None:
        """Remember the job's process, so that the next server can end it if this one dies."""
        identity = {"pid": pid, "started": start_time(pid)}
        (self.root / PROCESS_FILE).write_text(json.dumps(identity), encoding="utf-8")


def end_leftovers(folder: Path) -> int:
    """Kill the processes of the jobs in `folder`, remove the jobs' folders, and return how many still ran.

    A job's process group ends as a whole; what has left the group, as daemons do, is known by its home folder.
    """
    ended = 0
    for file in folder.glob(f"*/{PROCESS_FILE}"):
        with suppress(OSError, ValueError, KeyError):
            identity = json.loads(file.read_text(encoding="utf-8"))
            # A number alone may belong to somebody else by now.
            if identity["started"] and start_time(identity["pid"]) == identity["started"]:
                os.killpg(identity["pid"], signal.SIGKILL)
                ended += 1
    for pid in list(_at_home_in(folder)):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)
    return ended


def _at_home_in(folder: Path) -> Iterator[int]:
    """Processes whose home is below a folder, where the system tells it; those of other users are none of a job's."""
    home = f"HOME={folder}/".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if any(each.startswith(home) for each in (entry / "environ").read_bytes().split(b"\0")):
                yield int(entry.name)


def start_time(pid: int) -> str:
    """When a process began, in a form that only serves comparison; empty when there is none that still runs."""
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return "" if fields[0] == "Z" else fields[19]
    if Path("/proc/self").exists():
        return ""
    listed = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True)
    return listed.stdout.strip()
