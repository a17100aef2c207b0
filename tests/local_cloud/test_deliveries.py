"""Events on their way: attempts and waits, what the journal holds meanwhile, and each way into a function."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local_cloud.deliveries import accepting, pending
from local_cloud.deliveries.delivery import LONGEST_WAIT_SECONDS, Delivery
from local_cloud.deliveries.firings import Firings
from local_cloud.deliveries.pending import KIND, Pending
from local_cloud.journal import Journal
from tests.faults.events import Listener, listener, queue_for_events, until

from .conftest import Cloud
from .tiny_images import bucket, unique


def delivery(**members: Any) -> Delivery:
    """An event for a function, due now."""
    given = {
        "key": "k",
        "arn": "a",
        "payload": "{}",
        "account": "1",
        "region": "r",
        "accepted": time.time(),
        "due": 0.0,
    }
    return Delivery(**{**given, "to_function": True, **members})


def waits(made: Delivery, **options: Any) -> list[float]:
    """The waits between the attempts of a delivery, to the whole second, until it is given up."""
    found: list[float] = []
    left: Delivery | None = made
    while left is not None:
        begun = time.time()
        left = left.again(seconds=60, retries=2, max_age=21_600, **options)
        found += [round(left.due - begun)] if left else []
    return found


def test_waits_are_those_of_lambda() -> None:
    assert waits(delivery()) == [60, 120]


def test_an_event_that_is_too_old_is_given_up() -> None:
    assert waits(delivery(accepted=time.time() - 21_500)) == [60]


def test_waits_end_at_five_minutes() -> None:
    left = delivery(attempts=50).again(seconds=60, retries=185, max_age=86_400)
    assert left is not None
    assert left.due == pytest.approx(time.time() + LONGEST_WAIT_SECONDS, abs=5)


def test_a_delivery_is_read_as_it_was_kept() -> None:
    kept = delivery(parameters={"MessageGroupId": "g"}, dead_letters="q")
    assert Delivery.parse(kept.text()) == kept
    assert Delivery.parse(json.dumps({**json.loads(kept.text()), "added_later": 1})) == kept


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path)
    yield opened
    opened.close()


def rows(journal: Journal) -> list[str]:
    return [key for key, _ in journal.read(KIND)]


def begun(journal: Journal, attempt: Callable[[Delivery], Delivery | None]) -> Pending:
    made = Pending(lambda: journal, attempt)
    made.begin()
    return made


def test_a_row_is_kept_until_the_delivery_has_ended(journal: Journal) -> None:
    during, done = [], threading.Event()

    def attempt(_: Delivery) -> None:
        during.append(rows(journal))
        done.set()

    made = begun(journal, attempt)
    made.accept(delivery())
    assert done.wait(30)
    until(lambda: not rows(journal), "the end of the row")
    made.close()
    assert during == [["k"]]


def test_the_next_server_takes_up_what_is_left(journal: Journal) -> None:
    left = Pending(lambda: journal, lambda _: None)
    left.accept(delivery())
    assert rows(journal) == ["k"]
    made = begun(journal, lambda _: None)
    until(lambda: not rows(journal), "the end of the row")
    made.close()


def test_a_defect_ends_neither_the_delivery_nor_the_thread(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending, "UNEXPECTED_SECONDS", 0.0)
    attempts = []

    def attempt(_: Delivery) -> None:
        attempts.append(1)
        if len(attempts) < 3:
            raise OSError("No space left on device")

    made = begun(journal, attempt)
    made.accept(delivery())
    until(lambda: not rows(journal), "the end of the row")
    made.close()
    assert len(attempts) == 3


def test_what_was_delivered_is_not_repeated_because_the_disk_is_full(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending, "UNEXPECTED_SECONDS", 0.0)
    attempts, write, refusals = [], journal.write, iter([OSError("No space left on device")] * 3)

    def attempt(_: Delivery) -> None:
        attempts.append(1)
        monkeypatch.setattr(journal, "write", full)

    def full(changes: Any) -> None:
        for refusal in refusals:
            raise refusal
        write(changes)

    made = begun(journal, attempt)
    made.accept(delivery())
    until(lambda: not rows(journal), "the end of the row")
    made.close()
    assert len(attempts) == 1


def test_what_fails_while_the_server_ends_is_left_as_it_was(journal: Journal) -> None:
    running, go, over = threading.Event(), threading.Event(), threading.Event()

    def attempt(made: Delivery) -> Delivery:
        running.set()
        go.wait(30)
        over.set()
        return made.later(0)

    made = begun(journal, attempt)
    made.accept(delivery(attempts=1))
    assert running.wait(30)
    made.close()
    go.set()
    assert over.wait(30)
    [(_, text)] = journal.read(KIND)
    assert Delivery.parse(text).due == 0.0


def test_an_event_that_cannot_be_kept_is_not_accepted(journal: Journal) -> None:
    made = Pending(lambda: journal, lambda _: None)
    journal.close()
    with pytest.raises(Exception, match="closed"):
        made.accept(delivery())


def test_an_upload_fails_whose_event_cannot_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """MiniStack logs what goes wrong with an event, and would answer that all is well; so it does for PutEvents."""

    def fire_event(*_: Any, **__: Any) -> None:
        with pytest.raises(OSError):
            accepting.invoke_later({"FunctionArn": "arn"}, {})

    def full(*_: Any) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(accepting.pending, "accept", full)
    monkeypatch.setitem(accepting.s3._bucket_notifications, "bucket", "<xml/>")
    with pytest.raises(OSError, match="No space left"):
        accepting.before_the_answer(fire_event)("bucket", "key", "s3:ObjectCreated:Put")


def test_a_schedule_that_fired_does_not_fire_again_at_the_next_start(journal: Journal) -> None:
    key = ("000000000000", "us-east-1", "default/once")
    before = Firings("fired-schedule")
    before[key] = 100.0
    journal.write(before.take())
    after = Firings("fired-schedule")
    after.restore(journal, {key: {"CreationDate": 50}})
    assert after == {key: 100.0}
    assert list(after.take()) == []


def test_a_schedule_that_was_made_again_fires_anew(journal: Journal) -> None:
    key = ("000000000000", "us-east-1", "default/once")
    before = Firings("fired-schedule")
    before[key] = 100.0
    journal.write(before.take())
    for schedules in ({}, {key: {"CreationDate": 101}}):
        after = Firings("fired-schedule")
        after.restore(journal, schedules)
        assert after == {}
    assert list(journal.read("fired-schedule")) == []


@pytest.fixture
def hears(local_cloud: Cloud, tmp_path: Path) -> Listener:
    made = listener(local_cloud, tmp_path / "function", pattern={"source": [unique("nobody")]})
    made.tell("go")
    return made


def test_a_destination_hears_of_a_failure_without_retries(local_cloud: Cloud, hears: Listener) -> None:
    url, arn = queue_for_events(local_cloud, unique("destination"))
    local_cloud.client("lambda").put_function_event_invoke_config(
        FunctionName=hears.name, MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": arn}}
    )
    allow = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    local_cloud.client("iam").put_role_policy(RoleName=hears.name, PolicyName="destination", PolicyDocument=policy)
    hears.tell("fail")
    payload = {"detail": {"number": "1"}}
    answer = local_cloud.client("lambda").invoke(
        FunctionName=hears.name, InvocationType="Event", Payload=json.dumps(payload)
    )
    assert answer["StatusCode"] == 202
    [message] = until(lambda: local_cloud.client("sqs").receive_message(QueueUrl=url).get("Messages"), "the message")
    told = json.loads(message["Body"])
    assert told["requestPayload"] == payload
    assert told["responsePayload"]["errorMessage"] == "told to fail"
    assert told["requestContext"]["approximateInvokeCount"] == len(hears.begun())


def test_a_role_without_the_right_sends_nothing(local_cloud: Cloud, hears: Listener) -> None:
    url, arn = queue_for_events(local_cloud, unique("destination"))
    local_cloud.client("lambda").put_function_event_invoke_config(
        FunctionName=hears.name, MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": arn}}
    )
    hears.tell("fail")
    local_cloud.client("lambda").invoke(
        FunctionName=hears.name, InvocationType="Event", Payload=json.dumps({"detail": {"number": "1"}})
    )
    log = local_cloud.state_dir / "server.log"
    until(lambda: f"of the function {hears.arn} is lost" in log.read_text(), "the line in the server's log")
    assert "Messages" not in local_cloud.client("sqs").receive_message(QueueUrl=url)


def test_a_topic_calls_a_function(local_cloud: Cloud, hears: Listener) -> None:
    sns = local_cloud.client("sns")
    topic = sns.create_topic(Name=unique("topic"))["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=hears.arn)
    sns.publish(TopicArn=topic, Message="hello")
    assert len(hears.begun()) == 1


def test_a_bucket_calls_a_function(local_cloud: Cloud, hears: Listener) -> None:
    store, s3 = bucket(local_cloud), local_cloud.client("s3")
    s3.put_bucket_notification_configuration(
        Bucket=store,
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [{"LambdaFunctionArn": hears.arn, "Events": ["s3:ObjectCreated:*"]}]
        },
    )
    s3.put_object(Bucket=store, Key="a", Body=b"1")
    assert len(hears.begun()) == 1


def test_a_schedule_without_its_machine_leaves_a_dead_letter(local_cloud: Cloud) -> None:
    url, arn = queue_for_events(local_cloud, unique("dead"), service="scheduler.amazonaws.com")
    role = local_cloud.role(unique("role"), "scheduler.amazonaws.com", [])
    gone = "arn:aws:states:us-east-1:000000000000:stateMachine:gone"
    target = {"Arn": gone, "RoleArn": role, "Input": '{"a": 1}', "DeadLetterConfig": {"Arn": arn}}
    local_cloud.client("scheduler").create_schedule(
        Name=unique("schedule"),
        ScheduleExpression="at(2020-01-01T00:00:00)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target=target,
    )
    request = {"QueueUrl": url, "MessageAttributeNames": ["All"]}
    [letter] = until(lambda: local_cloud.client("sqs").receive_message(**request).get("Messages"), "the dead letter")
    assert letter["Body"] == '{"a": 1}'
    assert letter["MessageAttributes"]["TARGET_ARN"]["StringValue"] == gone
