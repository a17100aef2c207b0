"""Which recipe and data set an execution was started for, as far as its input tells; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainyard.run.folders import RAW_PREFIX, TRUTH_PREFIX


def asked_for(given: Any) -> tuple[str, str]:
    """Recipe and data set in the input of an execution; empty where it names none.

    The input is an upload, the approval or rejection of a registered version, or a manual start.

    >>> asked_for({"detail": {"object": {"key": "raw/prod2vec/mine/orders.csv"}}})
    ('prod2vec', 'mine')
    >>> asked_for({"detail": {"object": {"key": "truth/propensity/november/sales.csv"}}})
    ('propensity', 'november')
    >>> asked_for({"recipe": "two_tower", "dataset": "ratings"})
    ('two_tower', 'ratings')
    >>> asked_for(None)
    ('', '')
    """
    if not isinstance(given, Mapping):
        return "", ""
    parts = _key(given).split("/", 3)
    if len(parts) == 4 and parts[0] in (RAW_PREFIX, TRUTH_PREFIX):
        return parts[1], parts[2]
    about = _made_by(given) or given
    return str(about.get("recipe") or ""), str(about.get("dataset") or "")


def _made_by(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a registered version says of the run that made it, where its approval or rejection is the input."""
    detail = given.get("detail")
    said = detail.get("CustomerMetadataProperties") if isinstance(detail, Mapping) else None
    return said if isinstance(said, Mapping) else {}


def _key(given: Mapping[str, Any]) -> str:
    detail = given.get("detail")
    uploaded = detail.get("object") if isinstance(detail, Mapping) else None
    return str(uploaded.get("key") or "") if isinstance(uploaded, Mapping) else ""
