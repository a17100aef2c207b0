"""Which versions of machine and functions go: those that no execution can come back to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from trainyard.stages.tidy_up.versions import remove_versions

NOW = datetime(2026, 11, 29, tzinfo=UTC)
MACHINE = "arn:aws:states:eu-central-1:111122223333:stateMachine:m"
FUNCTION = "arn:aws:lambda:eu-central-1:111122223333:function:trainyard-dev-{}"


class World:
    """Step Functions and Lambda: versions by number, each published so many days ago, and executions of them."""

    def __init__(self, ages: dict[int, int], *, ended: dict[int, tuple[str, int]] | None = None) -> None:
        self._ages, self._ended = ages, ended or {}
        self.deleted: list[str] = []

    def list_state_machine_versions(self, *, stateMachineArn: str, nextToken: str = "") -> dict[str, Any]:
        newest_first = sorted(self._ages, reverse=True)
        start = int(nextToken or 0)
        listed = [
            {"stateMachineVersionArn": f"{MACHINE}:{each}", "creationDate": NOW - timedelta(days=self._ages[each])}
            for each in newest_first[start : start + 2]
        ]
        more = {"nextToken": str(start + 2)} if start + 2 < len(newest_first) else {}
        return {"stateMachineVersions": listed, **more}

    def describe_state_machine(self, *, stateMachineArn: str) -> dict[str, str]:
        number = int(stateMachineArn.rpartition(":")[2])
        # Resolve changes with every version, gate with every second one.
        names = [f"{FUNCTION.format('resolve')}:{number}", f"{FUNCTION.format('gate')}:{number // 2}"]
        return {"definition": json.dumps({"States": {each: {"FunctionName": each} for each in names}})}

    def get_paginator(self, _operation: str) -> World:
        return self

    def paginate(self, *, stateMachineArn: str, statusFilter: str) -> Iterator[dict[str, Any]]:
        status, days = self._ended.get(int(stateMachineArn.rpartition(":")[2]), ("", 0))
        found = [{"stopDate": NOW - timedelta(days=days)}] if status == statusFilter else []
        yield {"executions": found}

    def delete_state_machine_version(self, *, stateMachineVersionArn: str) -> None:
        self.deleted.append(stateMachineVersionArn.rpartition(":")[2])

    def delete_function(self, *, FunctionName: str, Qualifier: str) -> None:
        assert Qualifier.isdecimal()
        self.deleted.append(f"{FunctionName.rpartition('-')[2]}:{Qualifier}")


@pytest.mark.parametrize(
    ("ages", "ended", "deleted"),
    [
        ({1: 90, 2: 80, 3: 70}, {}, {"1", "2", "resolve:1", "resolve:2", "gate:0"}),
        ({1: 90, 2: 20, 3: 10}, {}, set()),
        ({5: 400}, {}, set()),
        ({1: 90, 2: 80, 3: 70}, {1: ("RUNNING", 0)}, {"2", "resolve:2"}),
        ({1: 90, 2: 80, 3: 70}, {2: ("FAILED", 13)}, {"1", "resolve:1", "gate:0"}),
        ({1: 90, 2: 80, 3: 70}, {1: ("PENDING_REDRIVE", 0), 2: ("ABORTED", 15)}, {"2", "resolve:2"}),
    ],
    ids=[
        "replaced long ago",
        "replaced lately",
        "the only one",
        "runs on",
        "can be redriven",
        "can no longer be redriven",
    ],
)
def test_a_version_goes_when_nothing_can_come_back_to_it(
    ages: dict[int, int], ended: dict[int, tuple[str, int]], deleted: set[str]
) -> None:
    world = World(ages, ended=ended)
    removed = remove_versions(MACHINE, before=NOW - timedelta(days=30), now=NOW, states=world, functions=world)
    assert set(world.deleted) == deleted
    assert removed == len(deleted)
