"""The `sns:publish` integration with its message attributes, which MiniStack loses; runs on a task's thread."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ministack.services import stepfunctions

PUBLISH = "arn:aws:states:::sns:publish"


def publish(arguments: Mapping[str, Any]) -> Any:
    """Publish; a message that is not text is sent as JSON, as Step Functions does."""
    message = arguments.get("Message", "")
    text = message if isinstance(message, str) else json.dumps(message)
    attributes = _flat(arguments.get("MessageAttributes") or {})
    return stepfunctions._invoke_resource(PUBLISH, {**arguments, "Message": text, **attributes})


def _flat(attributes: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Attributes as parameters of a query, which is all that MiniStack's SNS reads.

    >>> _flat({"outcome": {"DataType": "String", "StringValue": "bad_data"}})["MessageAttributes.entry.1.Name"]
    'outcome'
    """
    found = {}
    for number, (name, value) in enumerate(attributes.items(), start=1):
        start = f"MessageAttributes.entry.{number}"
        found[f"{start}.Name"] = name
        found |= {f"{start}.Value.{part}": str(each) for part, each in value.items()}
    return found
