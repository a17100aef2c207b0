"""The deployed local stack: one local cloud and one real `cdk deploy` for the whole test session.

Both are those of the project's wheel in an environment of its own, beside the wheel of a package with a recipe.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest

from local_cloud import lifecycle
from recipes.prod2vec import sample
from tests.installed import Installed, install
from tests.lambdas.receiver import Receiver, receiving
from tests.recipes import tabular_table
from trainyard.stages.explain_failure.asked import asked_for

ROOT = Path(__file__).resolve().parents[2]
# The recipe from outside, its package, and what it was made from and learns.
CUSTOMERS, OUTSIDE, CUSTOMER_FILE = "customers", "acme-recipes", "customers.csv"
FINAL = {"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"}
# Small and quick, but enough for the planted structure to be learned.
QUICK = {
    "hyperparameters": {"epochs": 8, "embedding_size": 32, "basket_scorer": "vectors"},
    "gate": {"minimum": {"hit_rate_at_10": 0.0}, "beat": []},
}


@dataclass(frozen=True)
class Stack:
    """The deployed workflow, reached as any user reaches it: with boto3."""

    session: boto3.Session
    endpoint: str
    ca_bundle: str
    outputs: dict[str, str]
    inbox: str
    environment: dict[str, str]
    receiver: Receiver
    installed: Installed
    received: list[dict[str, Any]] = field(default_factory=list)

    def client(self, name: str) -> Any:
        return self.session.client(name, endpoint_url=self.endpoint, verify=self.ca_bundle)

    def upload(self, dataset: str, files: dict[str, bytes | Path], *, recipe: str = "prod2vec") -> dict[str, str]:
        """Upload files in the given order and return their version ids by name."""
        versions = {}
        for name, content in files.items():
            body = content.read_bytes() if isinstance(content, Path) else content
            key = f"raw/{recipe}/{dataset}/{name}"
            versions[name] = self.client("s3").put_object(Bucket=self.outputs["RawBucketName"], Key=key, Body=body)[
                "VersionId"
            ]
        return versions

    def executions(self, dataset: str) -> list[dict[str, Any]]:
        """Executions whose input names the data set, newest first."""
        states = self.client("stepfunctions")
        pages = states.get_paginator("list_executions").paginate(stateMachineArn=self.outputs["StateMachineArn"])
        described = [
            states.describe_execution(executionArn=each["executionArn"])
            for page in pages
            for each in page["executions"]
        ]
        return [each for each in described if _dataset(json.loads(each["input"])) == dataset]

    def history(self, arn: str) -> list[dict[str, Any]]:
        pages = self.client("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=arn)
        return [event for page in pages for event in page["events"]]

    def entered(self, arn: str) -> list[str]:
        """Names of the states an execution entered, in order."""
        return [
            each["stateEnteredEventDetails"]["name"] for each in self.history(arn) if "stateEnteredEventDetails" in each
        ]

    def plan(self, arn: str) -> dict[str, Any]:
        """What Resolve answered last, or {} while it has not."""
        exited = [each["stateExitedEventDetails"] for each in self.history(arn) if "stateExitedEventDetails" in each]
        answers = [each["output"] for each in exited if each["name"] == "Resolve request"]
        return json.loads(answers[-1]) if answers else {}

    def training_execution(self, dataset: str, *, timeout: float = 60) -> str:
        """The one execution that works on the newest upload of the data set."""
        return wait(
            lambda: next(
                (
                    e["executionArn"]
                    for e in self.executions(dataset)
                    if self.plan(e["executionArn"]).get("outcome") == "train"
                ),
                None,
            ),
            timeout=timeout,
            what=f"an execution that trains on {dataset}",
        )

    def finish(self, arn: str, *, timeout: float = 400) -> dict[str, Any]:
        """Wait for the end of an execution and describe it."""
        states = self.client("stepfunctions")

        def ended() -> dict[str, Any] | None:
            described = states.describe_execution(executionArn=arn)
            return described if described["status"] in FINAL else None

        return wait(ended, timeout=timeout, what=f"the end of {arn}")

    def run(self, dataset: str, files: dict[str, bytes | Path], **overrides: Any) -> tuple[str, dict[str, Any]]:
        """Upload run.json, the files and that they are complete, follow what they start, return (ARN, description)."""
        self.upload(dataset, {"run.json": json.dumps(overrides).encode(), **files, "_READY": b""})
        arn = self.training_execution(dataset)
        return arn, self.finish(arn)

    def messages(self, containing: str, *, timeout: float = 20) -> dict[str, Any]:
        """The notification whose text contains something; others are kept for whoever asks for them."""

        def find() -> dict[str, Any] | None:
            self.receive()
            found = next((each for each in self.received if containing in each["Message"]), None)
            if found:
                self.received.remove(found)
            return found

        return wait(find, timeout=timeout, what=f"a notification containing {containing!r}")

    def receive(self) -> None:
        """Take every notification out of the inbox: what stays there hides those behind the first ten."""
        queue = self.client("sqs")
        while arrived := queue.receive_message(QueueUrl=self.inbox, MaxNumberOfMessages=10).get("Messages"):
            for each in arrived:
                self.received.append(json.loads(each["Body"]))
                queue.delete_message(QueueUrl=self.inbox, ReceiptHandle=each["ReceiptHandle"])

    def artifact(self, arn: str, name: str) -> bytes:
        key = f"{self.plan(arn)['prefix']}/{name}"
        return self.client("s3").get_object(Bucket=self.outputs["ArtifactsBucketName"], Key=key)["Body"].read()

    def champion(self, model: str = "prod2vec") -> str | None:
        item = (
            self.client("dynamodb")
            .get_item(TableName=self.outputs["LedgerTableName"], Key={"id": {"S": f"champion/{model}"}})
            .get("Item")
        )
        return item["run_id"]["S"] if item else None

    def forget_champion(self) -> None:
        """As before the first model; other modules may have trained on this stack."""
        self.client("dynamodb").delete_item(
            TableName=self.outputs["LedgerTableName"], Key={"id": {"S": "champion/prod2vec"}}
        )

    def models(self) -> list[dict[str, str]]:
        """Name and archive of every created model."""
        sagemaker = self.client("sagemaker")
        names = [each["ModelName"] for each in sagemaker.list_models()["Models"]]
        described = [sagemaker.describe_model(ModelName=name) for name in names]
        return [{"name": each["ModelName"], "data": each["PrimaryContainer"]["ModelDataUrl"]} for each in described]

    def packages(self, model: str = "prod2vec") -> list[dict[str, Any]]:
        group = self.client("sagemaker").list_model_package_groups()["ModelPackageGroupSummaryList"]
        name = next(each["ModelPackageGroupName"] for each in group if each["ModelPackageGroupName"].endswith(model))
        return self.client("sagemaker").list_model_packages(ModelPackageGroupName=name)["ModelPackageSummaryList"]


def wait(condition: Callable[[], Any], *, timeout: float, what: str) -> Any:
    """Poll until the condition gives something; fails the test when the time is over."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if (value := condition()) is not None:
            return value
        time.sleep(0.5)
    raise AssertionError(f"waited {timeout} s for {what}")


