"""Events, messages and work that was interrupted."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from local_cloud import lifecycle
from local_cloud.journal.store import Journal
from tests.faults.conftest import Observation
from tests.faults.events import (
    ROOT,
    Listener,
    end,
    ends_of,
    kill,
    listener,
    queue_for_events,
    rule,
    teller,
    until,
    until_gone,
)
from tests.faults.training_jobs import (
    RECIPE,
    TRAINING,
    arrays,
    completed,
    pid,
    said,
    spot,
    take_machine_away,
    trains,
    upload,
)
from tests.images.inputs import process_inputs, train_inputs
from tests.local_cloud.conftest import Cloud, start_cloud
from tests.local_cloud.tiny_images import bucket, push, statements, training_request, unique, until_ended

pytestmark = pytest.mark.xdist_group("deliveries")

SAGEMAKER = ["sagemaker:*Job", "sagemaker:AddTags", "sagemaker:ListTags", "iam:PassRole", "events:*", "states:*"]
SENT = {
    "FilterExpression": "#state = :sent",
    "ExpressionAttributeNames": {"#state": "state"},
    "ExpressionAttributeValues": {":sent": {"S": "sent"}},
}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A local cloud that these tests kill and start again."""
    running = start_cloud(tmp_path_factory.mktemp("deliveries"))
    yield running
    lifecycle.down(running.state_dir)


@pytest.fixture
def hears(cloud: Cloud, tmp_path: Path) -> Listener:
    """A function that hears of events."""
    return listener(cloud, tmp_path / "function")


@pytest.fixture
def ends(cloud: Cloud) -> str:
    """A queue that hears how executions end."""
    name = unique("ends")
    url, arn = queue_for_events(cloud, name)
    pattern = {"source": ["aws.states"], "detail": {"status": ["FAILED", "TIMED_OUT", "ABORTED"]}}
    rule(cloud, name, pattern, target={"Id": "queue", "Arn": arn})
    return url


@pytest.fixture(scope="module")
def role(cloud: Cloud) -> str:
    """What the machines of these tests may do."""
    allowed = [{"Effect": "Allow", "Action": SAGEMAKER, "Resource": "*"}]
    return cloud.role(unique("machine"), "states.amazonaws.com", allowed)


@pytest.fixture(scope="module")
def store(cloud: Cloud) -> str:
    """A bucket."""
    return bucket(cloud)


@pytest.fixture(scope="module")
def training(cloud: Cloud, store: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, Any]]:
    """Makes requests for training jobs that run until they were interrupted so often."""
    image = push(cloud, tmp_path_factory.mktemp("image"), TRAINING)
    job_role = cloud.role(unique("job"), "sagemaker.amazonaws.com", statements(store))

    def request(*, interruptions: int = 1, **more: Any) -> dict[str, Any]:
        made = training_request(unique("job"), image=image, role=job_role, bucket_name=store, **more)
        checkpoints = {"S3Uri": f"s3://{store}/checkpoints/{made['TrainingJobName']}"}
        return {**made, "CheckpointConfig": checkpoints, "Environment": {"INTERRUPTIONS": str(interruptions)}}

    return request


@pytest.mark.fault(
    "The server is killed while a function that an event called runs",
    "the next server runs it again, as the same request, and it is done once",
)
def test_a_function_that_ran_in_a_crash_runs_again(cloud: Cloud, hears: Listener, observed: Observation) -> None:
    hears.put("1")
    first = hears.begun()[0]
    kill(cloud)
    cloud.restarted()
    until_gone(first["pid"])
    hears.tell("go")
    assert hears.done() == ["1"]
    assert [each["request"] for each in hears.begun(2)] == [first["request"]] * 2
    observed("run again under its request id, done once")


