"""What became of the states of an execution, several visits of one put together, and when; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from trainyard.client.execution.history import StateVisit, Status

# States that decide or rename: they have a place in time, but no duration worth a number.
WITHOUT_WORK = ("Choice", "Pass", "Succeed", "Fail")
# A bar's start and length are in parts of the execution's time.
PARTS = 1000


@dataclass(frozen=True, kw_only=True)
class Visited:
    """All visits of one state: running while one of them is, else as the last one ended."""

    status: Status
    visits: int
    seconds: float | None
    entered: datetime
    left: datetime


@dataclass(frozen=True, kw_only=True)
class Span:
    """The execution's time, from its first state to its last or to now."""

    start: datetime
    end: datetime

    @classmethod
    def of(cls, found: Iterable[Visited]) -> Span:
        """The time of all states together; any moment where none was visited."""
        each = list(found)
        return cls(
            start=min((visited.entered for visited in each), default=datetime.min),
            end=max((visited.left for visited in each), default=datetime.min),
        )

    def bar(self, found: Visited) -> tuple[float, float]:
        """Start and length of a state's bar, from its first visit to its last, 0 to 1000."""
        whole = self.end - self.start
        if not whole:
            return 0.0, 0.0
        start, length = found.entered - self.start, found.left - found.entered
        return round(PARTS * (start / whole), 1), round(PARTS * (length / whole), 1)


def visited(visits: Sequence[StateVisit], *, now: datetime) -> dict[str, Visited]:
    """The visits of each state put together; those that are open last until `now`."""
    by_state: dict[str, list[StateVisit]] = {}
    for visit in visits:
        by_state.setdefault(visit.name, []).append(visit)
    return {name: _together(each, now=now) for name, each in by_state.items()}


def _together(visits: Sequence[StateVisit], *, now: datetime) -> Visited:
    running = any(visit.open for visit in visits)
    working = visits[-1].type not in WITHOUT_WORK
    entered = min(visit.entered for visit in visits)
    return Visited(
        status=Status.RUNNING if running else visits[-1].status,
        visits=len(visits),
        seconds=sum((visit.elapsed(now) for visit in visits), timedelta()).total_seconds() if working else None,
        entered=entered,
        # A clock that is behind would end a state before it began.
        left=max(entered, *(visit.exited or now for visit in visits)),
    )
