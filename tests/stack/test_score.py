"""Bulk scoring on the deployed stack: by itself and after a training, from upload to a partition that can be read."""

from __future__ import annotations

import csv
import io
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.stack.conftest import CUSTOMER_FILE as FILE
from tests.stack.conftest import CUSTOMERS as RECIPE
from tests.stack.conftest import Stack, wait

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("endpoints")]
HEADER = "customer_id,plan,age,monthly spend,since,active\n"


def put(stack: Stack, dataset: str, body: bytes) -> None:
    key = f"score/{RECIPE}/{dataset}/{FILE}"
    stack.client("s3").put_object(Bucket=stack.outputs["RawBucketName"], Key=key, Body=body)


def start(stack: Stack, dataset: str, recipe: str = RECIPE, **request: Any) -> dict[str, Any]:
    begun = stack.client("stepfunctions").start_execution(
        stateMachineArn=stack.outputs["StateMachineArn"],
        input=json.dumps({"recipe": recipe, "dataset": dataset, "task": "score", **request}),
    )
    return stack.finish(begun["executionArn"])


def partition(stack: Stack, run_id: str) -> dict[str, Any]:
    """What the catalogue says of the scores of a run."""
    found = stack.client("glue").get_partition(
        DatabaseName="trainyard_dev", TableName=RECIPE, PartitionValues=[RECIPE, run_id]
    )
    return found["Partition"]


def rows(stack: Stack, of: dict[str, Any]) -> list[dict[str, Any]]:
    """What a query of a partition reads: every object below its location."""
    bucket, _, prefix = of["StorageDescriptor"]["Location"].removeprefix("s3://").partition("/")
    s3 = stack.client("s3")
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/")["Contents"]
    parts = [s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read() for each in listed]
    return [row for part in parts for row in pq.read_table(io.BytesIO(part)).to_pylist()]


def test_a_new_model_scores_what_it_learned_from(stack: Stack, customers: tuple[str, dict[str, Any]]) -> None:
    arn, described = customers
    assert described["status"] == "SUCCEEDED", described
    output = json.loads(described["output"])
    assert output["outcome"] == "registered"
    assert "Score every row" in stack.entered(arn)
    found = partition(stack, output["run_id"])
    scored = rows(stack, found)
    learned = (stack.installed.folder / "data" / FILE).read_text(encoding="utf-8")
    ids = [line.partition(",")[0] for line in learned.splitlines()[1:]]
    assert [each["customer_id"] for each in scored] == ids
    assert found["Parameters"]["rows"] == str(len(ids))
    assert found["Parameters"]["scored_by_run"] == output["run_id"]
    assert list(scored[0]) == [each["Name"] for each in found["StorageDescriptor"]["Columns"]]


def test_files_uploaded_to_be_scored_train_nothing(stack: Stack, customers: tuple[str, dict[str, Any]]) -> None:
    """Too few rows to learn from, without the target, and alike: no reason to refuse them, or to leave one out."""
    model = json.loads(customers[1]["output"])["run_id"]
    dataset = f"new-{uuid.uuid4().hex[:8]}"
    lines = [f"{number},basic,40,50.5,2023-05-01,yes\n" for number in (7, 3, 5)]
    put(stack, dataset, "".join([HEADER, *lines]).encode())
    described = start(stack, dataset, folder="score")
    assert described["status"] == "SUCCEEDED", described
    output = json.loads(described["output"])
    assert (output["outcome"], output["rows"], output["scored_by_run"]) == ("scored", 3, model)
    assert output["table"] == f"trainyard_dev.{RECIPE}"
    scored = rows(stack, partition(stack, output["run_id"]))
    assert [each["customer_id"] for each in scored] == ["7", "3", "5"]
    assert len({each["churned_probability"] for each in scored}) == 1
    # The request is the only execution: the upload started none.
    assert [each["executionArn"] for each in stack.executions(dataset)] == [described["executionArn"]]
    message = json.dumps(stack.messages(output["run_id"]))
    assert "3 rows" in message
    page = {"Bucket": stack.outputs["ArtifactsBucketName"], "Key": f"{RECIPE}/{output['run_id']}/score/index.html"}
    assert b"3 rows of data set" in stack.client("s3").get_object(**page)["Body"].read()
    assert f"trainyard_dev.{RECIPE}" in message


def test_data_of_a_training_can_be_scored_again(stack: Stack, customers: tuple[str, dict[str, Any]]) -> None:
    output = json.loads(customers[1]["output"])
    described = start(stack, output["dataset"])
    again = json.loads(described["output"])
    assert again["run_id"] != output["run_id"]
    assert rows(stack, partition(stack, again["run_id"])) == rows(stack, partition(stack, output["run_id"]))


