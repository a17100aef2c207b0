"""What happens to a model after its registration, from the first request to labels that come later.

Its requests drift and are found to; it is trained anew, and the new version goes into service step by step; the
earlier one answers in its shadow, and what became true judges both. All of it by the commands that people call, and
seen in the console.
"""

from __future__ import annotations

import io
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Browser, expect

from tests.stack.callers import Callers
from tests.stack.conftest import CUSTOMER_FILE, CUSTOMERS, Stack, wait
from trainyard.console import background
from trainyard.console.note import Note
from trainyard.run.watch.capture import shadow_of

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("story")]
MODEL, DATASET = "story", "watched"
NAME = f"{CUSTOMERS}--{MODEL}"
ENDPOINT = f"trainyard-dev-{NAME}"
# Two instances turn one after the other, each watched for two seconds; every request is kept.
SETTINGS = {
    "enabled": "true",
    "type": "instances",
    "instance_count": "2",
    "rollout.type": "canary",
    "rollout.share": "0.5",
    "rollout.wait_s": "2",
    "capture.share": "1",
    "capture.seconds": "1",
}
YEARS = 30
COLUMNS = ["run", "request"]


@dataclass(frozen=True, kw_only=True)
class Story:
    """The executions of the first training, of the check of its requests, and of the training that this started."""

    first: str
    check: str
    second: str
    callers: Callers


