"""The command line."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from io import StringIO
from itertools import count
from pathlib import Path
from typing import Any

import boto3
import pytest
from pytest import MonkeyPatch

from lambdas import clients, gate
from local_cloud import lifecycle
from tests.cli import test_logs
from tests.cli.conftest import deployed_in_moto, leave_this_machine
from tests.cli.story import FakeStepFunctions, Story
from tests.cli.test_run_again import Workflow, folder, settings_of
from tests.cli.test_run_again import run as upload
from tests.faults.conftest import Observation
from tests.local_cloud.conftest import free_port
from trainyard.cli.command import target
from trainyard.cli.main import main
from trainyard.client.dataset import uploads
from trainyard.client.deployment import Deployment
from trainyard.client.execution.watch import Watch
from trainyard.errors import NotFound
from trainyard.run.environment import Environment

TRAINYARD = Path(sys.executable).with_name("trainyard")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What a shell without credentials and without a local cloud passes on."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return {**kept, "HOME": str(tmp_path), "TRAINYARD_STATE_DIR": str(tmp_path / "state"), "PYTHONUTF8": "1"}


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: MonkeyPatch, tmp_path: Path) -> None:
    leave_this_machine(monkeypatch, tmp_path)


@pytest.fixture
def step_functions() -> FakeStepFunctions:
    return FakeStepFunctions()


@pytest.fixture
def deployment(step_functions: FakeStepFunctions) -> Iterator[Deployment]:
    with deployed_in_moto(step_functions) as found:
        yield found


def call(
    environment: dict[str, str], *arguments: str, to: int = subprocess.PIPE, before: Callable[[], None] | None = None
) -> tuple[int, str]:
    """Exit code and standard error of a command line that is run as a person runs it."""
    ended = subprocess.run(
        [str(TRAINYARD), *arguments],
        env=environment,
        cwd=environment["HOME"],
        stdin=subprocess.DEVNULL,
        stdout=to,
        stderr=subprocess.PIPE,
        preexec_fn=before,
        timeout=120,
    )
    return ended.returncode, ended.stderr.decode()


def one_sentence(said: str) -> str:
    """What was said, once it is seen to be no traceback."""
    assert "Traceback" not in said
    assert "Exception ignored" not in said
    assert said.count("\n") == 1, said
    return said.strip()


@pytest.mark.fault("the disk is full that a command's output goes to", "one sentence that says so, and exit code 1")
def test_output_to_a_full_disk(environment: dict[str, str], observed: Observation) -> None:
    with Path("/dev/full").open("wb") as full:
        code, said = call(environment, "definition", to=full.fileno())
    assert one_sentence(said) == "No space left on device. Make room on that disk, and call it again."
    assert code == 1
    observed(f"exit code {code}: {one_sentence(said)}")


@pytest.mark.fault(
    "whoever reads a command's output goes away (`trainyard recipes RECIPE` into `head`)",
    "silence, and the exit code of a broken pipe",
)
@pytest.mark.parametrize("arguments", [("recipes", "prod2vec"), ("definition",)])
def test_nobody_reads_the_output(
    environment: dict[str, str], observed: Observation, arguments: tuple[str, ...]
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        code, said = call(environment, *arguments, to=writer)
    finally:
        os.close(writer)
    assert (code, said) == (141, "")
    observed(f"exit code {code}, nothing said")


@pytest.mark.fault("a command is started without standard output", "it works all the same")
def test_closed_output(environment: dict[str, str], observed: Observation) -> None:
    code, said = call(environment, "recipes", before=lambda: os.close(1))
    assert (code, said) == (0, "")
    observed(f"exit code {code}, nothing said")


@pytest.mark.fault("run.json is a folder", "a sentence that names it, and exit code 1; nothing is uploaded")
def test_a_folder_in_place_of_a_file(environment: dict[str, str], tmp_path: Path, observed: Observation) -> None:
    (tmp_path / "data" / "run.json").mkdir(parents=True)
    code, said = call(environment, "run", "prod2vec", "--data", "data")
    assert one_sentence(said) == "data/run.json: Is a directory. Name a file instead of a folder."
    assert code == 1
    observed(f"exit code {code}: {one_sentence(said)}")


@pytest.mark.fault("a sample is to be written where a file is in the way", "a sentence that names it, and exit code 1")
def test_a_file_in_place_of_a_folder(environment: dict[str, str], tmp_path: Path, observed: Observation) -> None:
    (tmp_path / "file").touch()
    code, said = call(environment, "sample", "prod2vec", "--size", "1k", "--out", "file/data")
    assert "file" in one_sentence(said)
    assert "Not a directory. Name a folder instead of a file." in said
    assert code == 1
    observed(f"exit code {code}: Not a directory. Name a folder instead of a file.")


@pytest.mark.fault(
    "a file grows past what the system allows while a sample is written",
    "one sentence, exit code 1, and no half sample left",
)
def test_the_disk_fills_up(environment: dict[str, str], tmp_path: Path, observed: Observation) -> None:
    def small() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    # The limit holds for the interpreter too: what it compiles would be cut off where others read it.
    limited = {**environment, "PYTHONDONTWRITEBYTECODE": "1"}
    code, said = call(limited, "sample", "prod2vec", "--size", "100k", "--out", "data", before=small)
    assert one_sentence(said).startswith("File too large.")
    assert code == 1
    left = sorted(each.name for each in tmp_path.iterdir())
    assert left == []
    observed(f"exit code {code}: {one_sentence(said)} {len(left)} files left")


@pytest.mark.fault("Ctrl-C while a sample is written", "exit code 130, no traceback, and no half sample left")
@pytest.mark.usefixtures("interruptible")
def test_interrupted(environment: dict[str, str], tmp_path: Path, observed: Observation) -> None:
    arguments = ["sample", "prod2vec", "--size", "50M", "--out", "data"]
    with subprocess.Popen(
        [str(TRAINYARD), *arguments],
        env=environment,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while not list(tmp_path.glob(".data.partial/*")):
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in said
    left = sorted(each.name for each in tmp_path.iterdir())
    assert left == []
    observed(f"exit code {process.returncode}, {len(left)} files left")


@pytest.mark.fault("a path that is no text in this machine's encoding", "it is shown with escapes, exit code 4")
def test_a_path_that_is_no_text(environment: dict[str, str], observed: Observation) -> None:
    code, said = call(environment, "run", "prod2vec", "--data", os.fsdecode(b"/no\xff"))
    assert one_sentence(said) == r"Expected a folder with the recipe's files, found none at /no\udcff."
    assert code == 4
    observed(f"exit code {code}: {one_sentence(said)}")


@pytest.mark.fault("a terminal that knows ASCII only", "what it cannot show is shown with escapes")
def test_ascii_only(environment: dict[str, str], observed: Observation) -> None:
    ascii_only = {
        **environment,
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONIOENCODING": "ascii",
        "PYTHONCOERCECLOCALE": "0",
    }
    code, said = call(ascii_only, "run", "prod2vec", "--dataset", "…" * 3)
    assert r"found '" in one_sentence(said)
    assert code == 2
    observed(f"exit code {code}, no traceback")


NAMES = {
    "of two dots": "..",
    "that is empty": "",
    "with a slash": "a/b",
    "with control characters": "a\x07\x1b[31mb",
    "of 300 characters": "a" * 300,
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name,
            marks=pytest.mark.fault(f"a data set name {what}", "refused with the pattern it must have, exit code 2"),
        )
        for what, name in NAMES.items()
    ],
    ids=range(len(NAMES)),
)
def test_names_of_data_sets(
    name: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, observed: Observation
) -> None:
    for command in (["run", "prod2vec"], ["score", "prod2vec"]):
        code = main([*command, "--dataset", name])
        said = capfd.readouterr().err
        rule = "Expected a data set name of 1 to 100 letters, digits, spaces or _ . : = + - @"
        assert one_sentence(said).startswith(rule)
        assert "\x1b" not in said
        assert code == 2
    observed(f"exit code {code}: {rule}, …")


@pytest.mark.fault("a setting of 90,000 nested brackets", "one sentence, exit code 2")
def test_brackets(capfd: pytest.CaptureFixture[str], observed: Observation) -> None:
    code = main(["run", "prod2vec", "--set", "seed=" + "[" * 90_000])
    said = one_sentence(capfd.readouterr().err)
    assert said == "--set seed: expected JSON of at most 32 levels, found 90000 characters."
    assert code == 2
    observed(f"exit code {code}: {said}")


@pytest.mark.fault(
    "a data set is uploaded again under the same name, the earlier one with settings of its own",
    "one execution trains, on the newest files and without the earlier settings",
)
def test_the_same_name_again(
    deployment: Deployment, tmp_path: Path, monkeypatch: MonkeyPatch, observed: Observation
) -> None:
    monkeypatch.setattr(Watch, "wait", lambda self, done: done)
    workflow = Workflow(deployment)
    names = ("links.csv", "movies.csv", "ratings.csv", "tags.csv")
    upload(workflow, "two_tower", folder(tmp_path, *names, content="old"), "seed=3")
    first = workflow.trained()
    newest = upload(workflow, "two_tower", folder(tmp_path, *names, content="new"))
    second = workflow.trained()
    seeds = [settings_of(workflow, each)["seed"] for each in (*first, *second)]
    assert seeds == [3, 42]
    assert second[0].objects == newest
    observed(
        f"{len(first)} and then {len(second)} execution trained; seed {seeds[0]}, then the recipe's own {seeds[1]}"
    )


@pytest.mark.fault(
    "a warm Lambda function fails for two executions, one after the other, in one log stream",
    "`trainyard logs EXECUTION --state Gate` shows the lines of that execution alone",
)
def test_the_log_of_a_warm_function(
    deployment: Deployment,
    step_functions: FakeStepFunctions,
    monkeypatch: MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    observed: Observation,
) -> None:
    monkeypatch.setattr(target, "deployed", lambda **_: deployment)
    names = {"raw_bucket": deployment.raw_bucket, "artifacts_bucket": deployment.artifacts_bucket}
    own = Environment(**names, ledger_table="ledger", topic_arn="topic", code_version="1")
    monkeypatch.setattr(clients.environment, "read", lambda: own)
    monkeypatch.setattr(clients, "s3", lambda: deployment.target.client("s3"))
    # Powertools took hold of the output when the function was loaded.
    monkeypatch.setattr(gate.logger.registered_handler, "stream", written := StringIO())
    for number in ("r1", "r2"):
        written.write(f"START RequestId: {number} Version: $LATEST\n")
        with pytest.raises(NotFound):
            gate.handler({"run": {"recipe": "prod2vec", "run_id": number}, "champion": {}}, None)
        written.write(f"[ERROR] NotFound of {number}\nEND RequestId: {number}\nREPORT RequestId: {number}\n")
    monkeypatch.setattr(test_logs, "clock", count(5000))
    test_logs.write(deployment, "/aws/lambda/gate", "x", *written.getvalue().splitlines())
    story = Story()
    story.resolved({"outcome": "train", "reason": "complete", "run_id": "r2", "prefix": "prod2vec/r2"})
    story.enter("Gate")
    story.schedule("invoke", {"FunctionName": "gate"})
    story.fail("NotFound", "nothing there")
    step_functions.put("e2", story, status="FAILED")
    assert main(["logs", "e2", "--state", "Gate"]) == 0
    shown = capsys.readouterr().out
    assert "NotFound of r2" in shown
    assert "r1" not in shown
    observed(f"{len(shown.splitlines())} lines, all of its own request")


@pytest.mark.fault(
    "the raw bucket is gone while files are uploaded", "one sentence that names what was refused, exit code 1"
)
def test_a_refused_upload(
    deployment: Deployment,
    tmp_path: Path,
    monkeypatch: MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    observed: Observation,
) -> None:
    monkeypatch.setattr(target, "deployed", lambda **_: deployment)
    monkeypatch.setattr(uploads, "remove_earlier", lambda *_, **__: [])
    deployment.target.client("s3").delete_bucket(Bucket=deployment.raw_bucket)
    data = folder(tmp_path, "Reviews.csv")
    code = main(["run", "neural_topic_model", "--data", str(data)])
    said = one_sentence(capsys.readouterr().err)
    assert "PutObject was refused: NoSuchBucket" in said
    assert code == 1
    observed(f"exit code {code}: PutObject was refused: NoSuchBucket, …")


@pytest.mark.fault("a document of a run is cut off", "one sentence that names it, exit code 1")
def test_a_broken_document(
    deployment: Deployment,
    step_functions: FakeStepFunctions,
    monkeypatch: MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    observed: Observation,
) -> None:
    monkeypatch.setattr(target, "deployed", lambda **_: deployment)
    key = "prod2vec/r1/resolve/request.json"
    deployment.target.client("s3").put_object(Bucket=deployment.artifacts_bucket, Key=key, Body=b'{"execution_arn": ')
    code = main(["logs", "r1"])
    said = one_sentence(capsys.readouterr().err)
    assert said.startswith(f"Expected JSON at s3://artifacts-bucket/{key}, found other content")
    assert code == 1
    observed(f"exit code {code}: Expected JSON at s3://artifacts-bucket/{key}, found other content …")


@pytest.mark.fault(
    "the local cloud is killed while `trainyard run` waits for the execution that its upload starts",
    "one sentence that says it cannot be reached, exit code 1",
)
def test_the_service_is_killed(environment: dict[str, str], tmp_path: Path, observed: Observation) -> None:
    cloud = lifecycle.up(tmp_path / "state", free_port())
    try:
        deploy(lifecycle.environment(cloud))
        data = folder(tmp_path, "Reviews.csv")
        with subprocess.Popen(
            [str(TRAINYARD), "run", "neural_topic_model", "--data", str(data)],
            env=environment,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            assert "Uploaded" in process.stdout.readline()
            os.kill(cloud.pid, signal.SIGKILL)
            _, said = process.communicate(timeout=300)
    finally:
        lifecycle.down(tmp_path / "state")
    assert one_sentence(said).startswith("Could not connect to the endpoint URL")
    assert process.returncode == 1
    observed(f"exit code {process.returncode}: Could not connect to the endpoint URL …")


def deploy(variables: dict[str, str]) -> None:
    """The stacks' outputs, a bucket and a state machine: all that `run` asks for."""

    def client(service: str) -> Any:
        make: Any = boto3.client
        return make(
            service,
            endpoint_url=variables["AWS_ENDPOINT_URL"],
            verify=variables["AWS_CA_BUNDLE"],
            aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
            region_name=variables["AWS_REGION"],
        )

    client("s3").create_bucket(Bucket="raw")
    client("iam").create_role(RoleName="machine", AssumeRolePolicyDocument="{}")
    machine = client("stepfunctions").create_state_machine(
        name="training",
        definition=json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}),
        roleArn="arn:aws:iam::000000000000:role/machine",
    )
    outputs = {
        "RawBucketName": "raw",
        "ArtifactsBucketName": "artifacts",
        "LedgerTableName": "ledger",
        "TopicArn": "topic",
        "StateMachineArn": machine["stateMachineArn"],
    }
    template = {
        "Resources": {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}},
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }
    formation = client("cloudformation")
    for part in ("data", "workflow"):
        formation.create_stack(StackName=f"trainyard-dev-{part}", TemplateBody=json.dumps(template))
        formation.get_waiter("stack_create_complete").wait(
            StackName=f"trainyard-dev-{part}", WaiterConfig={"Delay": 0.1, "MaxAttempts": 600}
        )
