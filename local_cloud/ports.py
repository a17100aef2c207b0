"""Finds a loopback port for the local cloud, and says who has one that is taken; runs on a laptop."""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from pathlib import Path

from local_cloud.state import user_name
from trainyard.errors import TrainyardError

DEFAULT = 4566
CHOICES = 100
# The threads of a server that was just killed may hold its port a moment longer than its process is seen.
PATIENCE_SECONDS = 1.0
LISTENING = "0A"


def require(port: int) -> int:
    """The port, once it is free; raises TrainyardError with who has it when it stays taken."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (reason := why_taken(port)) is not None:
        if time.monotonic() > deadline:
            raise TrainyardError(
                f"The local cloud needs port {port} on this machine, found that {holder(port)} has it ({reason}): "
                "end that program, or leave out --port, which takes the next free one."
            )
        time.sleep(0.05)
    return port


def choose(preferred: int) -> int:
    """The preferred port, else the next free one; raises TrainyardError when a hundred in a row are taken."""
    with suppress(TrainyardError):
        return require(preferred)
    found = next((port for port in range(DEFAULT, DEFAULT + CHOICES) if why_taken(port) is None), None)
    if found is None:
        raise TrainyardError(
            f"The local cloud needs a port, found all from {DEFAULT} to {DEFAULT + CHOICES - 1} taken; name a free one "
            "with --port."
        )
    return found


def why_taken(port: int) -> str | None:
    """Why the port cannot be opened, None when it can.

    `localhost` means ::1 first on many machines: who listens there would get what is meant for the local cloud.
    """
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                # As the server does: a port whose last connections are still fading away is free.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((address, port))
        except OSError as error:
            if family is socket.AF_INET or "in use" in (error.strerror or ""):
                return error.strerror or str(error)
    return None


def holder(port: int) -> str:
    """Who listens on a port, in a reader's words, as far as the system tells."""
    uid = _listener(port)
    if uid is None or uid == os.geteuid():
        return "another program"
    return f"a program of the user {user_name(uid)}"


def _listener(port: int) -> int | None:
    """The user that listens on a port, from the kernel's table; None where there is no such table or row."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            for line in Path(table).read_text(encoding="ascii").splitlines()[1:]:
                fields = line.split()
                if fields[3] == LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                    return int(fields[7])
    return None
