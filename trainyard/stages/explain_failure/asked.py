"""Which recipe and data set an execution was started for, as far as its input tells; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainyard.run.folders import RAW_PREFIX


def asked_for(given: Any) -> tuple[str, str]:
    """Recipe and data set in the input of an execution: an upload's key or a manual start; empty where it names none.

    >>> asked_for({"detail": {"object": {"key": "raw/prod2vec/mine/orders.csv"}}})
    ('prod2vec', 'mine')
    >>> asked_for({"recipe": "two_tower", "dataset": "ratings"})
    ('two_tower', 'ratings')
    >>> asked_for(None)
    ('', '')
    """
    if not isinstance(given, Mapping):
        return "", ""
    parts = _key(given).split("/", 3)
    if len(parts) == 4 and parts[0] == RAW_PREFIX:
        return parts[1], parts[2]
    return str(given.get("recipe") or ""), str(given.get("dataset") or "")


def _key(given: Mapping[str, Any]) -> str:
    detail = given.get("detail")
    uploaded = detail.get("object") if isinstance(detail, Mapping) else None
    return str(uploaded.get("key") or "") if isinstance(uploaded, Mapping) else ""
