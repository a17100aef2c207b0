"""Events, messages and work that was interrupted."""

from __future__ import annotations

import io
import json
import os
import random
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from local_cloud import lifecycle
from tests.faults.conftest import Observation
from tests.faults.events import (
    Listener,
    end,
    ends_of,
    kill,
    listener,
    queue_for_events,
    rule,
    until,
    until_gone,
)
from tests.images.inputs import process_inputs, train_inputs
from tests.local_cloud.conftest import Cloud, start_cloud
from tests.local_cloud.tiny_images import (
    bucket,
    channel,
    log_lines,
    push,
    statements,
    training_request,
    unique,
    until_ended,
)

pytestmark = pytest.mark.xdist_group("deliveries")

SAGEMAKER = ["sagemaker:*Job", "sagemaker:AddTags", "sagemaker:ListTags", "iam:PassRole", "events:*", "states:*"]
LOG_GROUP = "/aws/sagemaker/TrainingJobs"
ROOT = Path(__file__).parents[2]
# Waits for `go` between the note that it sends and the sending.
TELLS = """
import os, pathlib, time
from lambdas import explain_failure

folder, topic = pathlib.Path(os.environ["FOLDER"]), explain_failure._sns()

class Waiting:
    def publish(self, **message):
        with (folder / "begun").open("a") as file:
            file.write("{}\\n")
        while not (folder / "go").exists():
            time.sleep(0.02)
        return topic.publish(**message)

explain_failure._sns = Waiting
handler = explain_failure.handler
"""
# The real training, which stops going on after its second checkpoint where it began without one.
RECIPE = """
import os, pathlib, sys, time
sys.path.insert(0, "ROOT")
from trainyard.contract import checkpoint

begun = list((pathlib.Path(os.environ["TRAINYARD_ML_ROOT"]) / "checkpoints").iterdir())
save, saved = checkpoint.save, []

def save_and_wait(path, arrays):
    save(path, arrays)
    saved.append(path)
    if os.environ["WAITS"] == "yes" and not begun and len(saved) == 2:
        print("waits for the end", flush=True)
        time.sleep(600)

checkpoint.save = save_and_wait
from training_container.main import main
sys.exit(main(sys.argv[1:]))
"""
SENT = {
    "FilterExpression": "#state = :sent",
    "ExpressionAttributeNames": {"#state": "state"},
    "ExpressionAttributeValues": {":sent": {"S": "sent"}},
}
# Says what it finds among its checkpoints, and works until it was interrupted often enough.
TRAINING = """
import os, pathlib, time
ml = pathlib.Path(os.environ["TRAINYARD_ML_ROOT"])
count = ml / "checkpoints" / "count"
found = int(count.read_text()) if count.exists() else 0
count.write_text(str(found + 1))
(ml / "model" / "starts").write_text(str(found + 1))
print("pid", os.getpid(), "found", found, flush=True)
time.sleep(0 if found >= int(os.environ["INTERRUPTIONS"]) else 600)
"""


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


@pytest.fixture(scope="module")
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
    machine = cloud.machine(unique("train"), _trains(request), role)
    arn = cloud.start(machine)
    pid = _pid(cloud, request["TrainingJobName"])
    leave(cloud)
    cloud.restarted()
    until_gone(pid)
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
    tells, inbox = _tells(cloud, tmp_path / "function")
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
    request = training(interruptions=2, **_spot(wait=600))
    name = request["TrainingJobName"]
    cloud.client("sagemaker").create_training_job(**request)
    for number in range(2):
        _pid(cloud, name, found=number)
        _take_machine_away(cloud, name, seconds="0")
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
    request = training(**_spot(run=5, wait=6))
    arn = cloud.start(cloud.machine(unique("spot"), _trains(request), role))
    _pid(cloud, request["TrainingJobName"])
    _take_machine_away(cloud, request["TrainingJobName"], seconds="600")
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
    os.kill(_pid(cloud, request["TrainingJobName"]), signal.SIGKILL)
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
    channels = _upload(cloud, store, tmp_path / "train" / "input" / "data")
    image = push(cloud, tmp_path / "image", RECIPE.replace("ROOT", str(ROOT)))
    job_role = cloud.role(unique("job"), "sagemaker.amazonaws.com", statements(store))

    def train(name: str, *, waits: str) -> dict[str, Any]:
        request = training_request(name, image=image, role=job_role, bucket_name=store, **_spot(wait=600))
        request |= {"InputDataConfig": channels, "HyperParameters": {"epochs": "4"}, "Environment": {"WAITS": waits}}
        request["CheckpointConfig"] = {"S3Uri": f"s3://{store}/checkpoints/{name}"}
        cloud.client("sagemaker").create_training_job(**request)
        return request

    interrupted, whole = unique("interrupted"), unique("whole")
    train(interrupted, waits="yes")
    until(lambda: _said(cloud, interrupted, "waits for the end"), "the second checkpoint")
    _take_machine_away(cloud, interrupted, seconds="0")
    train(whole, waits="no")
    steps = [each["Status"] for each in _completed(cloud, interrupted)["SecondaryStatusTransitions"]]
    assert steps.count("Interrupted") == 1
    assert _completed(cloud, whole)["SecondaryStatusTransitions"]
    first, second = (_arrays(cloud, store, name) for name in (interrupted, whole))
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


