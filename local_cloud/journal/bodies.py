"""Reads a request's body to its end, keeping its beginning, and gives it back to whoever reads it next; in the server.

Whoever refuses a request before it was sent whole would cut off a client in the middle of sending, which then never
sees the refusal.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

# Requests whose action stands in their body are far shorter.
KEPT_BYTES = 1_000_000


async def taken(receive: Receive) -> tuple[bytes, Receive]:
    """At most the first KEPT_BYTES of the body, and what gives them to the next reader, followed by what comes then."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")[: KEPT_BYTES - len(body)]
        more = message["type"] == "http.request" and message.get("more_body", False)
    again: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def give() -> Message:
        return again.pop() if again else await receive()

    return body, give
