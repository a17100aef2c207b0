"""The error of a target that will never take an event; in the server."""

from __future__ import annotations

from trainyard.errors import TrainyardError


class Refused(TrainyardError):
    """A target is gone or refuses the event; `code` is EventBridge's word for it."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
