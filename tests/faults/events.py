"""A local cloud that is killed again and again, with a function, a rule and a queue that hear of events."""

from __future__ import annotations

import io
import json
import os
import signal
import time
import uuid
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_cloud import lifecycle
from tests.local_cloud.conftest import Cloud
from tests.local_cloud.processes import runs

SECONDS = 60.0
ROOT = Path(__file__).parents[2]

# Writes down that it began, waits until it may go on, fails where it is told to, and writes down that it is done.
FUNCTION = """
import json, os, pathlib, time

def handler(event, context):
    folder = pathlib.Path(os.environ["FOLDER"])
    with (folder / "begun").open("a") as file:
        file.write(json.dumps({"request": context.aws_request_id, "pid": os.getpid()}) + "\\n")
    while not (folder / "go").exists():
        time.sleep(0.02)
    if (folder / "fail").exists():
        raise ValueError("told to fail")
    with (folder / "done").open("a") as file:
        file.write(event["detail"]["number"] + "\\n")
"""
HEARS = {"index.py": FUNCTION}
# Waits for `go` between the note that it sends and the sending.
TELLS = """
import os, pathlib, time
from lambdas import explain_failure

folder, client = pathlib.Path(os.environ["FOLDER"]), explain_failure._client
topic = client("sns")

class Waiting:
    def publish(self, **message):
        with (folder / "begun").open("a") as file:
            file.write("{}\\n")
        while not (folder / "go").exists():
            time.sleep(0.02)
        return topic.publish(**message)

explain_failure._client = lambda service: Waiting() if service == "sns" else client(service)
handler = explain_failure.handler
"""


