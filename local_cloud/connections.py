"""Serves an application over https on one loopback port, and ends connections in time; in the local cloud's server.

Hypercorn keeps what belongs to a connection (0.3 MB with TLS) for the whole time that an idle one may stay open, even
when its client has long gone.
"""

from __future__ import annotations

import asyncio
import asyncio.constants
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from hypercorn.asyncio import run
from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.config import Config
from hypercorn.events import Closed, Event, Updated

from local_cloud.certificates import Certificate

# For clients that keep their connections: botocore opens a new one where it finds that one was closed.
IDLE_SECONDS = 75.0
GRACE_SECONDS = 1.0


class EndsWithItsClient(TCPServer):
    """Hypercorn's connection, without the wait for another request that nobody can send any more."""

    client_left = False

    async def _read_data(self) -> None:
        await super()._read_data()
        self.client_left = True
        await self.idle_task.stop()

    async def _close(self) -> None:
        # One that says no farewell within the grace has left all the same; the attempt has closed its socket.
        with suppress(TimeoutError):
            await super()._close()

    async def protocol_send(self, event: Event) -> None:
        """Send, close or wait as hypercorn asks; after an answer that its client did not await nothing is awaited."""
        waits = isinstance(event, Updated) and event.idle
        await super().protocol_send(Closed() if waits and self.client_left else event)


async def serve(
    application: Any,
    port: int,
    *,
    certificate: Certificate,
    ending: Callable[[], Awaitable[Any]],
    idle_seconds: float = IDLE_SECONDS,
) -> None:
    """Serve `application` (ASGI) until `ending` returns; an idle connection stays open for `idle_seconds`."""
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.certfile, config.keyfile = str(certificate.chain), str(certificate.key)
    config.keep_alive_timeout = idle_seconds
    config.graceful_timeout = GRACE_SECONDS
    # A client that keeps its connection open would otherwise hold up the end for half a minute: hypercorn has no
    # setting for the time that asyncio gives to the TLS farewell.
    asyncio.constants.SSL_SHUTDOWN_TIMEOUT = GRACE_SECONDS
    run.TCPServer = EndsWithItsClient  # type: ignore[attr-defined]
    await hypercorn_serve(application, config, shutdown_trigger=ending)
