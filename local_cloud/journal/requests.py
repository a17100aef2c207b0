"""Writes what a request has changed before its answer leaves the server, and refuses changes while the disk is full.

An ASGI application around MiniStack's.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from local_cloud.journal import bodies, touched
from local_cloud.journal.recorder import Recorder
from local_cloud.journal.space import CODE, STATUS, Reserve
from local_cloud.journal.touched import Request

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_READ_ONLY = ("Get", "Describe", "List", "Head", "BatchGet", "Query", "Scan", "Filter", "Lookup")


def kept(application: Application, *, recorder: Recorder, reserve: Reserve) -> Application:
    """The application, with every change of a request in the journal before it is answered."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: PLR0917 - ASGI's signature
        if scope["type"] != "http":
            await application(scope, receive, send)
            return
        changing = _may_change(scope)
        refusal = reserve.refuses(_size(scope)) if changing and not _frees(scope) else None
        if refusal is not None:
            body, receive = await bodies.taken(receive)
            if not _asks_only(scope, body):
                await _refuse(scope, send, reason=refusal)
                return
        request = Request() if changing else None
        token = touched.begin(request)
        try:
            await application(scope, receive, _Answer(scope, send, request=request, recorder=recorder).send)
        finally:
            touched.end(token)
            if request is not None:
                request.is_request = False
                request.leave_to(touched.NOBODY)

    return serve


class _Answer:
    """Holds an answer back until what it acknowledges is written; says that it was not if it could not be."""

    def __init__(self, scope: Scope, send: Send, *, request: Request | None, recorder: Recorder) -> None:
        self._scope, self._send = scope, send
        self._request, self._recorder = request, recorder
        self._refused = False

    async def send(self, message: Message) -> None:
        if self._refused:
            return
        reason = self._unwritten() if message["type"] == "http.response.start" else None
        if reason is None:
            await self._send(message)
        else:
            self._refused = True
            await _refuse(self._scope, self._send, reason=reason)

    def _unwritten(self) -> str | None:
        try:
            self._recorder.keep()
        except OSError as error:
            return None if self._request is None else str(error)
        return None if self._request is None or self._request.unwritten is None else str(self._request.unwritten)


def _may_change(scope: Scope) -> bool:
    # Calls of endpoints come by the thousand, and change nothing.
    if scope["method"] in {"GET", "HEAD", "OPTIONS"} or _is_endpoint(scope["path"]):
        return False
    return not _header(scope, b"x-amz-target").rpartition(".")[2].startswith(_READ_ONLY)


def _asks_only(scope: Scope, body: bytes) -> bool:
    """Whether a request of the query protocol, whose action stands in its body, changes nothing."""
    if "form-urlencoded" not in _header(scope, b"content-type"):
        return False
    action = parse_qs(body.decode("latin-1")).get("Action", [""])[0]
    return action.startswith(_READ_ONLY)


def _is_endpoint(path: str) -> bool:
    return path.startswith("/endpoints/") and path.endswith("/invocations")


def _frees(scope: Scope) -> bool:
    """Whether a request deletes: somebody may be making room."""
    deletes_objects = scope["method"] == "POST" and bytes(scope["query_string"]).startswith(b"delete")
    return bool(scope["method"] == "DELETE" or deletes_objects)


def _size(scope: Scope) -> int:
    length = _header(scope, b"content-length")
    return int(length) if length.isdigit() else 0


def _header(scope: Scope, wanted: bytes) -> str:
    return next((value for name, value in scope["headers"] if name == wanted), b"").decode("latin-1")


async def _refuse(scope: Scope, send: Send, *, reason: str) -> None:
    kind, body = _error(scope, reason)
    headers = [
        (b"content-type", kind),
        (b"content-length", str(len(body)).encode()),
        (b"x-amzn-errortype", CODE.encode()),
    ]
    await send({"type": "http.response.start", "status": STATUS, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _error(scope: Scope, reason: str) -> tuple[bytes, bytes]:
    """Content type and body of an error, as the protocol of the service has it."""
    if "/s3/aws4_request" in _header(scope, b"authorization"):
        return b"application/xml", f"<Error><Code>{CODE}</Code><Message>{escape(reason)}</Message></Error>".encode()
    if "form-urlencoded" in _header(scope, b"content-type"):
        inner = f"<Error><Type>Receiver</Type><Code>{CODE}</Code><Message>{escape(reason)}</Message></Error>"
        return b"text/xml", f"<ErrorResponse>{inner}<RequestId>none</RequestId></ErrorResponse>".encode()
    return b"application/x-amz-json-1.1", json.dumps({"__type": CODE, "message": reason}).encode()