def test_without_a_model_in_use_nothing_is_scored(stack: Stack) -> None:
    changed = {"data": {"source": "database", "product_id": 999}}
    described = start(stack, "database", recipe="propensity", overrides=changed)
    assert (described["status"], described["error"]) == ("FAILED", "NoModel")
    assert "propensity-product-999" in described["cause"]
    assert "Ingest raw data" not in stack.entered(described["executionArn"])


def test_bad_files_are_refused_with_their_reasons(stack: Stack, customers: tuple[str, dict[str, Any]]) -> None:
    del customers
    dataset = f"bad-{uuid.uuid4().hex[:8]}"
    put(stack, dataset, b"ID\tPUBLISHER\tURL\n1\tno title\thttp://x\n")
    described = start(stack, dataset, folder="score")
    assert described["error"] == "BadData"
    assert FILE in described["cause"]


def test_an_incomplete_set_is_refused(stack: Stack) -> None:
    described = start(stack, f"empty-{uuid.uuid4().hex[:8]}", folder="score")
    assert described["error"] == "BadRequest"
    assert f"{FILE.lower()} is missing" in described["cause"]


def older(stack: Stack, *, by: int) -> bytes:
    """The customers that the model learned from, all of them so many years older."""
    learned = csv.DictReader((stack.installed.folder / "data" / FILE).read_text(encoding="utf-8").splitlines())
    rows = [{**each, "age": float(each["age"]) + by if each["age"] else ""} for each in learned]
    written = io.StringIO()
    lines = csv.DictWriter(written, learned.fieldnames or ())
    lines.writeheader()
    lines.writerows(rows)
    return written.getvalue().encode()


@contextmanager
def newer_upload(stack: Stack, dataset: str) -> Iterator[None]:
    """A data set with a newer file, whose own execution is stopped, and then as it was before."""
    before = len(stack.executions(dataset))
    versions = stack.upload(dataset, {FILE: older(stack, by=1)}, recipe=RECIPE)
    try:
        wait(lambda: len(stack.executions(dataset)) > before or None, timeout=30, what="the execution of an upload")
        stack.client("stepfunctions").stop_execution(executionArn=stack.executions(dataset)[0]["executionArn"])
        yield
    finally:
        bucket = stack.outputs["RawBucketName"]
        key = f"raw/{RECIPE}/{dataset}/{FILE}"
        stack.client("s3").delete_object(Bucket=bucket, Key=key, VersionId=versions[FILE])


def test_rows_that_moved_are_told_measured_and_start_a_retraining(
    stack: Stack, customers: tuple[str, dict[str, Any]]
) -> None:
    trained = json.loads(customers[1]["output"])
    dataset = f"older-{uuid.uuid4().hex[:8]}"
    put(stack, dataset, older(stack, by=30))
    with newer_upload(stack, trained["dataset"]):
        described = start(stack, dataset, folder="score", overrides={"on_drift": "retrain"})
        output = json.loads(described["output"])
        begun = stack.executions(trained["dataset"])[0]
        stack.client("stepfunctions").stop_execution(executionArn=begun["executionArn"])
    assert begun["name"] == f"drift-{output['run_id']}"
    assert json.loads(begun["input"])["task"] == "train"
    document = json.loads(stack.artifact(described["executionArn"], "score/drift.json"))
    assert document["reference"] == trained["run_id"]
    moved = {f"{each['table']}.{each['column']}" for each in document["moves"]}
    assert moved == {"customers.age", "answers.churned_predicted", "answers.churned_probability"}
    message = stack.messages(output["run_id"])["Message"]
    assert "3 of " in message
    assert "* customers.age: median 5" in message
    assert "A retraining on data set learned was started." in message
    cloudwatch = stack.client("cloudwatch")
    metrics = cloudwatch.list_metrics(Namespace=f"trainyard-dev/{RECIPE}", MetricName="MovedColumns")["Metrics"]
    assert [{"Name": "Model", "Value": RECIPE}] in [each["Dimensions"] for each in metrics]
    [alarm] = [each for each in cloudwatch.describe_alarms()["MetricAlarms"] if "CustomersMoved" in each["AlarmName"]]
    assert alarm["StateValue"] == "ALARM"