@pytest.mark.fault(
    "The local cloud is taken down while a function that an event called runs",
    "the next `up` runs it again, and it is done once",
)
def test_a_function_that_ran_at_the_end_runs_again(cloud: Cloud, hears: Listener, observed: Observation) -> None:
    hears.put("1")
    first = hears.begun()[0]
    end(cloud)
    cloud.restarted()
    hears.tell("go")
    assert hears.done() == ["1"]
    assert hears.begun(2)[-1]["request"] == first["request"]
    observed("run again under its request id, done once")


@pytest.mark.fault("The process of a function is killed while it handles an event", "Lambda's retry handles it")
def test_a_killed_function_is_tried_again(hears: Listener, observed: Observation) -> None:
    hears.put("1")
    os.kill(hears.begun()[0]["pid"], signal.SIGKILL)
    hears.tell("go")
    assert hears.done() == ["1"]
    observed(f"done in attempt {len(hears.begun(2))}")


@pytest.mark.fault(
    "A function fails on every attempt, and the server is killed after the first",
    "three attempts in all, then the event is in the function's dead letter queue with the error",
)
def test_what_a_function_cannot_take_is_a_dead_letter(cloud: Cloud, hears: Listener, observed: Observation) -> None:
    hears.tell("go", "fail")
    hears.put("1")
    hears.begun()
    kill(cloud)
    cloud.restarted()
    [letter] = hears.letters()
    assert json.loads(letter["Body"])["detail"] == {"number": "1"}
    attributes = {name: each["StringValue"] for name, each in letter["MessageAttributes"].items()}
    requests = {each["request"] for each in hears.begun(3)}
    assert requests == {attributes["RequestID"]}
    # The attempt that the crash interrupted may not have been counted.
    assert 3 <= len(hears.begun(3)) <= 4
    observed(f"one dead letter: {attributes['ErrorMessage']}")


@pytest.mark.fault(
    "A rule's function was deleted",
    "the event is in the rule's dead letter queue, with the reason",
)
def test_an_event_for_nobody_is_a_dead_letter(cloud: Cloud, hears: Listener, observed: Observation) -> None:
    cloud.client("lambda").delete_function(FunctionName=hears.name)
    hears.put("1")
    [letter] = hears.letters()
    attributes = {name: each["StringValue"] for name, each in letter["MessageAttributes"].items()}
    assert attributes["TARGET_ARN"] == hears.arn
    assert attributes["RULE_ARN"].endswith(f"rule/{hears.name}")
    observed(f"one dead letter: {attributes['ERROR_CODE']}")