def _dataset(request: dict[str, Any]) -> str:
    """The data set an execution was started for: by hand, by the key of an upload, or by a decision on a version."""
    return asked_for(request)[1]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    """The program that the deployment posts its messages to."""
    with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The project's wheel, and that of a package with a recipe, which the command line has written."""
    folder = tmp_path_factory.mktemp("installed")
    made = install(folder)
    (made.folder / "data").mkdir()
    tabular_table.write(made.folder / "data" / CUSTOMER_FILE, "churned", rows=600)
    table = ["--from", f"data/{CUSTOMER_FILE}", "--target", "churned"]
    _done(made.call("new", CUSTOMERS, *table, "--package", OUTSIDE, variables=os.environ))
    made.install(made.folder / OUTSIDE, folder)
    return made


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver, installed: Installed) -> Iterator[Stack]:
    state_dir = tmp_path_factory.mktemp("cloud")
    own = {**os.environ, "TRAINYARD_STATE_DIR": str(state_dir)}
    _done(installed.call("up", "--no-console", "--port", str(_free_port()), variables=own))
    try:
        cloud = lifecycle.up(state_dir)
        environment = {**own, **lifecycle.environment(cloud)}
        _done(installed.call(*_deploy(receiver), variables=environment))
        # Whatever the tests ask of the stack from here on, they ask of what a killed server had kept.
        os.kill(cloud.pid, signal.SIGKILL)
        while lifecycle.status(state_dir):
            time.sleep(0.01)
        cloud = lifecycle.up(state_dir, int(cloud.endpoint.rpartition(":")[2]))
        yield _stack(cloud, environment, receiver=receiver, installed=installed)
        # All that the tests' runs have made goes with the environment.
        _done(_call(environment, "destroy", "--yes", cwd=ROOT))
    finally:
        lifecycle.down(state_dir)


