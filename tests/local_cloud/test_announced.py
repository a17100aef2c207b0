"""No end of an execution is left untold because it could not be announced at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local_cloud import journal
from local_cloud.step_functions import announced, status
from tests.faults.events import until

EXECUTION = {
    "executionArn": "arn:aws:states:us-east-1:000000000000:execution:m:e1",
    "stateMachineArn": "arn:aws:states:us-east-1:000000000000:stateMachine:m",
    "name": "e1",
    "status": "FAILED",
    "startDate": "2026-11-28T00:00:00.000Z",
    "input": "{}",
}


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[journal.Journal]:
    monkeypatch.setattr(journal, "_open", [])
    monkeypatch.setattr(announced.stepfunctions, "_executions", type(announced.stepfunctions._executions)())
    announced.stepfunctions._executions._data["e1"] = EXECUTION
    opened = journal.open_in(tmp_path)
    yield opened
    opened.close()


def test_an_end_that_meets_a_full_disk_is_announced_later(
    kept: journal.Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals, told = iter([OSError("No space left on device")] * 2), []

    def put_events(data: Any, **_: Any) -> None:
        for refusal in refusals:
            raise refusal
        told.append(data["Entries"][0]["Resources"])

    monkeypatch.setattr(announced, "AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(status.eventbridge, "_put_events", put_events)
    status.emit(EXECUTION)
    until(lambda: dict(kept.read(announced.KIND)), "the announcement")
    assert told == [[EXECUTION["executionArn"]]]


def test_only_ends_that_nobody_was_told_are_left_out(kept: journal.Journal) -> None:
    assert announced.left_out() == []
    kept.write([(announced.KIND, EXECUTION["executionArn"], "RUNNING/0")])
    assert announced.left_out() == [EXECUTION]
    announced.remember(EXECUTION)
    assert announced.left_out() == []


def test_deleted_executions_are_forgotten(kept: journal.Journal) -> None:
    announced.remember(EXECUTION)
    announced.remember({**EXECUTION, "executionArn": "gone"})
    announced.forget_deleted()
    assert [arn for arn, _ in kept.read(announced.KIND)] == [EXECUTION["executionArn"]]
