"""A request with its answer, as it waits to be kept; in the service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple


class Exchange(NamedTuple):
    """A request that was answered: rows and their answers in the same order. `time` is of the Unix epoch."""

    event_id: str
    inference_id: str
    time: float
    latency_s: float
    route: str
    rows: Sequence[Any]
    answers: Sequence[Any]
    size: int
