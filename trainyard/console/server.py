"""Serves the console on loopback until it is stopped, and leaves a note of where; runs on a laptop."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from trainyard.client.run import apart
from trainyard.console.app import application
from trainyard.console.guard import Guard, new_token
from trainyard.console.note import HOST, Note, Running
from trainyard.console.site import Site
from trainyard.errors import TrainyardError

FIRST_PORT = 4600
# The first free one of so many is taken.
PORTS = 50
# A stream that is open when the server stops ends with its next look at the execution.
LAST_SECONDS = 5


def serve(site: Site, *, note: Note, port: int | None, ready: Callable[[Running], None]) -> None:
    """Serve until the process is told to stop; `ready` is called once it listens.

    Raises TrainyardError when another console of the same deployment runs, or the port is taken.
    """
    apart.from_now_on()
    with note.held(), _listening(port) as listener:
        before = note.last()
        # A tab that is open goes on after a restart.
        token = before.token if before else new_token()
        running = Running(port=listener.getsockname()[1], token=token, process_id=os.getpid())
        note.write(running)
        server = server_of(site, running)
        ready(running)
        server.run(sockets=[listener])


def server_of(site: Site, running: Running) -> uvicorn.Server:
    """The server of a console whose open streams end with it."""
    app = Guard(app=application(site), token=running.token, port=running.port)
    settings = uvicorn.Config(
        app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=LAST_SECONDS
    )
    server = uvicorn.Server(settings)
    site.feeds.stopping = lambda: server.should_exit
    return server


@contextmanager
def _listening(port: int | None) -> Iterator[socket.socket]:
    """A socket on loopback, at `port` or at the first free one. Raises TrainyardError."""
    wanted = [port] if port is not None else [*range(FIRST_PORT, FIRST_PORT + PORTS), 0]
    for each in wanted:
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((HOST, each))
                listener.listen()
            except OSError:
                continue
            yield listener
            return
    raise TrainyardError(f"Expected port {port} of this machine to be free; it is not. Choose another with --port.")
