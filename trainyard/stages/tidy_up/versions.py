"""Earlier versions of the state machine, and of the functions that only they call; in a Lambda.

Every deployment publishes new ones, and executions that began before go on with theirs, a redrive too. Step Functions
keeps a thousand versions of a machine, and Lambda 75 GB of code in an account.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from trainyard.stages.tidy_up.needed import GOING_ON, REDRIVABLE

# For how long an execution can be redriven.
REDRIVE = timedelta(days=14)
# A version of a function, as the definition names it.
FUNCTION = re.compile(r"(arn:[\w-]+:lambda:[\w-]+:\d+:function:[\w-]+):(\d+)")


def remove_versions(machine_arn: str, *, before: datetime, now: datetime, states: Any, functions: Any) -> int:
    """Delete the versions that were replaced before a time and have no unfinished execution; returns how many.

    `functions` is the client of Lambda. The newest version stays, and so does what any that stays calls.
    """
    versions = list(published(machine_arn, states=states))
    old = [
        version["stateMachineVersionArn"]
        for newer, version in pairwise(versions)
        if newer["creationDate"] < before and not _unfinished(version["stateMachineVersionArn"], now=now, states=states)
    ]
    called = {arn: _called(arn, states=states) for arn in (each["stateMachineVersionArn"] for each in versions)}
    for arn in old:
        states.delete_state_machine_version(stateMachineVersionArn=arn)
    kept = set().union(*(called[arn] for arn in called if arn not in old))
    unused = set().union(*(called[arn] for arn in old)) - kept
    for name, number in sorted(unused):
        functions.delete_function(FunctionName=name, Qualifier=number)
    return len(old) + len(unused)


def published(machine_arn: str, *, states: Any) -> Iterator[Mapping[str, Any]]:
    """The versions of a machine, the newest first."""
    page = states.list_state_machine_versions(stateMachineArn=machine_arn)
    yield from page["stateMachineVersions"]
    while "nextToken" in page:
        page = states.list_state_machine_versions(stateMachineArn=machine_arn, nextToken=page["nextToken"])
        yield from page["stateMachineVersions"]


def _called(version_arn: str, *, states: Any) -> set[tuple[str, str]]:
    """The functions and their versions that a version's definition names."""
    definition = states.describe_state_machine(stateMachineArn=version_arn)["definition"]
    return set(FUNCTION.findall(json.dumps(json.loads(definition))))


def _unfinished(version_arn: str, *, now: datetime, states: Any) -> bool:
    """Whether an execution of the version goes on, or could by a redrive."""
    pages = states.get_paginator("list_executions")
    for status in (*GOING_ON, *REDRIVABLE):
        for page in pages.paginate(stateMachineArn=version_arn, statusFilter=status):
            if any(status in GOING_ON or each["stopDate"] > now - REDRIVE for each in page["executions"]):
                return True
    return False
