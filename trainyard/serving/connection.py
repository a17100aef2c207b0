"""One connection of the service: uvicorn's own, with limits for clients that send or read too slowly; in the service.

uvicorn bounds how long a connection may rest between two requests, but not how long a request may take to arrive, how
long its head may be, nor how long an answer may wait to be taken.
"""

from __future__ import annotations

import socket
import struct
from asyncio import TimerHandle
from enum import Enum
from typing import Any

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from trainyard.serving.limits import Limits
from trainyard.serving.wire import JSON

MAX_HEAD_BYTES = 64 * 1024
# After a refusal, what is still on its way is thrown away: to close at once would take the refusal from the client.
LINGER_S = 5
# A kernel that is told to linger for 0 s resets the connection.
AT_ONCE = struct.pack("ii", 1, 0)
UPGRADE, IGNORED = b"\r\nupgrade:", b"\r\nignored:"


class Part(Enum):
    """What of a request is awaited."""

    HEAD = "head"
    BODY = "body"
    NOTHING = "nothing"


class Connection(HttpToolsProtocol):
    """Closes a connection whose client is late, with a sentence where one can still be sent."""

    limits = Limits()

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._awaited, self._armed = Part.HEAD, Part.NOTHING
        self._head_bytes, self._refused = 0, False
        self._arrival: TimerHandle | None = None
        self._taking: TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Give the client so long for its first request."""
        super().connection_made(transport)
        self._watch_arrival()

    def connection_lost(self, exc: Exception | None) -> None:
        """Watch no longer."""
        self._awaited = Part.NOTHING
        self._watch_arrival()
        self._watch_taking(False)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came; what is incomplete after it gets so many seconds more."""
        if self._refused:
            return
        if self._awaited is not Part.BODY:
            data = _without_upgrade(data)
        super().data_received(data)
        if self._awaited is Part.HEAD:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse(431, f"Expected at most {MAX_HEAD_BYTES:,} bytes before the body, found more.")
        elif self._awaited is Part.NOTHING and self.timeout_keep_alive_task is None and self._idle:
            # Empty lines before a request end the rest between two of them, too.
            self._awaited = Part.HEAD
        self._watch_arrival()

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self._disarm()
        self._awaited, self._head_bytes = Part.HEAD, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The last byte of a head."""
        self._awaited = Part.BODY
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The last byte of a request."""
        self._awaited = Part.NOTHING
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """An answer is written; what closes the connection may still wait to be taken."""
        super().on_response_complete()
        if self._closing_late:
            self._watch_taking(True)

    def pause_writing(self) -> None:
        """The client does not take what is written."""
        super().pause_writing()
        self._watch_taking(True)

    def resume_writing(self) -> None:
        """The client has taken most of what was written."""
        super().resume_writing()
        self._watch_taking(self._closing_late)

    def timeout_keep_alive_handler(self) -> None:
        """The rest between two requests is over; a client that has not taken its answer by now does not get it."""
        if self.transport.get_write_buffer_size():
            self._reset()
        super().timeout_keep_alive_handler()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002
        """The answer to what is no HTTP, in the form of every refusal."""
        self._refuse(400, "Expected a request in HTTP/1.1, found bytes that are none.")

    @property
    def _idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    @property
    def _closing_late(self) -> bool:
        return self.transport.is_closing() and self.transport.get_write_buffer_size() > 0

    def _watch_arrival(self) -> None:
        """Count the seconds for the part of a request that is awaited, from when it began to be."""
        if self._awaited is not self._armed:
            self._disarm()
            self._armed = self._awaited
            if self._armed is not Part.NOTHING:
                self._arrival = self.loop.call_later(self._seconds, self._late)

    def _disarm(self) -> None:
        """Count no longer."""
        if self._arrival is not None:
            self._arrival.cancel()
        self._armed, self._arrival = Part.NOTHING, None

    @property
    def _seconds(self) -> int:
        return self.limits.max_head_seconds if self._armed is Part.HEAD else self.limits.max_transfer_seconds

    def _late(self) -> None:
        """The request did not arrive in time."""
        if self.pipeline or (self._awaited is Part.HEAD and not self._idle):
            # It waits behind one that is being answered, and its client must not lose that answer.
            self._arrival = self.loop.call_later(self._seconds, self._late)
        elif self._awaited is Part.HEAD and not self._head_bytes:
            self.transport.close()
        elif self._awaited is Part.BODY and self.cycle.response_started:
            self.transport.abort()
        else:
            part = self._awaited.value
            self._refuse(408, f"Expected the {part} of a request within {self._seconds} s, found less of it.")

    def _watch_taking(self, wanted: bool) -> None:
        """Count the seconds that an answer waits to be taken, or count them no longer."""
        if self._taking is not None and not wanted:
            self._taking.cancel()
            self._taking = None
        elif self._taking is None and wanted:
            self._taking = self.loop.call_later(self.limits.max_transfer_seconds, self._reset)

    def _reset(self) -> None:
        """Throw away what the client does not take, also what the kernel keeps of it, and close."""
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        self.transport.abort()

    def _refuse(self, status: int, sentence: str) -> None:
        """Send a refusal past the application, and close when the client has had time to read it."""
        if self._refused or self.transport.is_closing():
            return
        self._refused, self._awaited = True, Part.NOTHING
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        body = orjson.dumps({"error": sentence})
        head = f"content-type: {JSON}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        self.transport.write(STATUS_LINE[status] + head.encode() + body)
        self.transport.write_eof()
        self.loop.call_later(LINGER_S, self.transport.abort)


def connection(limits: Limits) -> type[Connection]:
    """The class of connections with these limits, for uvicorn's `http`."""
    return type("LimitedConnection", (Connection,), {"limits": limits})


def _without_upgrade(data: bytes) -> bytes:
    """The head of a request that asks for no other protocol, which a server may ignore.

    Java's own client asks for HTTP/2 with every request, and the parser would then lose the body.
    """
    end = data.find(b"\r\n\r\n")
    at = (data if end < 0 else data[:end]).lower().find(UPGRADE)
    return data if at < 0 else data[:at] + IGNORED + data[at + len(UPGRADE) :]