@pytest.mark.fault(
    "The server is killed as soon as an upload was acknowledged",
    "the execution that the upload starts exists after the restart, once",
)
def test_an_acknowledged_upload_starts_its_execution(
    cloud: Cloud, role: str, store: str, observed: Observation
) -> None:
    machine = cloud.machine(unique("uploads"), {"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}, role)
    cloud.client("s3").put_bucket_notification_configuration(
        Bucket=store, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    key = f"raw/{unique('file')}"
    pattern = {"source": ["aws.s3"], "detail": {"object": {"key": [key]}}}
    rule(cloud, unique("uploads"), pattern, target={"Id": "machine", "Arn": machine, "RoleArn": role})
    cloud.client("s3").put_object(Bucket=store, Key=key, Body=b"1")
    kill(cloud)
    cloud.restarted()
    states = cloud.client("stepfunctions")
    found = until(lambda: states.list_executions(stateMachineArn=machine)["executions"], "the execution")
    described = states.describe_execution(executionArn=found[0]["executionArn"])
    assert json.loads(described["input"])["detail"]["object"]["key"] == key
    observed(f"{len(found)} execution with the upload as its input")


@pytest.mark.parametrize(
    "leave",
    [
        pytest.param(
            kill,
            marks=pytest.mark.fault(
                "The server is killed while an execution waits for a training job",
                "the next start announces one failure; its reason names the job, and what to do",
            ),
        ),
        pytest.param(
            end,
            marks=pytest.mark.fault(
                "The local cloud is taken down while an execution waits for a training job",
                "the next `up` announces one failure; its reason names the job, and what to do",
            ),
        ),
    ],
)
def test_people_hear_of_an_execution_that_was_interrupted(
    cloud: Cloud,
    role: str,
    ends: str,
    *,
    training: Callable[..., dict[str, Any]],
    leave: Callable[[Cloud], None],
    observed: Observation,
) -> None:
    request = training()
    machine = cloud.machine(unique("train"), trains(request), role)
    arn = cloud.start(machine)
    process = pid(cloud, request["TrainingJobName"])
    leave(cloud)
    cloud.restarted()
    until_gone(process)
    [told] = ends_of(cloud, ends, arn)
    name = arn.rpartition(":")[2]
    assert told["status"] == "FAILED"
    job = request["TrainingJobName"]
    assert told["cause"] == (
        f"The local cloud ended while this execution ran (in 'Train' the training job {job} was running and ended with "
        f"it). `trainyard redrive {name}` goes on from the state it was in, and starts its job again."
    )
    leave(cloud)
    cloud.restarted()
    assert len(ends_of(cloud, ends, arn)) == 1
    observed("one event FAILED that names the job; the job's process was gone")


@pytest.mark.fault(
    "The server is killed while a parent execution waits for its child",
    "each of the two is announced once, and the parent's reason names the child",
)
def test_parent_and_child_are_told_once_each(cloud: Cloud, role: str, ends: str, observed: Observation) -> None:
    waits = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 600, "End": True}}}
    child = cloud.machine(unique("child"), waits, role)
    name = unique("child")
    starts = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Arguments": {"StateMachineArn": child, "Name": name, "Input": {}},
        "End": True,
    }
    parent = cloud.start(cloud.machine(unique("parent"), {"StartAt": "Child", "States": {"Child": starts}}, role))
    until(lambda: any(each["type"] == "TaskSubmitted" for each in cloud.events(parent)), "the child")
    kill(cloud)
    cloud.restarted()
    [of_parent] = ends_of(cloud, ends, parent)
    [of_child] = ends_of(cloud, ends, f"{child.replace(':stateMachine:', ':execution:')}:{name}")
    assert f"in 'Child' the execution {name} was running" in of_parent["cause"]
    assert "(in 'Wait')" in of_child["cause"]
    observed("one event for the parent, one for the child")


@pytest.mark.fault(
    "The server is killed after an execution failed and before that was announced",
    "the next start announces it",
)
def test_an_end_that_was_not_announced_is_told_at_the_next_start(
    cloud: Cloud, role: str, ends: str, observed: Observation
) -> None:
    fails = {"StartAt": "Fail", "States": {"Fail": {"Type": "Fail", "Error": "Broken", "Cause": "on purpose"}}}
    arn = cloud.run(cloud.machine(unique("fails"), fails, role))["executionArn"]
    assert len(ends_of(cloud, ends, arn)) == 1
    kill(cloud)
    _forget_announcement(cloud.state_dir, arn)
    cloud.restarted()
    until(lambda: len(ends_of(cloud, ends, arn)) == 2, "the second announcement")
    observed("announced at the start: Broken")


