"""Who may read the page and act through it: one browser of this machine that was given the link; pure ASGI.

A page on loopback is reachable by every other page that the browser has open. So the host's name, a token, and for
what acts the origin are looked at before anything else; and no answer may be framed, cached or run foreign code.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlencode

from trainyard.console.note import TOKEN_FIELD

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

TOKEN_BYTES = 32
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
# At the start of a path they would name another host.
UNSAFE_START = "/\\"
READING = ("GET", "HEAD")
# With `no-referrer` Chromium sends `Origin: null` with the forms of this page itself.
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
ASK = "Open the link that `trainyard open` prints: it carries the token that this page asks for."


def new_token() -> str:
    """A secret that no one guesses, for a link."""
    return secrets.token_urlsafe(TOKEN_BYTES)


@dataclass(frozen=True)
class Guard:
    """Lets a request through to `app` that comes from this machine's own browser, and adds the headers above.

    `token` is compared in constant time. Given in the address it becomes a cookie, and leaves the address by a
    redirect; the cookie's name holds the port, for cookies do not tell ports apart.
    """

    app: App
    token: str
    port: int

    # The three are ASGI's, in its order.
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: PLR0917
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if not self._is_ours(headers.get("host", "")):
            await _answer(send, 400, text="Expected the name of this machine's loopback as host.")
        elif scope["method"] not in READING and not self._same_origin(headers):
            await _answer(send, 403, text="Expected a form of this very page, found another origin; nothing was done.")
        elif self._right(_given(scope)):
            await _answer(send, 303, fields={"location": _without_token(scope), "set-cookie": self._cookie()})
        elif not self._right(self._kept(headers.get("cookie", ""))):
            await _answer(send, 401, text=ASK)
        else:
            await self.app(scope, receive, _with_headers(send))

    @property
    def cookie_name(self) -> str:
        return f"trainyard-{self.port}"

    def _cookie(self) -> str:
        return f"{self.cookie_name}={self.token}; HttpOnly; SameSite=Strict; Path=/"

    def _kept(self, cookie: str) -> str:
        try:
            found = SimpleCookie(cookie).get(self.cookie_name)
        except CookieError:
            return ""
        return found.value if found else ""

    def _right(self, given: str) -> bool:
        return secrets.compare_digest(given.encode(), self.token.encode())

    def _is_ours(self, host: str) -> bool:
        return host in {f"{name}:{self.port}" for name in LOOPBACK}

    def _same_origin(self, headers: MutableMapping[str, str]) -> bool:
        """Browsers say where a form or a script comes from; older ones by `Origin` alone."""
        return headers.get("origin") == f"http://{headers.get('host')}" and headers.get("sec-fetch-site") in (
            "same-origin",
            None,
        )


def _given(scope: Scope) -> str:
    query: bytes = scope["query_string"]
    return dict(parse_qsl(query.decode("latin-1"))).get(TOKEN_FIELD, "")


def _without_token(scope: Scope) -> str:
    """The same address without the token; only a path, so that it can lead nowhere else."""
    fields = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    query = urlencode([(name, value) for name, value in fields if name != TOKEN_FIELD])
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    path = f"/{raw.decode('latin-1').lstrip(UNSAFE_START)}"
    return f"{path}?{query}" if query else path


async def _answer(send: Send, status: int, *, text: str = "", fields: Mapping[str, str] | None = None) -> None:
    fields = {**HEADERS, "content-type": "text/plain; charset=utf-8", **(fields or {})}
    headers = [(name.encode(), value.encode("latin-1")) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})


def _with_headers(send: Send) -> Send:
    """What sends an answer with the headers above; one that sets a header itself, as a report does, keeps its own."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = {name.lower() for name, _ in message["headers"]}
            added = [(name.encode(), text.encode()) for name, text in HEADERS.items() if name.encode() not in own]
            message["headers"] = [*message["headers"], *added]
        await send(message)

    return sending
