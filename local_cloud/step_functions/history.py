"""Writes an execution's history, and its log events, as Step Functions does; runs in the local cloud's server."""

from __future__ import annotations

import datetime as dt
import json
import threading
from dataclasses import dataclass
from typing import Any

from ministack.core.responses import now_iso
from ministack.services import cloudwatch_logs, stepfunctions

from local_cloud.journal import executions, flows, touched

Record = dict[str, Any]

_lock = threading.Lock()

# Another event follows at once, and nothing happens between the two: they are written together.
_FOLLOWED = ("StateExited", "TaskScheduled")
# Event types whose details botocore keeps under a name of several types.
_ENTERED, _EXITED = "stateEnteredEventDetails", "stateExitedEventDetails"
_FATAL = ("ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut")
_ERRORS = (*_FATAL, "TaskFailed", "TaskTimedOut", "FailStateEntered", "MapStateFailed", "ParallelStateFailed")


@dataclass
class Trail:
    """The line of events of one flow of control: every event names the one before it in the same flow."""

    execution: Record
    previous: int = 0

    def record(self, kind: str, **details: Any) -> int:
        """Append an event of type `kind`; returns its id."""
        with _lock:
            events = self.execution["events"]
            event: Record = {
                "id": len(events) + 1,
                "type": kind,
                "timestamp": now_iso(),
                "previousEventId": self.previous,
            }
            if details:
                event[details_name(kind)] = details
            events.append(event)
            self.previous = event["id"]
        deliver(self.execution, event)
        executions.note(self.execution)
        if not kind.endswith(_FOLLOWED):
            flows.settle()
        return self.previous

    def fork(self) -> Trail:
        """The trail of a branch that begins here."""
        return Trail(self.execution, self.previous)


def details_name(kind: str) -> str:
    """The member of HistoryEvent that holds the details of events of type `kind`."""
    if kind.endswith("StateEntered"):
        return _ENTERED
    if kind.endswith("StateExited"):
        return _EXITED
    return f"{kind[0].lower()}{kind[1:]}EventDetails"


def last_trail(execution: Record) -> Trail:
    """A trail that continues after everything recorded so far."""
    return Trail(execution, len(execution["events"]))


def deliver(execution: Record, event: Record) -> None:
    """Send an event to the log group of the state machine's logging configuration, if its level asks for it."""
    with touched.reading():
        logging = logging_of(stepfunctions._state_machines.get(execution["stateMachineArn"]) or {})
    if not _is_logged(event["type"], level=logging.get("level", "OFF")):
        return
    details = dict(event.get(details_name(event["type"]), {}))
    if not logging.get("includeExecutionData"):
        for name in ("input", "output", "parameters"):
            details.pop(name, None)
    line = {
        "id": str(event["id"]),
        "type": event["type"],
        "details": details,
        "previous_event_id": str(event.get("previousEventId", 0)),
        "event_timestamp": str(_milliseconds(event["timestamp"])),
        "execution_arn": execution["executionArn"],
        "redrive_count": str(execution.get("redriveCount", 0)),
    }
    for group in log_groups(logging):
        sent = {"timestamp": _milliseconds(event["timestamp"]), "message": json.dumps(line)}
        _put(sent, group=group, stream=_stream(execution))


def logging_of(machine: Record) -> Record:
    """A state machine's logging configuration in the API's spelling: from a stack MiniStack keeps CloudFormation's."""
    configured = machine.get("loggingConfiguration") or {}
    if "Level" in configured:
        configured = machine["loggingConfiguration"] = _camel_case(configured)
    return configured


def _camel_case(value: Any) -> Any:
    if isinstance(value, list):
        return [_camel_case(item) for item in value]
    if isinstance(value, dict):
        return {name[0].lower() + name[1:]: _camel_case(item) for name, item in value.items()}
    return value


def log_groups(logging: Record) -> list[str]:
    """Names of the log groups a logging configuration writes to."""
    groups = [destination.get("cloudWatchLogsLogGroup", {}) for destination in logging.get("destinations") or []]
    names = [str(group.get("logGroupArn", "")) for group in groups]
    return [name.partition(":log-group:")[2].removesuffix(":*") for name in names if ":log-group:" in name]


def _is_logged(kind: str, *, level: str) -> bool:
    return level == "ALL" or (level == "ERROR" and kind in _ERRORS) or (level == "FATAL" and kind in _FATAL)


def _stream(execution: Record) -> str:
    name = execution["stateMachineArn"].rpartition(":")[2]
    return f"states/{name}/{execution['startDate'][:10]}/{execution['name']}"


def _put(event: Record, *, group: str, stream: str) -> None:
    if group not in cloudwatch_logs._log_groups:
        return
    if stream not in cloudwatch_logs._log_groups[group]["streams"]:
        cloudwatch_logs._create_log_stream({"logGroupName": group, "logStreamName": stream})
    cloudwatch_logs._put_log_events({"logGroupName": group, "logStreamName": stream, "logEvents": [event]})


def _milliseconds(timestamp: str) -> int:
    return int(dt.datetime.fromisoformat(timestamp).timestamp() * 1000)
