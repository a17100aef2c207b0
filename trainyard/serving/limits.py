"""How much one call may bring and take, by default what the endpoint carries that serves it; read in the service."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from trainyard.errors import ConfigError
from trainyard.serving.wire import ENDPOINT_BYTES, INSTANCES

PREFIX = "TRAINYARD_"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bytes, rows and seconds of a call; each is set by TRAINYARD_<NAME>.

    `endpoint_type` is `instances` or `serverless`, as in a deployment: what carries the calls bounds the bytes of a
    request and of an answer (0: no other bound), and gives up after 60 s. `max_head_seconds` are for the head of a
    request, `max_transfer_seconds` for its body, and for a client to take an answer.
    """

    endpoint_type: str = INSTANCES
    max_body_bytes: int = 0
    max_answer_bytes: int = 0
    max_rows: int = 10_000
    max_seconds: int = 50
    max_head_seconds: int = 10
    max_transfer_seconds: int = 60

    def __post_init__(self) -> None:
        """Fill in what the endpoint carries. Raises ConfigError for another type of endpoint."""
        carried = ENDPOINT_BYTES.get(self.endpoint_type)
        if carried is None:
            raise ConfigError(
                [f"Expected {' or '.join(ENDPOINT_BYTES)} in {PREFIX}ENDPOINT_TYPE, found {self.endpoint_type!r:.60}."]
            )
        for name in ("max_body_bytes", "max_answer_bytes"):
            object.__setattr__(self, name, getattr(self, name) or carried)

    def reason(self, name: str) -> str:
        """Where a limit of bytes comes from, for the sentence of a refusal."""
        if getattr(self, name) == ENDPOINT_BYTES[self.endpoint_type]:
            return f"which is what an endpoint of type {self.endpoint_type} carries"
        return f"which is what {PREFIX}{name.upper()} allows"

    @classmethod
    def of_environment(cls, environment: Mapping[str, str] = os.environ) -> Limits:
        """Raises ConfigError for a value that is no whole number above 0."""
        found: dict[str, Any] = {}
        for each in fields(cls):
            name = PREFIX + each.name.upper()
            text = environment.get(name, "").strip()
            if text:
                found[each.name] = text if each.name == "endpoint_type" else _whole(text, name)
        return cls(**found)


def _whole(text: str, name: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19 and int(text) > 0):
        raise ConfigError([f"Expected a whole number above 0 in {name}, found {text!r:.60}."])
    return int(text)
