"""Reasons.

Every job, function and state is made to fail on a real local cloud; what people are told must name the reason itself.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lambdas import environment as lambda_environment
from local_cloud import launch, lifecycle
from local_cloud.jobs.execution import algorithm_error
from local_cloud.jobs.process import Outcome
from recipes.propensity.config import CONFIG as PROPENSITY
from state_machines.definition import RETRIES
from state_machines.faults import COUNTER, catcher, pause
from tests.faults.conftest import Observation
from tests.faults.failing_jobs import ROOT, RUN_ID, Yard, reason
from tests.images.inputs import request
from tests.local_cloud.conftest import Cloud, start_cloud
from tests.local_cloud.tiny_images import push, training_request, unique
from trainyard.cli.main import main
from trainyard.client.execution import going_on
from trainyard.client.execution.executions import describe
from trainyard.contract.config import to_mapping
from trainyard.contract.quality import QUALITY_FILE, Quality
from trainyard.run.failure import key_of
from trainyard.run.naming import LIVE
from trainyard.run.plan import NextStep
from trainyard.run.stage import Stage
from trainyard.stages.explain_failure.cause import reason_of
from trainyard.stages.resolve.resolve import resolve

INGEST, PREPARE, REGISTER = (ROOT / "glue_jobs" / f"{name}.py" for name in ("ingest", "prepare", "register"))
SECRET = {"username": "ann_the_reader", "password": "s3cr&t/word", "host": "db.internal", "port": "3306"}
LEAKS = "nanobind"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A local cloud whose Glue minutes last two seconds, so that a limit is reached."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRAINYARD_GLUE_MINUTE_SECONDS", "2")
        patch.setattr(launch, "INHERITED", (*launch.INHERITED, "TRAINYARD_GLUE_MINUTE_SECONDS"))
        running = start_cloud(tmp_path_factory.mktemp("reasons"))
        yield running
        lifecycle.down(running.state_dir)


@pytest.fixture(scope="module")
def image(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of an image that only sleeps."""
    return push(
        cloud, tmp_path_factory.mktemp("sleeper"), "import time\nprint('asleep', flush=True)\ntime.sleep(120)\n"
    )


@pytest.fixture
def yard(cloud: Cloud) -> Yard:
    """A new run of its own, as Resolve leaves one."""
    made = Yard.on(cloud)
    made.new_run()
    return made


def patient(**more: Any) -> dict[str, Any]:
    """A job whose limit is far away, in minutes of two seconds."""
    return {"Timeout": 300, **more}


def told(yard: Yard, execution: str, *parts: str) -> str:
    """The reason that the message gives; it and `show` say each of `parts`, and neither what libraries print."""
    message, shown = yard.message(execution), yard.shown(execution)
    for part in parts:
        assert part in reason(message), message.text
        assert part in " ".join(shown.split()), shown
    assert LEAKS not in message.text + shown
    return reason(message)


@contextmanager
def refusing_database() -> Iterator[int]:
    """A server of MySQL that refuses everyone, as one does that knows another password; yields its port."""
    text = b"Access denied for user 'ann_the_reader'@'10.0.0.9' (using password: YES)"
    body = b"\xff" + (1045).to_bytes(2, "little") + b"#28000" + text
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                with client:
                    client.sendall(len(body).to_bytes(3, "little") + b"\0" + body)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)


@pytest.mark.fault(
    "The ingest job's database refuses the password",
    "The reason is the job's own sentence; neither user nor password is in message, log or document",
)
def test_a_wrong_database_password(yard: Yard, observed: Observation) -> None:
    with refusing_database() as port:
        fields = {**SECRET, "host": "127.0.0.1", "port": port, "dbname": "sales", "engine": "mysql"}
        secret = yard.secret(json.dumps(fields))
        yard.new_run(recipe="propensity", config=to_mapping(PROPENSITY))
        execution = yard.fail_in_glue(yard.glue_job(INGEST, arguments={"--DATABASE_SECRET": secret}, **patient()))
    why = told(yard, execution, "JobFailed: Expected the database that the secret names to answer")
    everything = yard.message(execution).text + json.dumps(yard.cloud.events(execution), default=str)
    assert "1045" in why
    assert not any(word in everything for word in ("ann_the_reader", SECRET["password"], "10.0.0.9"))
    observed(f"`{why.partition('.')[0]}.` and no credentials anywhere")


