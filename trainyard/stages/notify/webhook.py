"""A message as an HTTP request that its receiver can verify, in the form of Standard Webhooks; runs in a Lambda.

The signature is HMAC-SHA256 of `id.timestamp.body`, so that whoever only knows the address can neither invent a message
nor send an old one again: https://www.standardwebhooks.com, which has libraries for receivers.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from trainyard.errors import ConfigError, JobFailed
from trainyard.stages.notify.notification import Notification

PREFIX = "whsec_"
PATIENCE_SECONDS = 10


def body(told: Notification) -> bytes:
    """JSON: `type` (`trainyard.<outcome>`), `timestamp` (when it happened) and `data`."""
    data = {
        "environment": told.environment,
        "outcome": told.outcome,
        "title": told.title,
        "text": told.text,
        "link": told.link,
        "next_steps": told.next_steps,
        **{name.replace(" ", "_"): value for name, value in told.facts.items()},
    }
    return json.dumps({"type": f"trainyard.{told.outcome}", "timestamp": told.sent, "data": data}).encode()


def headers(message_id: str, content: bytes, *, secret: str, now: int) -> dict[str, str]:
    """The headers of a request that is made at `now`, seconds since 1970; raises ConfigError for a key that is none."""
    signed = hmac.new(_key(secret), f"{message_id}.{now}.".encode() + content, hashlib.sha256).digest()
    return {
        "Content-Type": "application/json",
        "User-Agent": "trainyard",
        "webhook-id": message_id,
        "webhook-timestamp": str(now),
        "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
    }


def post(url: str, content: bytes, *, headers: dict[str, str]) -> int:
    """Send it and return the status; raises JobFailed for anything but 2xx, so that it is sent again later.

    No redirect is followed: what is signed for one receiver is none of another's business. What the receiver answers,
    and the path of its address, may hold secrets of its own: neither gets into the error.
    """
    host = urlsplit(url).netloc
    request = urllib.request.Request(url, content, headers, method="POST")  # noqa: S310 - settings allow http(s) only
    try:
        with _opener().open(request, timeout=PATIENCE_SECONDS) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        raise JobFailed(f"Expected 2xx of the webhook's receiver {host}, found {error.code}.") from None
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise JobFailed(f"Expected an answer of the webhook's receiver {host}, found none: {reason}.") from None
    except http.client.HTTPException as error:
        raise JobFailed(f"Expected HTTP of the webhook's receiver {host}, found a {type(error).__name__}.") from None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: Any, **_options: Any) -> None:
        """Leave the redirect to be an error."""


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(_NoRedirect)


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.strip().removeprefix(PREFIX), validate=True)
    except ValueError:
        raise ConfigError(
            ["Expected the webhook's secret to be Base64, found other text: make one with `openssl rand -base64 33`."]
        ) from None
