"""Turns the events of an execution into the states it visited; pure functions, run on a laptop.

The events are those of `GetExecutionHistory`. An event belongs to the state of the event it names as its
predecessor, which tells parallel branches apart; where no predecessor is given it belongs to the last open state.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from trainyard.client.execution.jobs import Job, job_of
from trainyard.errors import NotFound

Event = Mapping[str, Any]
CHILD_EVENTS = ("Task", "Map", "Parallel", "Evaluation", "Lambda")
# What ends an execution whose task failed for good: a catcher repeats the task's cause (state_machines/faults.py).
EVALUATION = "States.QueryEvaluationError"


class Status(StrEnum):
    """What became of a visit of a state. A caught failure went on through the state's Catch."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    CAUGHT = "caught"
    FAILED = "failed"
    ABORTED = "aborted"
    TIMED_OUT = "timed out"


@dataclass(kw_only=True)
class StateVisit:
    """One visit of one state. `attempts` counts the task's starts, retries and redrives included.

    `resumed` is when a redrive last went on with it: the time between a failure and its redrive is nobody's work.
    """

    name: str
    type: str
    entered: datetime
    input: Any = None
    exited: datetime | None = None
    status: Status = Status.RUNNING
    output: Any = None
    attempts: int = 0
    resumed: datetime | None = None
    error: str = ""
    cause: str = ""
    job: Job | None = None
    # Jobs of attempts before this one: each retry and each redrive starts another.
    earlier: list[Job] = field(default_factory=list)

    @property
    def jobs(self) -> list[Job]:
        """Every job that the visit started, the newest last."""
        return [*self.earlier, *([self.job] if self.job is not None else [])]

    def elapsed(self, now: datetime) -> timedelta:
        """How long the visit took, or has taken until `now`; after a redrive, since then."""
        return max((self.exited or now) - (self.resumed or self.entered), timedelta())

    @property
    def open(self) -> bool:
        return self.status is Status.RUNNING


def visits(events: Iterable[Event]) -> list[StateVisit]:
    """The visited states in the order they were entered."""
    reader = _Reader()
    for event in events:
        reader.read(event)
    return reader.visits


def named(visited: Sequence[StateVisit], text: str) -> list[StateVisit]:
    """The visits of the state that `text` names, in any case, whole or by its start. Raises NotFound.

    Where several states start like that, the only one that does work is meant ("tune": not the choice "Tune?").
    """
    names = list(dict.fromkeys(each.name for each in visited))
    exact = [each for each in names if each.lower() == text.lower()]
    matching = exact or [each for each in names if each.lower().startswith(text.lower())]
    if len(matching) > 1:
        matching = [each for each in matching if any(visit.job and visit.name == each for visit in visited)]
    if len(matching) != 1:
        raise NotFound(f"Expected one of the visited states {', '.join(names)}; found {text!r}.")
    return [each for each in visited if each.name == matching[0]]


def parsed(text: str | None) -> Any:
    """JSON text as a value; text that is no JSON (cut off by AWS) as it is."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


@dataclass
class _Reader:
    visits: list[StateVisit] = field(default_factory=list)
    owners: dict[int, StateVisit] = field(default_factory=dict)

    def read(self, event: Event) -> None:
        kind: str = event["type"]
        visit: StateVisit | None
        if kind.endswith("StateEntered"):
            visit = self._enter(event, kind.removesuffix("StateEntered"))
        elif kind.endswith("StateExited"):
            visit = self._exit(event)
        else:
            visit = self._owner(event)
            if visit is not None:
                _apply(visit, event)
            if kind in ("ExecutionAborted", "ExecutionTimedOut"):
                self._close_all(event, Status.ABORTED if kind == "ExecutionAborted" else Status.TIMED_OUT)
        if visit is not None:
            self.owners[event["id"]] = visit

    def _enter(self, event: Event, kind: str) -> StateVisit:
        details = event["stateEnteredEventDetails"]
        again = self._owner(event)
        if again is not None and again.open and again.resumed and again.name == details["name"]:
            return again
        visit = StateVisit(
            name=details["name"], type=kind, entered=event["timestamp"], input=parsed(details.get("input"))
        )
        self.visits.append(visit)
        return visit

    def _exit(self, event: Event) -> StateVisit | None:
        details = event["stateExitedEventDetails"]
        visit = self._owner(event)
        if visit is None or visit.name != details["name"]:
            named = [each for each in self.visits if each.name == details["name"] and each.exited is None]
            visit = named[-1] if named else None
        if visit is not None:
            visit.status = Status.CAUGHT if visit.status is Status.FAILED else Status.SUCCEEDED
            visit.exited = event["timestamp"]
            visit.output = parsed(details.get("output"))
        return visit

    def _owner(self, event: Event) -> StateVisit | None:
        known = self.owners.get(event.get("previousEventId") or 0)
        if known is not None or not self.visits:
            return known
        running = [each for each in self.visits if each.open]
        return running[-1] if running else self.visits[-1]

    def _close_all(self, event: Event, status: Status) -> None:
        for visit in self.visits:
            if visit.open:
                visit.status, visit.exited = status, event["timestamp"]


def _apply(visit: StateVisit, event: Event) -> None:
    """What an event inside a state changes about the visit."""
    kind: str = event["type"]
    details = _details(event)
    if kind in ("TaskScheduled", "LambdaFunctionScheduled"):
        visit.status, visit.exited, visit.error, visit.cause = Status.RUNNING, None, "", ""
        visit.attempts += 1
        visit.earlier = visit.jobs
        visit.job = job_of(details.get("resource", ""), parsed(details.get("parameters")))
    elif kind in ("TaskSubmitted", "TaskSucceeded") and visit.job is not None:
        visit.job = visit.job.completed_by(parsed(details.get("output")))
    elif kind == "ExecutionRedriven":
        visit.resumed = event["timestamp"]
        visit.status, visit.exited = Status.RUNNING, None
    elif kind == "ExecutionFailed" or (kind.startswith(CHILD_EVENTS) and kind.endswith(("Failed", "TimedOut"))):
        _fail(visit, event, details=details)


def _fail(visit: StateVisit, event: Event, *, details: Mapping[str, Any]) -> None:
    visit.status = Status.TIMED_OUT if event["type"] == "TaskTimedOut" else Status.FAILED
    visit.exited = event["timestamp"]
    if not (visit.error and details.get("error") == EVALUATION):
        visit.error = details.get("error", "") or visit.error
        visit.cause = details.get("cause", "") or visit.cause
    if visit.job is not None:
        visit.job = visit.job.completed_by(parsed(visit.cause))


def _details(event: Event) -> Mapping[str, Any]:
    return next((value for key, value in event.items() if key.endswith("EventDetails")), {})
