"""Reads which states an execution's events belong to, and how each visit of one failed; pure.

Events are those of GetExecutionHistory, oldest first. Branches and the items of a Map run side by side: an event
belongs to the state of the event that it names as its predecessor, else to the state entered last.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Event = Mapping[str, Any]
ENDS = {"ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut"}
FAILED = ("Failed", "TimedOut", "Aborted")
# What follows a failure in the same state says it once more: a Map of its item, and an expression that is there to let
# a failure pass which nothing may catch.
REPEATING = ("Map", "Evaluation")


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What went wrong: the kind of the event that says so, the error's name, and its cause."""

    event: str
    error: str
    cause: str


@dataclass(kw_only=True)
class Visit:
    """One visit of a state. `fault` is what it failed with and did not go on after.

    `limit` (seconds), `parameters` and `submitted` are those of the task that it last began; `outer` is the Map state
    around it.
    """

    name: str
    input: Any = None
    outer: str = ""
    open: bool = True
    fault: Fault | None = None
    limit: int | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    submitted: Mapping[str, Any] = field(default_factory=dict)
    output: Any = None


@dataclass
class History:
    """An execution's visits in the order they were entered and in that they failed in, its input, and its end."""

    visits: list[Visit] = field(default_factory=list)
    failed: list[Visit] = field(default_factory=list)
    input: Any = None
    end: Fault | None = None
    owners: dict[int, Visit] = field(default_factory=dict)

    @classmethod
    def of(cls, events: Iterable[Event]) -> History:
        """The history in these events."""
        history = cls()
        for event in events:
            history._read(event)
        return history

    def _read(self, event: Event) -> None:
        kind: str = event["type"]
        details = next((value or {} for name, value in event.items() if name.endswith("EventDetails")), {})
        owner = self._owner(event)
        if kind == "ExecutionStarted":
            self.input = parsed(details.get("input"))
        elif kind == "ExecutionRedriven":
            self._begin_again()
        elif kind.endswith("StateEntered"):
            owner = self._enter(details, owner)
        elif kind in ENDS:
            self.end = Fault(event=kind, error=details.get("error") or "", cause=details.get("cause") or "")
        elif owner is not None:
            owner = self._inside(owner, kind, details=details)
        if owner is not None and "id" in event:
            self.owners[event["id"]] = owner

    def _owner(self, event: Event) -> Visit | None:
        known = self.owners.get(event.get("previousEventId") or 0)
        return known or (self.visits[-1] if self.visits else None)

    def _begin_again(self) -> None:
        """A redrive: what failed is begun anew, and what was said about it is over."""
        self.end = None
        for visit in self.visits:
            visit.fault = None

    def _enter(self, details: Mapping[str, Any], owner: Visit | None) -> Visit:
        name, outer = details["name"], ""
        if owner is not None:
            again = owner.open and owner.name == name
            outer = owner.name if owner.open and not again else owner.outer
            # A redrive enters the state that failed once more.
            owner.open = owner.open and not again
        self.visits.append(Visit(name=name, input=parsed(details.get("input")), outer=outer))
        return self.visits[-1]

    def _inside(self, visit: Visit, kind: str, *, details: Mapping[str, Any]) -> Visit:
        if kind.endswith("StateExited"):
            left = visit if visit.open and visit.name == details["name"] else self._last_open(details["name"]) or visit
            left.open, left.fault = False, None
            left.output = parsed(details.get("output"))
            return left
        if kind.endswith("Scheduled"):
            visit.fault, visit.submitted = None, {}
            visit.limit = details.get("timeoutInSeconds")
            visit.parameters = _mapping(details.get("parameters"))
        elif kind.endswith("Submitted"):
            visit.submitted = _mapping(details.get("output"))
        elif kind.endswith(FAILED) and not (kind.startswith(REPEATING) and visit.fault):
            visit.fault = Fault(event=kind, error=details.get("error") or "", cause=details.get("cause") or "")
            self.failed.append(visit)
        return visit

    def _last_open(self, name: str) -> Visit | None:
        return next((each for each in reversed(self.visits) if each.open and each.name == name), None)


def parsed(text: Any) -> Any:
    """JSON text as a value; None for text that is missing or was cut off."""
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return None


def _mapping(text: Any) -> Mapping[str, Any]:
    value = parsed(text)
    return value if isinstance(value, Mapping) else {}
