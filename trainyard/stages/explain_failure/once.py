"""Keeps people from hearing twice of one end of an execution, without ever keeping a message back; runs in a Lambda.

EventBridge delivers an event at least once, and Lambda runs a function again that died. Whoever tells people writes
"sending" into the ledger before, and "sent" after. SNS itself cannot tell a repeated message: a topic that can (FIFO)
has no e-mail. So a function that dies between SNS's answer and the second write tells twice; in every other case once.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trainyard.errors import TrainyardError
from trainyard.run.ledger import expiry

# No function of the workflow that tells people runs longer.
SENDING_SECONDS = 60
NOT_SENT = "attribute_not_exists(id) OR (#state = :sending AND (event_id = :own OR #at < :late))"


class BeingSent(TrainyardError):
    """Another run of the function is sending the message right now; Lambda tries this one again later."""


def key_of(detail: Mapping[str, Any]) -> str:
    """What people hear of once: this status of an execution, after so many redrives."""
    return f"told/{detail['executionArn']}/{detail['status']}/{detail.get('redriveCount') or 0}"


@dataclass(frozen=True, kw_only=True)
class Telling:
    """One message to people, by the event that asks for it; `table` is the ledger's name."""

    key: str
    event_id: str
    table: str
    dynamodb: Any

    def begin(self) -> bool:
        """Whether the message is still to be sent, and by this event; False when people have it.

        An event that is delivered again goes on with what it had begun. Raises BeingSent while another event is at it.
        """
        now = int(time.time())
        own, late = {"S": self.event_id}, {"N": str(now - SENDING_SECONDS)}
        try:
            self.dynamodb.put_item(
                TableName=self.table,
                Item=self._item("sending", at=now),
                ConditionExpression=NOT_SENT,
                ExpressionAttributeNames={"#state": "state", "#at": "at"},
                ExpressionAttributeValues={":sending": {"S": "sending"}, ":own": own, ":late": late},
            )
        except self.dynamodb.exceptions.ConditionalCheckFailedException:
            if self._state() == "sent":
                return False
            raise BeingSent(
                f"Expected to be alone in sending {self.key}, found another run at it: try again later."
            ) from None
        return True

    def done(self) -> None:
        """People have the message."""
        self.dynamodb.put_item(TableName=self.table, Item=self._item("sent", at=int(time.time())))

    def _state(self) -> str:
        found = self.dynamodb.get_item(TableName=self.table, Key={"id": {"S": self.key}}, ConsistentRead=True)
        return str(found.get("Item", {}).get("state", {}).get("S", ""))

    def _item(self, state: str, *, at: int) -> Mapping[str, Any]:
        event_id = {"S": self.event_id}
        said = {"state": {"S": state}, "event_id": event_id, "at": {"N": str(at)}}
        return {"id": {"S": self.key}, **said, **expiry()}
