"""How much one call may bring and take, by default what a serverless endpoint allows; read in the service."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields

from trainyard.errors import ConfigError
from trainyard.serving.wire import SERVERLESS_BYTES

PREFIX = "TRAINYARD_"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bytes of a request and of an answer, rows, and seconds until an answer; each is set by TRAINYARD_<NAME>.

    A serverless endpoint carries 4 MB each way and waits for 60 s.
    """

    max_body_bytes: int = SERVERLESS_BYTES
    max_answer_bytes: int = SERVERLESS_BYTES
    max_rows: int = 10_000
    max_seconds: int = 50

    @classmethod
    def of_environment(cls, environment: Mapping[str, str] = os.environ) -> Limits:
        """Raises ConfigError for a value that is no whole number above 0."""
        found = {}
        for field in fields(cls):
            name = PREFIX + field.name.upper()
            text = environment.get(name, "").strip()
            if text and not (text.isascii() and text.isdigit() and int(text) > 0):
                raise ConfigError([f"Expected a whole number above 0 in {name}, found {text!r:.60}."])
            if text:
                found[field.name] = int(text)
        return cls(**found)