@pytest.mark.fault(
    "The server is killed while the function that tells people sends a message",
    "the next server sends it, once",
)
def test_a_message_that_was_being_written_is_sent_once(
    cloud: Cloud, role: str, tmp_path: Path, observed: Observation
) -> None:
    tells, inbox = teller(cloud, tmp_path / "function")
    fails = {"StartAt": "Fail", "States": {"Fail": {"Type": "Fail", "Error": "Broken", "Cause": "on purpose"}}}
    arn = cloud.run(cloud.machine(tells.name, fails, role))["executionArn"]
    tells.begun()
    kill(cloud)
    cloud.restarted()
    tells.tell("go")
    until(lambda: cloud.client("dynamodb").scan(TableName=tells.name, **SENT)["Items"], "the end of sending")
    # The same end again, as EventBridge may deliver it.
    detail = {"executionArn": arn, "status": "FAILED", "redriveCount": 0}
    again = cloud.client("lambda").invoke(FunctionName=tells.name, Payload=json.dumps({"id": "2", "detail": detail}))
    assert json.loads(again["Payload"].read()) == {"published": "no"}
    messages = cloud.client("sqs").receive_message(QueueUrl=inbox, MaxNumberOfMessages=10)["Messages"]
    assert [arn in each["Body"] and "on purpose" in each["Body"] for each in messages] == [True]
    assert len(tells.begun(2)) == 2
    observed("one message, sent after the restart; the event delivered once more sent none")


@pytest.mark.fault(
    "A spot machine is taken away twice while it trains",
    "the job goes on from its checkpoint on the next machine, and completes",
)
def test_a_spot_job_goes_on_from_its_checkpoint(
    cloud: Cloud, training: Callable[..., dict[str, Any]], observed: Observation
) -> None:
    request = training(interruptions=2, **spot(wait=600))
    name = request["TrainingJobName"]
    cloud.client("sagemaker").create_training_job(**request)
    for number in range(2):
        pid(cloud, name, found=number)
        take_machine_away(cloud, name, seconds="0")
    done = until_ended(cloud, "Training", name, seconds=60)
    steps = [each["Status"] for each in done["SecondaryStatusTransitions"]]
    machine = ["Starting", "Downloading", "Training"]
    assert steps == [*machine, "Interrupted", *machine, "Interrupted", *machine, "Uploading", "Completed"]
    assert done["BillableTimeInSeconds"] <= done["TrainingTimeInSeconds"] + 1
    observed(f"{done['TrainingJobStatus']} on the third machine, which found the second checkpoint")


@pytest.mark.fault(
    "A spot machine is taken away and none comes before MaxWaitTimeInSeconds",
    "the job is Stopped with MaxWaitTimeExceeded, and its state fails with States.TaskFailed",
)
def test_a_spot_job_does_not_wait_for_ever(
    cloud: Cloud, role: str, training: Callable[..., dict[str, Any]], observed: Observation
) -> None:
    request = training(**spot(run=5, wait=6))
    arn = cloud.start(cloud.machine(unique("spot"), trains(request), role))
    pid(cloud, request["TrainingJobName"])
    take_machine_away(cloud, request["TrainingJobName"], seconds="600")
    done = cloud.finished(arn, seconds=60)
    job = json.loads(done["cause"])
    assert job["SecondaryStatusTransitions"][-1]["StatusMessage"].startswith("Training job wait time exceeded")
    observed(f"{done['error']}: {job['TrainingJobStatus']}, {job['SecondaryStatus']}")


@pytest.mark.fault(
    "A training job's process is killed by SIGKILL, as for lack of memory",
    "the job fails, and its reason names the signal and the likely cause",
)
def test_a_killed_job_says_what_killed_it(
    cloud: Cloud, training: Callable[..., dict[str, Any]], observed: Observation
) -> None:
    request = training()
    cloud.client("sagemaker").create_training_job(**request)
    os.kill(pid(cloud, request["TrainingJobName"]), signal.SIGKILL)
    reason = until_ended(cloud, "Training", request["TrainingJobName"])["FailureReason"]
    assert "killed by SIGKILL, which mostly means that memory ran out" in reason
    assert reason.endswith("exit code: 137")
    observed(reason.partition(";")[0])


