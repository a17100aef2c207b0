"""The toy as a real service in a process of its own: `python -m tests.serving.toy_service PORT`, and calls of it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from tests.recipes.service import await_ping, free_port
from tests.serving.toy import toy_application
from trainyard.serving.limits import Limits
from trainyard.serving.server import listener, run

ROOT = Path(__file__).parents[2]
# How long a test waits for what must come: only a service that hangs takes as long.
PATIENCE_S = 60


@dataclass(frozen=True, kw_only=True)
class Service:
    """A service on a port of this machine."""

    port: int
    process: subprocess.Popen
    patience_s: float = PATIENCE_S

    def call(self, method="POST", path="/invocations", body=None, **headers):
        """(status, headers, body) of one call; names of headers have underscores."""
        with contextlib.closing(HTTPConnection("127.0.0.1", self.port, timeout=self.patience_s)) as connection:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, {"Content-Type": "application/json", **named})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()

    def connect(self) -> socket.socket:
        """A connection on which nothing is sent yet."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=self.patience_s)


@contextlib.contextmanager
def toy_service(**environment: str) -> Iterator[Service]:
    """A running service with these variables."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.serving.toy_service", str(port)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        await_ping(port, process)
        yield Service(port=port, process=process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE_S)


if __name__ == "__main__":
    limits = Limits.of_environment()
    run(toy_application(limits=limits), listener("127.0.0.1", int(sys.argv[1])), limits=limits)