def _said(cloud: Cloud, job: str, text: str) -> bool:
    with suppress(cloud.client("logs").exceptions.ResourceNotFoundException):
        return any(text in each for each in log_lines(cloud, LOG_GROUP, f"{job}/"))
    return False


def _completed(cloud: Cloud, job: str) -> dict[str, Any]:
    done = until_ended(cloud, "Training", job, seconds=300)
    assert done["TrainingJobStatus"] == "Completed", done.get("FailureReason")
    return done


def _upload(cloud: Cloud, store: str, folder: Path) -> list[dict[str, Any]]:
    """Upload the channels of a training job; returns its InputDataConfig."""
    for file in (each for each in folder.rglob("*") if each.is_file()):
        cloud.client("s3").upload_file(str(file), store, f"channels/{file.relative_to(folder).as_posix()}")
    return [channel(each.name, f"s3://{store}/channels/{each.name}/") for each in sorted(folder.iterdir())]


def _arrays(cloud: Cloud, store: str, job: str) -> dict[str, np.ndarray]:
    """Every array of a trained model, by its file."""
    body = cloud.client("s3").get_object(Bucket=store, Key=f"out/{job}/output/model.tar.gz")["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        files = {each.name: archive.extractfile(each) for each in archive if each.name.endswith(".npy")}
        return {name: np.load(io.BytesIO(file.read())) for name, file in files.items() if file is not None}


def _tells(cloud: Cloud, folder: Path) -> tuple[Listener, str]:
    """The real function that explains failures, which waits for `go` before it sends; and what its topic sends to."""
    packages = [each for name in ("lambdas", "trainyard") for each in (ROOT / name).rglob("*.py")]
    code = {str(each.relative_to(ROOT)): each.read_text() for each in packages} | {"index.py": TELLS}
    topic = cloud.client("sns").create_topic(Name=unique("people"))["TopicArn"]
    inbox, inbox_arn = queue_for_events(cloud, unique("inbox"), service="sns.amazonaws.com")
    cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=inbox_arn)
    ledger = unique("ledger")
    cloud.client("dynamodb").create_table(
        TableName=ledger,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    allow = [{"Effect": "Allow", "Action": ["states:*", "dynamodb:*", "sns:Publish", "s3:*"], "Resource": "*"}]
    buckets = {"RAW_BUCKET": "none", "ARTIFACTS_BUCKET": "none", "CODE_VERSION": "1", "TAGS": "{}"}
    environment = {**buckets, "JOB_DEFAULTS": "{}", "LEDGER_TABLE": ledger, "TOPIC_ARN": topic}
    machine = f"arn:aws:states:us-east-1:000000000000:stateMachine:{ledger}"
    pattern = {"source": ["aws.states"], "detail": {"stateMachineArn": [machine], "status": ["FAILED"]}}
    made = listener(cloud, folder, name=ledger, code=code, pattern=pattern, allow=allow, environment=environment)
    return made, inbox


def _trains(request: dict[str, Any]) -> dict[str, Any]:
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync",
        "Arguments": request,
        "End": True,
    }
    return {"StartAt": "Train", "States": {"Train": task}}


def _spot(*, wait: int, run: int = 300) -> dict[str, Any]:
    condition = {"MaxRuntimeInSeconds": run, "MaxWaitTimeInSeconds": wait}
    return {"EnableManagedSpotTraining": True, "StoppingCondition": condition}


def _take_machine_away(cloud: Cloud, job: str, *, seconds: str) -> None:
    arn = f"arn:aws:sagemaker:us-east-1:000000000000:training-job/{job}"
    cloud.client("sagemaker").add_tags(ResourceArn=arn, Tags=[{"Key": "trainyard:spot-interruption", "Value": seconds}])


def _pid(cloud: Cloud, job: str, *, found: int = 0) -> int:
    """The process of a training job that found so many starts before its own."""
    missing = cloud.client("logs").exceptions.ResourceNotFoundException

    def said() -> list[str]:
        with suppress(missing):
            return [each for each in log_lines(cloud, LOG_GROUP, f"{job}/") if each.endswith(f"found {found}")]
        return []

    return int(until(said, f"start {found} of {job}")[0].split()[1])


def _forget_announcement(state_dir: Path, arn: str) -> None:
    """Leave the journal as a crash leaves it that comes before the announcement."""
    from local_cloud.journal.store import Journal

    journal = Journal(state_dir / "journal")
    journal.write([("announced", arn, "RUNNING/0")])
    journal.close()