@pytest.mark.fault(
    "The object version that Resolve saw is deleted before the ingest job reads it",
    "The reason names the object and its version",
)
def test_a_deleted_object_version(yard: Yard, observed: Observation) -> None:
    file = yard.upload("products.csv", b"product_id,product_name\n1,x\n")
    yard.new_run(files=(file,))
    yard.store.client.delete_object(Bucket=yard.bucket, Key=file.key, VersionId=file.version_id)
    execution = yard.fail_in_glue(yard.glue_job(INGEST, **patient()))
    why = told(yard, execution, "NotFound: Expected s3://", file.key, f"version {file.version_id}")
    observed(f"`{why.replace(yard.bucket, 'BUCKET').replace(file.version_id, 'VERSION')}`")


@pytest.mark.fault(
    "The prepare job reads a table that is no Parquet",
    "The reason is DuckDB's own, not what the engine leaves behind at its end",
)
def test_a_damaged_table(yard: Yard, observed: Observation) -> None:
    yard.store.write_text(Stage.INGEST, QUALITY_FILE, text=Quality().to_json())
    for table in ("orders", "products", "order_products"):
        key = yard.store.run.key(Stage.INGEST, table, "part-00000.parquet")
        yard.store.client.put_object(Bucket=yard.bucket, Key=key, Body=b"PAR1 and no more")
    execution = yard.fail_in_glue(yard.glue_job(PREPARE, **patient()))
    why = told(yard, execution, "InvalidInputException: ", "part-00000.parquet")
    observed(f"`{why.partition(':')[0]}`, with the file's name")


@pytest.mark.fault("The register job is handed the model of another run", "The reason says which folder was expected")
def test_a_foreign_model(yard: Yard, observed: Observation) -> None:
    job = yard.glue_job(REGISTER, arguments={"--MODEL_URI": "s3://other/model.tar.gz"}, **patient())
    why = told(yard, yard.fail_in_glue(job), "JobFailed: --MODEL_URI: expected a model below", yard.uri)
    observed(f"`{why.replace(yard.bucket, 'BUCKET')}`")


LATE = """
import duckdb, ibis
{body}
"""
TELLS = """
import sys, boto3, duckdb
from trainyard.glue.job import opened
with opened(sys.argv[1:], boto3.client("s3")) as job:
    {body}
"""


@pytest.mark.fault(
    "A Glue script cannot be imported, so that it dies before it could write why",
    "The reason is taken from the exception in its log",
)
def test_an_import_error(yard: Yard, observed: Observation) -> None:
    script = INGEST.read_text().replace("from trainyard.glue.job", "from trainyard.glue.moved")
    execution = yard.fail_in_glue(yard.glue_job(script, **patient()))
    why = told(yard, execution, "ModuleNotFoundError: No module named 'trainyard.glue.moved'")
    observed(f"`{why}`")


