"""One message per end of an execution, whatever is delivered twice and whoever dies in between."""

from __future__ import annotations

from dataclasses import replace

import boto3
import pytest

from lambdas import environment
from trainyard.stages.explain_failure import once
from trainyard.stages.explain_failure.once import BeingSent, Telling, key_of

DETAIL = {"executionArn": "arn:aws:states:us-east-1:1:execution:m:e1", "status": "FAILED", "redriveCount": 0}


@pytest.fixture
def telling(aws: None) -> Telling:
    table = environment.read().ledger_table
    return Telling(key=key_of(DETAIL), event_id="event-1", table=table, dynamodb=boto3.client("dynamodb"))


def test_the_same_end_is_told_once(telling: Telling) -> None:
    assert telling.begin()
    telling.done()
    assert not telling.begin()
    assert not replace(telling, event_id="event-2").begin()


def test_an_event_that_is_delivered_again_goes_on_with_what_it_began(telling: Telling) -> None:
    assert telling.begin()
    assert telling.begin()


def test_another_event_waits_for_the_one_that_is_at_it(telling: Telling) -> None:
    assert telling.begin()
    with pytest.raises(BeingSent, match="try again later"):
        replace(telling, event_id="event-2").begin()


def test_a_message_whose_sender_died_is_sent_by_the_next_event(
    telling: Telling, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert telling.begin()
    monkeypatch.setattr(once, "SENDING_SECONDS", -1)
    assert replace(telling, event_id="event-2").begin()


def test_a_redriven_execution_that_fails_again_is_told_again() -> None:
    keys = {key_of(DETAIL), key_of({**DETAIL, "redriveCount": 1}), key_of({**DETAIL, "status": "ABORTED"})}
    assert len(keys) == 3