def test_what_became_true_is_set_beside_the_scores_of_the_same_data_set(
    stack: Stack, customers: tuple[str, dict[str, Any]]
) -> None:
    """Some labels come twice, under another name; what is no table of labels is said in a sentence."""
    trained = json.loads(customers[1]["output"])
    dataset = trained["dataset"]
    learned = csv.DictReader((stack.installed.folder / "data" / FILE).read_text(encoding="utf-8").splitlines())
    lines = [f"{each['customer_id']},{each['churned']}\n" for each in learned]
    described = tell(stack, dataset, {"outcomes.csv": lines[:500], "late.csv": lines[400:]})
    output = json.loads(described["output"])
    assert (output["outcome"], output["labels"], output["judged"]) == ("verified", len(lines), len(lines))
    document = json.loads(stack.artifact(described["executionArn"], "verify/observed_quality.json"))
    [model] = document["models"]
    assert (model["run_id"], document["in_use"], model["primary"]) == (trained["run_id"], trained["run_id"], "auc")
    assert model["promised"]["low"] < model["promised"]["value"] < model["promised"]["high"]
    assert (model["whole"]["rows"], output["worse"]) == (len(lines), document["worse"])
    assert "The model customers in use is" in stack.messages(output["run_id"])["Message"]
    key = f"truth/{RECIPE}/model={RECIPE}/dataset={dataset}/rows.parquet"
    body = stack.client("s3").get_object(Bucket=stack.outputs["ArtifactsBucketName"], Key=key)["Body"].read()
    assert pq.read_table(io.BytesIO(body)).num_rows == len(lines)
    metrics = stack.client("cloudwatch").list_metrics(Namespace=f"trainyard-dev/{RECIPE}")["Metrics"]
    assert "WorseThanPromised" in {each["MetricName"] for each in metrics}
    refused = tell(stack, f"bad-{uuid.uuid4().hex[:8]}", {"outcomes.csv": ["1,2\n"]}, header="something,else\n")
    assert refused["error"] == "BadData"
    assert "outcomes.csv" in refused["cause"]


def tell(
    stack: Stack, dataset: str, files: dict[str, list[str]], *, header: str = "customer_id,churned\n"
) -> dict[str, Any]:
    """The end of the execution that labels start, once the last file of them is there."""
    for name, lines in files.items():
        body = "".join([header, *lines]).encode()
        stack.client("s3").put_object(
            Bucket=stack.outputs["RawBucketName"], Key=f"truth/{RECIPE}/{dataset}/{name}", Body=body
        )

    def verifies() -> str | None:
        found = (each["executionArn"] for each in stack.executions(dataset))
        return next((arn for arn in found if stack.plan(arn).get("outcome") == "verify"), None)

    return stack.finish(wait(verifies, timeout=60, what=f"an execution that verifies {dataset}"))


def ask(stack: Stack, body: bytes) -> None:
    """Send rows of the customers' file to their endpoint, with the columns that the model reads."""
    names = HEADER.strip().split(",")[1:]
    rows = [{name: each[name] for name in names} for each in csv.DictReader(body.decode().splitlines())]
    written = io.StringIO()
    lines = csv.DictWriter(written, names)
    lines.writeheader()
    lines.writerows(rows)
    stack.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=f"trainyard-dev-{RECIPE}", Body=written.getvalue().encode(), ContentType="text/csv"
    )


def test_requests_that_moved_are_found_by_a_check(stack: Stack, customers: tuple[str, dict[str, Any]]) -> None:
    trained = json.loads(customers[1]["output"])
    capture = {"deploy": {"memory_mb": 1024, "capture": {"share": 1, "seconds": 1}}}
    assert start(stack, "model in use", task="deploy", overrides=capture)["status"] == "SUCCEEDED"
    check = {"task": "check_drift", "overrides": {"drift": {"least_rows": 500}}}
    nothing = json.loads(start(stack, "model in use", **check)["output"])
    assert (nothing["outcome"], "has kept no requests" in nothing["reason"]) == ("checked", True)
    assert "has kept no requests" in stack.messages(nothing["run_id"])["Message"]
    ask(stack, older(stack, by=30))
    where = {"Bucket": stack.outputs["ArtifactsBucketName"], "Prefix": f"captured/recipe={RECIPE}/"}
    wait(lambda: stack.client("s3").list_objects_v2(**where).get("Contents"), timeout=30, what="the requests")
    described = start(stack, "model in use", **check)
    output = json.loads(described["output"])
    assert (output["outcome"], output["served_run"]) == ("checked", trained["run_id"])
    document = json.loads(stack.artifact(described["executionArn"], "score/drift.json"))
    moved = {f"{each['table']}.{each['column']}" for each in document["moves"]}
    assert moved == {"customers.age", "answers.churned_predicted", "answers.churned_probability"}
    message = stack.messages(output["run_id"])["Message"]
    assert "3 of " in message
    assert "by 600 rows" in message
    alarms = stack.client("cloudwatch").describe_alarms()["MetricAlarms"]
    [alarm] = [each for each in alarms if "CustomersRequestsMoved" in each["AlarmName"]]
    assert alarm["StateValue"] == "ALARM"