@pytest.mark.fault(
    "A Glue script is killed by SIGKILL, as the kernel does when memory runs out",
    "The reason says the signal and the likely cause, and what to do",
)
def test_a_killed_script(yard: Yard, observed: Observation) -> None:
    script = LATE.format(body="import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    execution = yard.fail_in_glue(yard.glue_job(script, **patient()))
    why = told(yard, execution, "killed by SIGKILL, which mostly means that memory ran out")
    observed(f"`{why}`")


@pytest.mark.fault(
    "A Glue run fails and leaves its reason; the next run is killed before it can leave one",
    "The second message does not repeat the first one's reason",
)
def test_a_stale_document(yard: Yard, observed: Observation) -> None:
    first = yard.fail_in_glue(yard.glue_job(TELLS.format(body="raise ValueError('the first reason')"), **patient()))
    assert told(yard, first, "ValueError: the first reason")
    script = LATE.format(body="import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    second = yard.fail_in_glue(yard.glue_job(script, **patient()))
    why = told(yard, second, "SIGKILL")
    assert "first reason" not in yard.message(second).text
    left = yard.store.client.list_objects_v2(Bucket=yard.bucket, Prefix=key_of(yard.store.run.prefix, "")[:-5])
    assert left["KeyCount"] == 1
    observed(f"one document, of the first run; the second is told as killed by {re.search('SIG[A-Z]+', why)[0]}")


@pytest.mark.fault(
    "An exception of a job quotes the secret that it has read",
    "Document, ErrorMessage, log, message and `show` have *** in its place",
)
def test_a_secret_in_an_exception(yard: Yard, observed: Observation) -> None:
    secret = yard.secret(json.dumps({"url": "mysql+pymysql://ann_the_reader:s3cr%26t@db.internal/sales"}))
    body = "raise RuntimeError('no answer from ann_the_reader with s3cr&t at ' + job.read_secret())"
    job = yard.glue_job(TELLS.format(body=body), arguments={"--DATABASE_SECRET": secret}, **patient())
    execution = yard.fail_in_glue(job)
    why = told(yard, execution, "RuntimeError: no answer from *** with *** at ***")
    everything = [yard.message(execution).text, yard.shown(execution), str(yard.cloud.events(execution))]
    assert not any(word in text for text in everything for word in ("s3cr", "ann_the_reader", "db.internal"))
    observed(f"`{why}`")


@pytest.mark.fault(
    "The folder for the reasons of jobs refuses to be written to",
    "The job's exception is still told, from its description and its log",
)
def test_a_document_that_cannot_be_left(yard: Yard, observed: Observation) -> None:
    body = "job.store.client.meta.events.register('before-call.s3.PutObject', lambda **_: 1 / 0)"
    refused = body.replace("lambda **_: 1 / 0", "refuse")
    script = TELLS.format(body=refused + "\n    raise ValueError('no rows')").replace(
        "with opened",
        "from botocore.exceptions import EndpointConnectionError\n"
        "def refuse(**_):\n    raise EndpointConnectionError(endpoint_url='https://s3')\nwith opened",
    )
    execution = yard.fail_in_glue(yard.glue_job(script, **patient()))
    why = told(yard, execution, "ValueError: no rows")
    observed(f"`{why}`")


@pytest.mark.fault(
    "Somebody stops a Glue run by BatchStopJobRun", "The reason names job, run and status, and the call that stopped it"
)
def test_a_stopped_glue_run(yard: Yard, observed: Observation) -> None:
    job = yard.glue_job("import time\ntime.sleep(120)\n", **patient())
    execution = yard.cloud.start(yard.machine({"Ingest raw data": yard.glue_state(job)}))
    run = yard.submitted(execution)["JobRunId"]
    yard.cloud.client("glue").batch_stop_job_run(JobName=job, JobRunIds=[run])
    yard.cloud.finished(execution, 60)
    why = told(yard, execution, job, run, "ended as STOPPED: somebody called BatchStopJobRun")
    observed(f"`{why.replace(run, 'RUN').replace(job, 'JOB')}`")


@pytest.mark.fault(
    "A Glue run reaches its Timeout", "The reason names the limit in minutes and the setting that raises it"
)
def test_a_glue_run_over_its_limit(yard: Yard, observed: Observation) -> None:
    job = yard.glue_job("import time\ntime.sleep(120)\n", Timeout=1)
    execution = yard.fail_in_glue(job)
    why = told(yard, execution, "ended as TIMEOUT: it ran longer than its limit of 1 minute.", "infra/glue.py")
    observed(f"`{re.sub('jr_[0-9a-f]+', 'RUN', why).replace(job, 'JOB')}`")


def training_state(yard: Yard, image: str, *, name: str, seconds: int) -> dict[str, Any]:
    role = yard.cloud.role(unique("trainer"), "sagemaker.amazonaws.com", [ALLOWED])
    limits = {"MaxRuntimeInSeconds": seconds}
    given = training_request(name, image=image, role=role, bucket_name=yard.bucket, StoppingCondition=limits)
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync",
        "Arguments": given,
        "End": True,
    }


ALLOWED = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def training_job() -> str:
    """A name as the state machine makes one."""
    return f"trainyard-dev-train-{RUN_ID}-{unique('x').partition('-')[2]}"


@pytest.mark.fault(
    "Somebody stops a training job by StopTrainingJob",
    "The reason names the job, its status and the call, and says that it was not the workflow",
)
def test_a_stopped_training_job(yard: Yard, image: str, observed: Observation) -> None:
    name = training_job()
    execution = yard.cloud.start(yard.machine({"Train model": training_state(yard, image, name=name, seconds=600)}))
    yard.submitted(execution)
    yard.cloud.client("sagemaker").stop_training_job(TrainingJobName=name)
    yard.cloud.finished(execution, 60)
    why = told(yard, execution, f"Training job {name} ended as Stopped: somebody called StopTrainingJob")
    observed(f"`{why.replace(name, 'JOB')}`")


@pytest.mark.fault(
    "A training job reaches MaxRuntimeInSeconds",
    "The reason names secondary status, limit and the setting jobs.train.max_runtime_s",
)
def test_a_training_job_over_its_limit(yard: Yard, image: str, observed: Observation) -> None:
    name = training_job()
    execution = yard.failed(yard.machine({"Train model": training_state(yard, image, name=name, seconds=1)}))
    parts = ("(MaxRuntimeExceeded)", "limit of 1 s", "Raise jobs.train.max_runtime_s")
    observed(f"`{told(yard, execution, *parts).replace(name, 'JOB')}`")


@pytest.mark.fault(
    "Somebody stops an execution by StopExecution while its training job runs",
    "The reason is the cause that they gave, with the job that was stopped with it",
)
def test_a_stopped_execution(yard: Yard, image: str, observed: Observation) -> None:
    name = training_job()
    execution = yard.cloud.start(yard.machine({"Train model": training_state(yard, image, name=name, seconds=600)}))
    yard.submitted(execution)
    states = yard.cloud.client("stepfunctions")
    states.stop_execution(executionArn=execution, error="Stopped", cause="Stopped by trainyard stop")
    yard.cloud.finished(execution, 60)
    why = told(yard, execution, "It was stopped: Stopped by trainyard stop.", name, "was stopped with it")
    observed(f"`{why.replace(name, 'JOB')}`")


@pytest.mark.fault(
    "A state reaches its TimeoutSeconds", "The reason names the limit, and the job that was ended with it"
)
def test_a_state_over_its_limit(yard: Yard, image: str, observed: Observation) -> None:
    name = training_job()
    state = training_state(yard, image, name=name, seconds=600) | {"TimeoutSeconds": 2}
    execution = yard.failed(yard.machine({"Train model": state}))
    why = told(yard, execution, "The state took longer than its limit of 2 seconds", name)
    observed(f"`{why.replace(name, 'JOB')}`")


UPLOAD = {
    "detail-type": "Object Created",
    "detail": {"bucket": {"name": "raw"}, "object": {"key": "raw/two_tower/ratings 1/ratings.csv", "version-id": "v"}},
}


def resolve_machine(yard: Yard, function: str) -> str:
    state = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": True}
    arguments = {"FunctionName": function, "Payload": {"request": "{% $states.input %}"}}
    definition = {"StartAt": "Resolve request", "States": {"Resolve request": {**state, "Arguments": arguments}}}
    return yard.cloud.machine(unique("m"), definition, yard.machine_role())


@pytest.mark.fault(
    "Resolve fails, so that there is no plan of the run",
    "Message and subject name recipe and data set from the upload that started it, with the function's own sentence",
)
def test_a_resolve_that_fails(yard: Yard, observed: Observation) -> None:
    function = yard.function("def handler(event, context):\n    raise PermissionError('no access to the ledger')\n")
    execution = yard.failed(resolve_machine(yard, function), UPLOAD)
    message = yard.message(execution)
    assert "recipe two_tower on data set ratings 1" in message.text
    assert message.subject == "trainyard: two_tower run failed at Resolve request"
    observed(f"{message.text.partition(' ended')[0]}: `{told(yard, execution, 'no access to the ledger')}`")


@pytest.mark.fault(
    "Resolve, begun by hand, runs into its time limit",
    "The message names recipe and data set from the input, and the limit",
)
def test_a_resolve_that_takes_too_long(yard: Yard, observed: Observation) -> None:
    function = yard.function("import time\ndef handler(event, context):\n    time.sleep(60)\n", timeout=1)
    execution = yard.failed(resolve_machine(yard, function), {"recipe": "prod2vec", "dataset": "march"})
    assert "recipe prod2vec on data set march" in yard.message(execution).text
    observed(f"`{told(yard, execution, 'The function was ended at its limit of 1')}`")


@pytest.mark.fault(
    "A job fails by itself whose state waits for faults of the service to pass",
    "The reason is the job's own, and the failed state is its own, not what raised the failure again",
)
def test_a_failure_that_is_no_fault_of_the_service(yard: Yard, observed: Observation) -> None:
    job = yard.glue_job(TELLS.format(body="raise ValueError('no rows in March')"), **patient())
    policy = json.loads(RETRIES.read_text())["glue:startJobRun.sync"]["RetryOnCause"]
    waiting = pause("Ingest raw data", policy, counter=COUNTER)
    state = yard.glue_state(job) | {"Catch": [catcher(policy, counter=COUNTER, following=next(iter(waiting)))]}
    count = {"Type": "Pass", "Assign": {"faults": 0}, "Next": "Ingest raw data"}
    execution = yard.failed(yard.machine({"Count": count, "Ingest raw data": state, **waiting}))
    why = told(yard, execution, "ValueError: no rows in March")
    message = yard.message(execution).text
    assert "Failed state: Ingest raw data\nError: States.TaskFailed\n" in message
    assert "D3137" not in message + yard.shown(execution)
    observed(f"States.TaskFailed at Ingest raw data: `{why}`")


@pytest.mark.fault(
    "One of several children of a Map fails, while others run", "The message says which child, and gives its own reason"
)
def test_a_failed_child(yard: Yard, observed: Observation) -> None:
    function = yard.function(
        "import time\ndef handler(event, context):\n"
        "    if event['name'] == 'product-8':\n        raise ValueError('no sales of product 8')\n    time.sleep(3)\n"
    )
    inner = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": function, "Payload": "{% $states.input %}"},
        "End": True,
    }
    state = {
        "Type": "Map",
        "Items": [{"name": "product-7"}, {"name": "product-8"}, {"name": "product-9"}],
        "ItemProcessor": {"StartAt": "Train child", "States": {"Train child": inner}},
        "End": True,
    }
    execution = yard.failed(yard.machine({"Train every child": state}))
    why = told(yard, execution, "no sales of product 8")
    line = next(each for each in yard.message(execution).text.splitlines() if each.startswith("Failed state"))
    assert line == "Failed state: Train child in Train every child, item product-8"
    observed(f"{line}: `{why}`")