def call(stack: Stack, *arguments: str) -> str:
    """What a command printed; it has to succeed."""
    done = stack.installed.call(*arguments, "--model", MODEL, variables=stack.environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def assigned(*names: str) -> list[str]:
    """Some of the settings as a command takes them."""
    return [word for name in names for word in ("--set", f"deploy.{name}={SETTINGS[name]}")]


def older(stack: Stack) -> pd.DataFrame:
    """The customers that the first model learned from, all of them so many years older."""
    table = pd.read_csv(stack.installed.folder / "data" / CUSTOMER_FILE)
    return table.assign(age=table["age"] + YEARS)


def ask(stack: Stack) -> list[dict[str, Any]]:
    """Have the endpoint asked about all of them; returns the rows, which have their keys."""
    table = older(stack)[["customer_id", "plan", "age", "monthly spend", "since", "active"]]
    rows: list[dict[str, Any]] = json.loads(table.to_json(orient="records"))
    runtime = stack.client("sagemaker-runtime")
    for start in range(0, len(rows), 100):
        body = json.dumps({"instances": rows[start : start + 100]})
        runtime.invoke_endpoint(EndpointName=ENDPOINT, Body=body, ContentType="application/json")
    return rows


def wait_until_kept(stack: Stack, run: str, *, rows: int, model: str = NAME) -> None:
    """Wait until the endpoint has written what so many different rows were answered by the model of a run."""

    def there() -> bool | None:
        found = s3.list_objects_v2(Bucket=bucket, Prefix=f"captured/recipe={CUSTOMERS}/model={model}/")
        bodies = [s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read() for each in found.get("Contents", [])]
        written = [row for body in bodies for row in pq.read_table(io.BytesIO(body), columns=COLUMNS).to_pylist()]
        return len({each["request"] for each in written if each["run"] == run}) >= rows or None

    s3, bucket = stack.client("s3"), stack.outputs["ArtifactsBucketName"]
    wait(there, timeout=30, what="the requests")


def run_of(stack: Stack, arn: str) -> str:
    return str(stack.plan(arn)["run_id"])


@pytest.fixture(scope="module")
def story(stack: Stack) -> Story:
    """Everything up to the second version in service."""
    call(stack, "run", CUSTOMERS, "--data", "data", "--dataset", DATASET, *assigned(*SETTINGS))
    first = stack.training_execution(DATASET)
    rows = ask(stack)
    wait_until_kept(stack, run_of(stack, first), rows=len(rows))
    # There is something to learn, which this upload itself does not start.
    newer = older(stack).to_csv(index=False).encode()
    stack.upload(DATASET, {CUSTOMER_FILE: newer, "_BY_HAND": b""}, recipe=CUSTOMERS)
    printed = call(stack, "drift", CUSTOMERS, "--set", "on_drift=retrain")
    assert "customers.age: median" in printed
    check = stack.executions("model in use")[0]["executionArn"]
    second = wait(
        lambda: next((each["executionArn"] for each in stack.executions(DATASET) if "drift-" in each["name"]), None),
        timeout=20,
        what="the retraining",
    )
    with Callers(stack, ENDPOINT, {"instances": rows[:1]}, count=2) as callers:
        assert stack.finish(second)["status"] == "SUCCEEDED"
    return Story(first=first, check=check, second=second, callers=callers)


def test_requests_that_drift_ring_an_alarm_and_start_a_training(stack: Stack, story: Story) -> None:
    found = json.loads(stack.artifact(story.check, "score/drift.json"))
    assert found["reference"] == run_of(stack, story.first)
    moved = {f"{each['table']}.{each['column']}" for each in found["moves"]}
    assert moved == {"customers.age", "answers.churned_predicted", "answers.churned_probability"}
    alarms = stack.client("cloudwatch").describe_alarms()["MetricAlarms"]
    [alarm] = [each for each in alarms if "CustomersRequestsMoved" in each["AlarmName"]]
    assert alarm["StateValue"] == "ALARM"
    message = stack.messages(f"A retraining on data set {DATASET} was started.")["Message"]
    assert "* customers.age: median" in message


def test_the_new_version_goes_into_service_step_by_step_and_no_request_fails(stack: Stack, story: Story) -> None:
    entered = stack.entered(story.second)
    assert entered.index("Smoke test") < entered.index("Roll out step by step") < entered.index("Notify")
    assert story.callers.failures == []
    assert story.callers.calls > 20
    listed = json.loads(stack.installed.call("endpoints", "--json", variables=stack.environment).stdout)
    [served] = [each for each in listed if each["name"] == ENDPOINT]
    assert served["run"] == run_of(stack, story.second) == stack.champion(NAME)


def test_the_earlier_version_answers_in_the_shadow_of_the_new_one(stack: Stack, story: Story) -> None:
    old, new = run_of(stack, story.first), run_of(stack, story.second)
    call(stack, "release", CUSTOMERS, "--shadow", old, *assigned("type", "capture.share", "capture.seconds"))
    message = stack.messages(f"of run {new} is in service")["Message"]
    assert f"run {old}, which answers copies of 100% of the requests" in message
    rows = ask(stack)
    wait_until_kept(stack, old, rows=len(rows), model=shadow_of(NAME))
    wait_until_kept(stack, new, rows=len(rows))
    listed = json.loads(stack.installed.call("endpoints", "--json", variables=stack.environment).stdout)
    [served] = [each for each in listed if each["name"] == ENDPOINT]
    assert (served["run"], served["shadow_run"], served["shadow_share"]) == (new, old, 1.0)
    beside = json.loads(call(stack, "shadow", CUSTOMERS, "--json"))
    assert (beside["shadow_run"], beside["runs"], len(beside["rows"])) == (old, [new], len(rows))


def test_labels_that_come_later_judge_both_versions_on_the_same_customers(stack: Stack, story: Story) -> None:
    # The time of a label has whole seconds here: of the second of its request, it would be before it.
    time.sleep(1)
    labels = older(stack)[["customer_id", "churned"]].assign(time=datetime.now(UTC).isoformat(timespec="seconds"))
    labels.to_csv(stack.installed.folder / "labels.csv", index=False)
    printed = call(stack, "truth", CUSTOMERS, "--data", "labels.csv", "--dataset", DATASET)
    old, new = run_of(stack, story.first), run_of(stack, story.second)
    assert "worse than promised" in printed
    assert f"On the same 600 labels, the model of run {new} is better than that of run {old}" in " ".join(
        printed.split()
    )
    key = f"truth/{CUSTOMERS}/model={NAME}/dataset={DATASET}/observed_quality.json"
    body = stack.client("s3").get_object(Bucket=stack.outputs["ArtifactsBucketName"], Key=key)["Body"].read()
    found = json.loads(body)
    assert (found["labels"], found["judged"], found["in_use"]) == (600, 600, new)
    assert [each["run_id"] for each in found["models"]] == [old, new]


def test_the_console_shows_all_of_it(stack: Stack, story: Story, browser: Browser) -> None:
    opened = stack.installed.call("open", story.check.rpartition(":")[2], "--no-browser", variables=stack.environment)
    assert opened.returncode == 0, opened.stderr
    address = opened.stdout.split()[-1]
    base = address.split("/executions")[0]
    try:
        with browser.new_page() as page:
            page.goto(address)
            expect(page.get_by_text("customers.age").first).to_be_visible()
            page.goto(f"{base}/executions/{story.second.rpartition(':')[2]}")
            expect(page.get_by_role("link", name="Roll out step by step")).to_be_visible()
            page.goto(f"{base}/models/{NAME}/truth")
            expect(page.get_by_role("cell", name="worse than promised").first).to_be_visible()
            expect(page.get_by_text(run_of(stack, story.second)).first).to_be_visible()
    finally:
        # The local cloud of the tests goes down without it.
        background.stop(Note(Path(stack.environment["TRAINYARD_STATE_DIR"]) / "console-dev.json"))
        stack.installed.call("undeploy", CUSTOMERS, "--model", MODEL, "--yes", variables=stack.environment)
