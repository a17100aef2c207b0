"""Speaks HTTP to one serving container over kept connections: /ping and /invocations; runs in the server."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import urllib3
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError, ReadTimeoutError

from trainyard.errors import TrainyardError

LOOPBACK = "127.0.0.1"
# AWS waits as long for an answer, and for the answer to /ping.
INVOCATION_SECONDS, PING_SECONDS = 60.0, 2.0
KEPT_CONNECTIONS = 64
READ_BYTES = 256 * 1024


class TimedOut(TrainyardError):
    """The container did not answer an invocation in time."""


class Unreachable(TrainyardError):
    """The container does not listen, or closed the connection without an answer."""


class TooLarge(TrainyardError):
    """The container's answer is larger than the endpoint carries."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the container said to an invocation."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class ContainerClient:
    """Calls of the container on one loopback port, from any thread; an answer may have `max_bytes`."""

    def __init__(self, port: int, *, max_bytes: int) -> None:
        self._pool = urllib3.HTTPConnectionPool(LOOPBACK, port, maxsize=KEPT_CONNECTIONS, block=False)
        self._max_bytes = max_bytes

    def ping(self) -> bool:
        """Whether the container says that it is ready."""
        try:
            return self._pool.request("GET", "/ping", timeout=PING_SECONDS, retries=False).status == 200
        except HTTPError:
            return False

    def invoke(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """POST /invocations; raises `TimedOut`, `Unreachable` or `TooLarge`."""
        try:
            return self._post(body, headers)
        except Unreachable:
            # A kept connection may have been closed just as it was used again: one fresh one tells.
            return self._post(body, headers)

    def close(self) -> None:
        """Give up the kept connections."""
        self._pool.close()

    def _post(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        deadline = time.monotonic() + INVOCATION_SECONDS
        try:
            response = self._pool.urlopen(
                "POST",
                "/invocations",
                body=body,
                headers=dict(headers),
                timeout=INVOCATION_SECONDS,
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
            content = self._content(response, deadline)
        except ReadTimeoutError as error:
            raise TimedOut(f"no answer within {INVOCATION_SECONDS:.0f} s") from error
        except HTTPError as error:
            raise Unreachable(str(error)) from error
        response.release_conn()
        return Answer(status=response.status, headers=response.headers, body=content)

    def _content(self, response: BaseHTTPResponse, deadline: float) -> bytes:
        """The body of an answer, all of which has to come in time: urllib3 bounds the time of each part only."""
        parts, size = [], 0
        while part := response.read1(READ_BYTES, decode_content=False):
            parts.append(part)
            size += len(part)
            if size > self._max_bytes:
                response.close()
                raise TooLarge(f"the answer has more than {self._max_bytes} bytes")
            if time.monotonic() > deadline:
                response.close()
                raise TimedOut(f"no whole answer within {INVOCATION_SECONDS:.0f} s")
        return b"".join(parts)
