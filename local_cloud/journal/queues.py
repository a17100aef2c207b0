"""Keeps SQS queues with a row for each message; in the server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local_cloud.journal.draft import Draft
from local_cloud.journal.places import Place, part_kind
from local_cloud.journal.store import Journal
from local_cloud.journal.texts import key_text

_MESSAGES = "sqs/messages"


class Queues(Place):
    """A row for the queue itself, and one for each message; the messages stay in the order in which they came."""

    def put(self, key: Any, value: Any, *, draft: Draft, part: Any) -> None:
        """A call on a queue may change any of its messages: which are visible, which are deleted."""
        del part
        kind = self.parts(key)
        draft.keep(self.kind, key_text(self.store, key), value={**value, "messages": []})
        messages = {message["id"]: message for message in list(value["messages"])}
        for name, message in messages.items():
            draft.keep(kind, name, value=message)
        for name in draft.known.keys(kind):
            if name not in messages:
                draft.forget(kind, name)

    def gone(self, key: Any, draft: Draft) -> None:
        """The messages go with their queue."""
        draft.forget_kind(self.parts(key))

    def parts(self, key: Any) -> str:
        """The kind of a queue's messages."""
        return part_kind(_MESSAGES, key)

    def restored(self, key: Any, value: Any, *, rows: Mapping[str, Any], journal: Journal) -> Any:
        """A queue with its messages."""
        del key, journal
        return {**value, "messages": list(rows.values())}