def _call(environment: dict[str, str], *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("trainyard")
    return subprocess.run([program, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=300)


def _done(call: subprocess.CompletedProcess[str]) -> None:
    assert call.returncode == 0, call.stdout[-4000:] + call.stderr[-4000:]


def _deploy(receiver: Receiver) -> tuple[str, ...]:
    return ("deploy", "--api", "--capture", "0", "--webhook", receiver.url)


def trainyard(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Call a command of the command line."""
    return _call(stack.environment, *arguments, cwd=ROOT)


def deploy(stack: Stack, *, cwd: Path | None = None) -> None:
    """Deploy another time what is installed, or what is in a folder; the tests go on with what there is then."""
    arguments = _deploy(stack.receiver)
    if cwd is None:
        _done(stack.installed.call(*arguments, variables=stack.environment))
    else:
        _done(_call(stack.environment, *arguments, cwd=cwd))
    stack.outputs.update(_outputs(stack.client))
    _listen(stack.client, stack.outputs["TopicArn"])


def _stack(
    cloud: lifecycle.LocalCloud, environment: dict[str, str], *, receiver: Receiver, installed: Installed
) -> Stack:
    session = boto3.Session(
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        region_name=cloud.region,
    )
    client = lambda name: session.client(name, endpoint_url=cloud.endpoint, verify=cloud.ca_bundle)  # noqa: E731
    outputs = _outputs(client)
    inbox = _listen(client, outputs["TopicArn"])
    return Stack(session, cloud.endpoint, cloud.ca_bundle, outputs, inbox, environment, receiver, installed)


def _outputs(client: Callable[[str], Any]) -> dict[str, str]:
    return {
        each["OutputKey"]: each["OutputValue"]
        for name in ("trainyard-dev-data", "trainyard-dev-workflow")
        for each in client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]["Outputs"]
    }


def _listen(client: Callable[[str], Any], topic_arn: str) -> str:
    """Have a topic's messages in the inbox, whose URL it returns."""
    inbox = client("sqs").create_queue(QueueName="inbox")["QueueUrl"]
    inbox_arn = client("sqs").get_queue_attributes(QueueUrl=inbox, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": inbox_arn,
            }
        ],
    }
    client("sqs").set_queue_attributes(QueueUrl=inbox, Attributes={"Policy": json.dumps(policy)})
    known = client("sns").list_subscriptions_by_topic(TopicArn=topic_arn)["Subscriptions"]
    if inbox_arn not in {each["Endpoint"] for each in known}:
        client("sns").subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=inbox_arn)
    return str(inbox)


@pytest.fixture(scope="session")
def customers(stack: Stack) -> tuple[str, dict[str, Any]]:
    """The execution that trained the recipe from outside, scored what it learned from and put the model into service.

    Started by the command line of the wheel, in a folder without a clone.
    """
    settings = ("score.enabled=true", "score.chunk_rows=200", "deploy.enabled=true", "deploy.memory_mb=1024")
    assigned = [word for each in settings for word in ("--set", each)]
    command = ("run", CUSTOMERS, "--data", "data", "--dataset", "learned", *assigned)
    _done(stack.installed.call(*command, variables=stack.environment))
    arn = stack.training_execution("learned")
    return arn, stack.finish(arn)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A small generated data set of prod2vec, source files by name."""
    folder = tmp_path_factory.mktemp("sample")
    sample.write(folder, size=20_000, seed=1)
    return {each.name: each for each in sorted(folder.iterdir())}