@pytest.mark.fault(
    "A new image is deployed after a training job failed",
    "Message and `show` advise a rerun, `redrive` refuses to run the old image; with --anyway it does",
)
def test_a_redrive_that_cannot_help(
    yard: Yard, image: str, observed: Observation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    state = training_state(yard, image, name=training_job(), seconds=1)
    machine = yard.machine({"Train model": state})
    execution = yard.failed(machine)
    deployment = yard.deployment(machine)
    name = execution.rpartition(":")[2]
    assert f"redrive-execution --execution-arn {execution}" in yard.message(execution).text
    going_on.require_redrive_helps(deployment, describe(deployment.target, execution))
    states = yard.cloud.client("stepfunctions")
    definition = states.describe_state_machine(stateMachineArn=machine)["definition"]
    states.update_state_machine(stateMachineArn=machine, definition=definition.replace(image, f"{image}-new"))
    for text in (yard.message(execution).text, yard.shown(execution)):
        assert "your fix is not in this execution. Start it again:" in text
        assert f"trainyard rerun {name}" in text
        assert "redrive-execution" not in text
    monkeypatch.setattr("trainyard.cli.command.target.deployed", lambda **_: deployment)
    assert main(["redrive", execution, "--no-follow"]) == 1
    assert "the container image from before" in " ".join(capsys.readouterr().err.split())
    assert main(["redrive", execution, "--no-follow", "--anyway"]) == 0
    yard.cloud.client("stepfunctions").stop_execution(executionArn=execution)
    observed("rerun is advised by both, redrive exits with 1 and says why, with --anyway with 0")


@pytest.mark.fault(
    "An execution of an upload is run again, whose object versions it has claimed",
    "The rerun trains on them, while another event of the same upload does nothing",
)
def test_a_rerun_of_claimed_versions(yard: Yard, observed: Observation, monkeypatch: pytest.MonkeyPatch) -> None:
    s3, dynamodb = yard.cloud.client("s3"), yard.cloud.client("dynamodb")
    ledger = unique("ledger")
    dynamodb.create_table(
        TableName=ledger,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    place = lambda_environment.Environment(
        raw_bucket=yard.bucket, artifacts_bucket=yard.bucket, ledger_table=ledger, topic_arn="", code_version="new"
    )
    for name in ("products.csv", "order_products__prior.csv"):
        yard.upload(name, b"a file\n")
    event = {
        "detail-type": "Object Created",
        "detail": {"object": {"key": "raw/prod2vec/mine/order_products__prior.csv"}},
    }
    machine = yard.machine({"Done": {"Type": "Succeed"}})

    def outcome(execution: str) -> NextStep:
        found = yard.cloud.client("stepfunctions").describe_execution(executionArn=execution)
        moment = {"arn": execution, "name": execution.rpartition(":")[2], "started": "2026-11-21T02:03:04Z"}
        return resolve(json.loads(found["input"]), moment, environment=place, s3=s3, dynamodb=dynamodb).outcome

    first, again = yard.cloud.start(machine, event), yard.cloud.start(machine, event)
    yard.cloud.finished(first)
    deployment = yard.deployment(machine)
    states = yard.cloud.client("stepfunctions")
    version = states.publish_state_machine_version(stateMachineArn=machine)["stateMachineVersionArn"]
    states.create_state_machine_alias(
        name=LIVE, routingConfiguration=[{"stateMachineVersionArn": version, "weight": 100}]
    )
    rerun, _ = going_on.rerun(deployment, describe(deployment.target, first), newest=True)
    decided = [str(outcome(each)) for each in (first, again, rerun)]
    assert decided == ["train", "nothing", "train"]
    observed(f"the first: {decided[0]}; its event again: {decided[1]}; the rerun: {decided[2]}")


def shell(root: Path, image: str, *arguments: str) -> str:
    """The reason that SageMaker and then people get of a container's shell that runs as a process."""
    command = [sys.executable, "-m", f"{image}_container.main", *arguments]
    place = {**os.environ, "TRAINYARD_ML_ROOT": str(root), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=place, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    training = arguments[0] == "train"
    file = root / "output" / ("failure" if training else "message")
    said = file.read_text() if file.is_file() else ""
    outcome = Outcome(
        exit_code=1, stopped=False, timed_out=False, seconds=1.0, last_lines=tuple(done.stdout.splitlines()[-5:])
    )
    kind = "Training" if training else "Processing"
    document = {f"{kind}JobName": "job", f"{kind}JobStatus": "Failed", "FailureReason": algorithm_error(outcome, said)}
    return reason_of(json.dumps(document if training or not said else {**document, "ExitMessage": said}))


def shell_inputs(root: Path, name: str) -> None:
    """A request, which training lacks as well, and for every other input a folder with nothing of use in it."""
    if name != "train":
        request(root / "processing/input/resolve")
    for each in ("prepare", "process", "model", "gate", "ingest"):
        (root / "processing" / "input" / each).mkdir(parents=True)
    for each in ("train", "validation", "features"):
        (root / "input" / "data" / each).mkdir(parents=True)


SHELLS = {
    "process": ("processing", "No files found"),
    "report": ("processing", "Expected model.tar.gz in model"),
    "train": ("training", "Expected request.json in resolve"),
    "evaluate": ("training", "Expected model.tar.gz in model"),
    "score": ("training", "Expected model.tar.gz in model"),
}


@pytest.mark.fault(
    "The jobs process, report, train, evaluate and score find their inputs empty",
    "Each says in its own words what is missing, in the file that SageMaker takes the reason from",
)
def test_every_container_tells_what_it_misses(tmp_path: Path, observed: Observation) -> None:
    for name, (image, words) in SHELLS.items():
        shell_inputs(tmp_path / name, name)
        assert words in shell(tmp_path / name, image, name), name
    observed("each names the file or folder that it misses")


@pytest.mark.long
@pytest.mark.fault(
    "The analysis of a search cannot reach SageMaker", "The reason is the answer that it got, in its exit message"
)
def test_an_analysis_without_sagemaker(tmp_path: Path, observed: Observation, monkeypatch: pytest.MonkeyPatch) -> None:
    request(tmp_path / "processing" / "input" / "resolve")
    document = tmp_path / "processing" / "input" / "resolve" / "request.json"
    document.write_text(document.read_text().replace('"none"', '"arn:aws:states:us-east-1:1:execution:m:e"', 1))
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    for key, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "k",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(key, value)
    why = shell(tmp_path, "processing", "analyse", "--tuning-job", "tune-1")
    assert "EndpointConnectionError: Could not connect to the endpoint URL" in why
    observed(f"`{re.sub('[0-9]{4,5}', 'PORT', why.partition(',')[0])}`")


@pytest.mark.fault(
    "A container fails whose folder for the reason cannot be written", "The reason is in the log's last lines, once"
)
def test_a_reason_that_cannot_be_left(tmp_path: Path, observed: Observation) -> None:
    (tmp_path / "output").write_text("no folder")
    why = shell(tmp_path, "processing", "fly")
    assert "Expected one of the commands process, analyse, report, verify, log_mlflow; found 'fly'." in why
    observed("the sentence stands among the last lines")
