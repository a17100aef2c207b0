"""One event on its way to one target, as the journal keeps it; in the local cloud's server."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# What EventBridge and Lambda do unless a target or a function says otherwise.
TARGET_RETRIES, TARGET_SECONDS = 185, 86_400
# AWS waits a minute before a function's second attempt and two before its third.
LONGEST_WAIT_SECONDS = 300.0


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """An event for the resource `arn`.

    `key` is unique: it becomes the name of a started execution, the number of a message and the request id of a
    function, so that a delivery that is repeated after a crash is known as the same. `to_function` says that the event
    waits in a function's own queue, whose settings count then; before that it is EventBridge's, with the rule's
    `retries`, `max_age` (seconds) and `dead_letters` (ARN of a queue, or empty). `accepted` and `due` are seconds since
    1970.
    """

    key: str
    arn: str
    payload: str
    account: str
    region: str
    accepted: float
    due: float
    to_function: bool = False
    attempts: int = 0
    retries: int = TARGET_RETRIES
    max_age: float = TARGET_SECONDS
    dead_letters: str = ""
    rule_arn: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def text(self) -> str:
        """How the journal keeps it."""
        return json.dumps(dataclasses.asdict(self))

    @staticmethod
    def parse(text: str) -> Delivery:
        """A delivery out of the journal; members that a newer local cloud wrote are passed over."""
        known = {each.name for each in dataclasses.fields(Delivery)}
        return Delivery(**{name: value for name, value in json.loads(text).items() if name in known})

    def again(self, *, seconds: float, retries: int, max_age: float) -> Delivery | None:
        """The same after one more failed attempt, due later; None when it was tried and waited for long enough.

        The first wait takes `seconds`, every following one twice as long as the one before.
        """
        wait = min(seconds * 2**self.attempts, LONGEST_WAIT_SECONDS)
        due = time.time() + wait
        if self.attempts >= retries or due - self.accepted > max_age:
            return None
        return dataclasses.replace(self, attempts=self.attempts + 1, due=due)

    def later(self, seconds: float) -> Delivery:
        """The same, due later, without an attempt being counted."""
        return dataclasses.replace(self, due=time.time() + seconds)
