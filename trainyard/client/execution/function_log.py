"""Finds an execution's own requests in the log of a Lambda function, which works for many; runs on a laptop."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from trainyard.client.execution.history import StateVisit
from trainyard.client.execution.log_line import LogLine, document

# What the functions of the workflow call the execution that they work for, in each of their lines.
OWNERS = ("execution", "run_id")
REQUEST_BEGINS = re.compile(r"^START RequestId: (\S+)")
REQUEST_ENDED = "REPORT RequestId: "
# How much the clocks of two services may differ.
SKEW = timedelta(seconds=1)


def owners(execution_name: str, visited: Iterable[StateVisit]) -> frozenset[str]:
    """What tells an execution's lines from those of others in the log of a function: its name and the run's id."""
    outputs = [each.output for each in visited if isinstance(each.output, Mapping)]
    return frozenset({execution_name, *(str(each["run_id"]) for each in outputs[:1] if each.get("run_id"))})


def of_owner(lines: Sequence[LogLine], visit: StateVisit, *, own: frozenset[str]) -> list[LogLine]:
    """The lines of a visit's own requests: those that name the execution in a line, or that the visit's cause names.

    A function's process answers the requests of many executions, one after the other, in one stream.
    """
    streams = dict.fromkeys(each.stream for each in lines)
    requests = [each for stream in streams for each in _requests([line for line in lines if line.stream == stream])]
    return [line for each in requests if _is_of(each, visit, own=own) for line in each]


def _is_of(request: Sequence[LogLine], visit: StateVisit, *, own: frozenset[str]) -> bool:
    identifiers = [found[1] for each in request if (found := REQUEST_BEGINS.match(each.text))]
    # The execution may have come by here before, a few states ago.
    now = request[-1].time >= visit.entered - SKEW and (not visit.exited or request[0].time <= visit.exited + SKEW)
    return now and (any(_names(each, own) for each in request) or any(each in visit.cause for each in identifiers))


def _requests(lines: Sequence[LogLine]) -> list[list[LogLine]]:
    """A stream's lines by request; what a process wrote while it started belongs to its first one."""
    requests: list[list[LogLine]] = []
    over = began = True
    for line in lines:
        begins = REQUEST_BEGINS.match(line.text) is not None
        if not requests or over or (begins and began):
            requests.append([])
            began = False
        requests[-1].append(line)
        over, began = line.text.startswith(REQUEST_ENDED), began or begins
    return requests


def _names(line: LogLine, own: frozenset[str]) -> bool:
    said = document(line.text)
    return any(said.get(key) in own for key in OWNERS)