def until(condition: Callable[[], Any], what: str) -> Any:
    """Wait for a condition that comes sooner or later; returns what it gave."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError(f"{what} did not come within {SECONDS:.0f} s")


def kill(cloud: Cloud) -> None:
    """End the server as a crash does."""
    os.kill(cloud.cloud.pid, signal.SIGKILL)
    until(lambda: lifecycle.status(cloud.state_dir) is None, "the end of the server")


def end(cloud: Cloud) -> None:
    """End the server in an orderly way."""
    assert lifecycle.down(cloud.state_dir)


@dataclass(frozen=True)
class Listener:
    """A function that waits for `go`; a rule calls it for events of the source `source`."""

    cloud: Cloud
    name: str
    arn: str
    folder: Path
    source: str
    dead_letters: str

    def put(self, number: str) -> None:
        """Put an event on the bus."""
        entry = {"Source": self.source, "DetailType": "told", "Detail": json.dumps({"number": number})}
        assert self.cloud.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0

    def tell(self, *files: str) -> None:
        """Let the function go on ("go"), or fail ("fail")."""
        for name in files:
            (self.folder / name).touch()

    def begun(self, count: int = 1) -> list[Mapping[str, Any]]:
        """How the function began, each time, once it has begun so often."""
        return until(lambda: (found := self._begun())[count - 1 :] and found, f"attempt {count}")

    def done(self) -> list[str]:
        """The events that the function was done with, once there is one."""
        return until(lambda: _lines(self.folder / "done"), "the end of the function")

    def letters(self) -> list[Mapping[str, Any]]:
        """What lies in the dead letter queue, once there is something."""
        sqs = self.cloud.client("sqs")
        request = {"MessageAttributeNames": ["All"], "MaxNumberOfMessages": 10, "VisibilityTimeout": 0}
        return until(
            lambda: sqs.receive_message(QueueUrl=self.dead_letters, **request).get("Messages"), "a dead letter"
        )

    def _begun(self) -> list[Mapping[str, Any]]:
        return [json.loads(each) for each in _lines(self.folder / "begun")]


def listener(
    cloud: Cloud,
    folder: Path,
    *,
    name: str = "",
    code: Mapping[str, str] = HEARS,
    pattern: Mapping[str, Any] | None = None,
    allow: Sequence[Mapping[str, Any]] = (),
    environment: Mapping[str, str] | None = None,
) -> Listener:
    """Make a function of these files, its rule and their dead letter queue; without a pattern it hears of `put`."""
    folder.mkdir()
    name = name or f"listener-{uuid.uuid4().hex[:8]}"
    queue, queue_arn = queue_for_events(cloud, name)
    may = [{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue_arn}, *allow]
    arn = cloud.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.12",
        Handler="index.handler",
        Role=cloud.role(name, "lambda.amazonaws.com", may),
        Code={"ZipFile": _packed(code)},
        Timeout=60,
        Environment={"Variables": {"FOLDER": str(folder), **(environment or {})}},
        DeadLetterConfig={"TargetArn": queue_arn},
    )["FunctionArn"]
    target = {"Id": "function", "Arn": arn, "DeadLetterConfig": {"Arn": queue_arn}}
    rule(cloud, name, pattern or {"source": [name]}, target=target)
    return Listener(cloud, name, arn, folder, name, queue)


def teller(cloud: Cloud, folder: Path) -> tuple[Listener, str]:
    """The real function that explains failures, which waits for `go` before it sends; and what its topic sends to."""
    packages = [each for name in ("lambdas", "trainyard") for each in (ROOT / name).rglob("*.py")]
    code = {str(each.relative_to(ROOT)): each.read_text() for each in packages} | {"index.py": TELLS}
    topic = cloud.client("sns").create_topic(Name=f"people-{uuid.uuid4().hex[:8]}")["TopicArn"]
    inbox, inbox_arn = queue_for_events(cloud, f"inbox-{uuid.uuid4().hex[:8]}", service="sns.amazonaws.com")
    cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=inbox_arn)
    ledger = f"ledger-{uuid.uuid4().hex[:8]}"
    cloud.client("dynamodb").create_table(
        TableName=ledger,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    allow = [{"Effect": "Allow", "Action": ["states:*", "dynamodb:*", "sns:Publish", "s3:*"], "Resource": "*"}]
    buckets = {"RAW_BUCKET": "none", "ARTIFACTS_BUCKET": "none", "CODE_VERSION": "1", "TAGS": "{}"}
    environment = {
        **buckets,
        "JOB_DEFAULTS": "{}",
        "SETTLING_SECONDS": "0",
        "PREFIX": "trainyard-dev",
        "POLICY": "{}",
        "LEDGER_TABLE": ledger,
        "TOPIC_ARN": topic,
    }
    machine = f"arn:aws:states:us-east-1:000000000000:stateMachine:{ledger}"
    pattern = {"source": ["aws.states"], "detail": {"stateMachineArn": [machine], "status": ["FAILED"]}}
    made = listener(cloud, folder, name=ledger, code=code, pattern=pattern, allow=allow, environment=environment)
    return made, inbox


def rule(cloud: Cloud, name: str, pattern: Mapping[str, Any], *, target: Mapping[str, Any]) -> None:
    """Send the events of a pattern to a target."""
    events = cloud.client("events")
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    assert events.put_targets(Rule=name, Targets=[target])["FailedEntryCount"] == 0


def queue_for_events(cloud: Cloud, name: str, *, service: str = "events.amazonaws.com") -> tuple[str, str]:
    """A queue that EventBridge, or another service, may send to: its URL and ARN."""
    sqs = cloud.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    return url, arn


def ends_of(cloud: Cloud, queue: str, arn: str) -> list[Mapping[str, Any]]:
    """The ends of one execution that were announced to a queue, once there is one."""
    sqs = cloud.client("sqs")

    def found() -> list[Mapping[str, Any]]:
        request = {"MaxNumberOfMessages": 10, "VisibilityTimeout": 0}
        messages = sqs.receive_message(QueueUrl=queue, **request).get("Messages", [])
        details = [json.loads(each["Body"])["detail"] for each in messages]
        return [each for each in details if each["executionArn"] == arn]

    return until(found, "the end of the execution on the bus")


def until_gone(pid: int) -> None:
    """Wait for the end of a process."""
    until(lambda: not runs(pid), f"the end of process {pid}")


def _packed(code: Mapping[str, str]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in code.items():
            archive.writestr(name, text)
    return packed.getvalue()


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []
