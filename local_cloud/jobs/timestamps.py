"""Times in the descriptions of jobs, as events and Step Functions show them; runs in the server."""

from __future__ import annotations

from typing import Any

# CreationTime, Timestamp; StartedOn in Glue.
TIME_ENDINGS = ("Time", "Timestamp", "On")


def in_milliseconds(value: Any) -> Any:
    """A description as events and Step Functions show it: times as whole milliseconds since 1970."""
    if isinstance(value, dict):
        return {
            key: round(item * 1000) if key.endswith(TIME_ENDINGS) and isinstance(item, float) else in_milliseconds(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [in_milliseconds(each) for each in value]
    return value