@pytest.mark.long
@pytest.mark.fault(
    "A spot machine is taken away in the middle of training prod2vec",
    "the model is the one that a training without interruption makes, number by number",
)
def test_an_interrupted_training_makes_the_same_model(
    cloud: Cloud, store: str, tmp_path: Path, observed: Observation
) -> None:
    process_inputs(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "processing_container.main", "process"],
        env={**os.environ, "TRAINYARD_ML_ROOT": str(tmp_path / "process"), "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    train_inputs(tmp_path)
    channels = upload(cloud, store, tmp_path / "train" / "input" / "data")
    image = push(cloud, tmp_path / "image", RECIPE.replace("REPOSITORY", str(ROOT)))
    job_role = cloud.role(unique("job"), "sagemaker.amazonaws.com", statements(store))

    def train(name: str, *, waits: str) -> dict[str, Any]:
        request = training_request(name, image=image, role=job_role, bucket_name=store, **spot(wait=600))
        request |= {"InputDataConfig": channels, "HyperParameters": {"epochs": "4"}, "Environment": {"WAITS": waits}}
        request["CheckpointConfig"] = {"S3Uri": f"s3://{store}/checkpoints/{name}"}
        cloud.client("sagemaker").create_training_job(**request)
        return request

    interrupted, whole = unique("interrupted"), unique("whole")
    train(interrupted, waits="yes")
    until(lambda: said(cloud, interrupted, "waits for the end"), "the second checkpoint")
    take_machine_away(cloud, interrupted, seconds="0")
    train(whole, waits="no")
    steps = [each["Status"] for each in completed(cloud, interrupted)["SecondaryStatusTransitions"]]
    assert steps.count("Interrupted") == 1
    assert completed(cloud, whole)["SecondaryStatusTransitions"]
    first, second = (arrays(cloud, store, name) for name in (interrupted, whole))
    assert first.keys() == second.keys()
    assert all(np.array_equal(first[name], second[name]) for name in first)
    observed(f"{len(first)} arrays equal in every number")


@pytest.mark.long
@pytest.mark.fault(
    "The server is killed 25 times while events arrive for a function",
    "every event that was acknowledged is handled, and none lies in the dead letter queue",
)
def test_no_acknowledged_event_is_lost(cloud: Cloud, hears: Listener, observed: Observation) -> None:
    draws = random.Random(7)
    hears.tell("go")
    for number in range(25):
        hears.put(f"{number}a")
        hears.put(f"{number}b")
        # Somewhere between an event that nobody took up yet and one that is done.
        time.sleep(draws.random())
        kill(cloud)
        cloud.restarted()
    wanted = {f"{number}{letter}" for number in range(25) for letter in "ab"}
    until(lambda: wanted <= set(hears.done()), "the last event")
    waiting = cloud.client("sqs").get_queue_attributes(QueueUrl=hears.dead_letters, AttributeNames=["All"])
    assert waiting["Attributes"]["ApproximateNumberOfMessages"] == "0"
    observed(f"{len(wanted)} events handled, 0 dead letters")


@pytest.mark.long
@pytest.mark.fault(
    "The server is killed after a schedule fired that is due once",
    "it does not fire again at the next start",
)
def test_a_schedule_fires_once(cloud: Cloud, role: str, observed: Observation) -> None:
    ends_at_once = {"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}

    def schedule() -> str:
        name = unique("once")
        machine = cloud.machine(name, ends_at_once, role)
        cloud.client("scheduler").create_schedule(
            Name=name,
            ScheduleExpression="at(2020-01-01T00:00:00)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": machine, "RoleArn": role},
        )
        until(lambda: fired(machine), "the execution of the schedule")
        return machine

    def fired(machine: str) -> list[Any]:
        return cloud.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]

    first = schedule()
    kill(cloud)
    cloud.restarted()
    # The one that is new fires in the same round in which the first would.
    schedule()
    assert len(fired(first)) == 1
    observed("one execution before and after the restart")


def _forget_announcement(state_dir: Path, arn: str) -> None:
    """Leave the journal as a crash leaves it that comes before the announcement."""
    journal = Journal(state_dir / "journal")
    journal.write([("announced", arn, "RUNNING/0")])
    journal.close()
