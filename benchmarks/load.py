"""A small HTTP client that measures a service on loopback: keep-alive connections, one request at a time on each."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import uvloop

END = b"\r\n\r\n"
LENGTH = b"content-length: "


@dataclass
class Measured:
    """What came back: status codes, seconds of each request, and the CPU seconds that this client took itself."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    bodies: dict[int, bytes] = field(default_factory=dict)
    wall_s: float = 0.0
    client_cpu_s: float = 0.0

    @property
    def rate(self) -> float:
        return len(self.seconds) / self.wall_s

    def percentile(self, percent: float) -> float:
        """Milliseconds."""
        return float(np.percentile(self.seconds, percent) * 1000)


def request(path: str, body: bytes = b"", *, content_type: str = "application/json", method: str = "POST") -> bytes:
    """The bytes of a request."""
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    return (head + (f"Content-Type: {content_type}\r\n" if content_type else "") + "\r\n").encode() + body


class _Connection(asyncio.Protocol):
    """Sends the next request when the answer to the last one is complete."""

    def __init__(self, take: Callable[[], tuple[int, bytes] | None], measured: Measured, *, keep: bool) -> None:
        self._take, self._measured, self._keep = take, measured, keep
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._buffer = b""
        self._transport: asyncio.Transport
        self._place, self._started = 0, 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._next()

    def _next(self) -> None:
        taken = self._take()
        if taken is None:
            self._transport.close()
            return
        self._place, content = taken
        self._started = time.perf_counter()
        self._transport.write(content)

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        end = self._buffer.find(END)
        if end < 0:
            return
        start = self._buffer.find(LENGTH)
        size = int(self._buffer[start + len(LENGTH) : self._buffer.find(b"\r", start)])
        if len(self._buffer) < end + len(END) + size:
            return
        self._measured.seconds.append(time.perf_counter() - self._started)
        status = int(self._buffer[9:12])
        self._measured.statuses[status] += 1
        if self._keep:
            self._measured.bodies[self._place] = self._buffer[end + len(END) :]
        self._buffer = b""
        self._next()

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_result(None)


def drive(port: int, requests: Sequence[bytes], *, connections: int, keep: bool = False) -> Measured:
    """Send all requests over so many connections; with `keep`, the bodies of the answers by place."""
    measured = Measured()
    pending = iter(enumerate(requests))

    async def run() -> None:
        loop = asyncio.get_running_loop()
        made = [
            await loop.create_connection(
                lambda: _Connection(lambda: next(pending, None), measured, keep=keep), "127.0.0.1", port
            )
            for _ in range(connections)
        ]
        await asyncio.gather(*(protocol.closed for _, protocol in made))

    start, cpu = time.perf_counter(), time.process_time()
    uvloop.run(run())
    measured.wall_s, measured.client_cpu_s = time.perf_counter() - start, time.process_time() - cpu
    lost = len(requests) - len(measured.seconds)
    if lost:
        raise ConnectionError(f"Expected {len(requests)} answers, found {len(measured.seconds)}.")
    return measured
