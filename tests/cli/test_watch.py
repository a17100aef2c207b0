"""Among the executions that an upload's files start, the one that trains on exactly these versions is found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.story import FakeStepFunctions, Story, upload_event
from trainyard.client.dataset import uploads
from trainyard.client.dataset.uploads import Upload
from trainyard.client.deployment import Deployment
from trainyard.client.execution.watch import Watch
from trainyard.errors import NotFound
from trainyard.run.plan import NextStep

ORDERS = Upload(key="raw/prod2vec/d/order_products__prior.csv", version_id="o2")
PRODUCTS = Upload(key="raw/prod2vec/d/products.csv", version_id="p2")


def started(fake: FakeStepFunctions, name: str, upload: Upload, plan: dict[str, Any] | None) -> None:
    story = Story()
    if plan is not None:
        story.resolved(plan)
    fake.put(name, story, input=upload_event(upload.key, upload.version_id))


def train(**objects: str) -> dict[str, Any]:
    versions = {f"{name}.csv": version for name, version in objects.items()}
    return {"outcome": "train", "reason": "all files are there", "run_id": "r", "objects": versions}


def test_the_execution_with_these_versions_is_followed(
    deployment: Deployment, step_functions: FakeStepFunctions
) -> None:
    started(step_functions, "before", PRODUCTS, train(products="p2", order_products__prior="o2"))
    watch = Watch.begin(deployment)
    # The new orders completed the set with the old products first: a run, but not of what was uploaded.
    started(step_functions, "mixed", ORDERS, train(products="p1", order_products__prior="o2"))
    started(step_functions, "other", Upload(key="raw/prod2vec/x/products.csv", version_id="x"), train(products="x"))
    started(step_functions, "whole", PRODUCTS, train(products="p2", order_products__prior="o2"))
    assert watch.wait([ORDERS, PRODUCTS]).execution.name == "whole"


def test_an_incomplete_set_says_what_it_waits_for(deployment: Deployment, step_functions: FakeStepFunctions) -> None:
    watch = Watch.begin(deployment)
    started(step_functions, "lonely", ORDERS, {"outcome": "nothing", "reason": "waiting for products.csv"})
    found = watch.wait([ORDERS])
    assert (found.next_step, found.reason) == (NextStep.NOTHING, "waiting for products.csv")


def test_it_waits_until_every_file_was_heard_of(deployment: Deployment, step_functions: FakeStepFunctions) -> None:
    watch = Watch.begin(deployment)
    started(step_functions, "first", ORDERS, {"outcome": "nothing", "reason": "waiting for products.csv"})
    naps: list[float] = []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 1:
            started(step_functions, "second", PRODUCTS, None)
        else:
            step_functions.executions.popitem()
            started(step_functions, "second", PRODUCTS, train(products="p2", order_products__prior="o2"))

    assert watch.wait([ORDERS, PRODUCTS], sleep=sleep).execution.name == "second"
    assert len(naps) == 2


def test_a_refusal_outranks_waiting(deployment: Deployment, step_functions: FakeStepFunctions) -> None:
    watch = Watch.begin(deployment)
    started(step_functions, "refused", ORDERS, {"outcome": "refused", "reason": "unknown setting"})
    started(step_functions, "waits", PRODUCTS, {"outcome": "nothing", "reason": "waiting"})
    assert watch.wait([ORDERS, PRODUCTS]).execution.name == "refused"


def test_a_first_state_that_failed_is_told(deployment: Deployment, step_functions: FakeStepFunctions) -> None:
    watch = Watch.begin(deployment)
    story = Story()
    story.enter("Resolve request")
    story.fail("Lambda.AccessDenied", "no right")
    step_functions.put(
        "broken",
        story,
        input=upload_event(ORDERS.key, "o2"),
        status="FAILED",
        error="Lambda.AccessDenied",
        cause="no right",
    )
    found = watch.wait([ORDERS])
    assert (found.plan, found.next_step, found.reason) == (None, None, "no right")


def test_events_without_a_version_are_told_by_their_key(
    deployment: Deployment, step_functions: FakeStepFunctions
) -> None:
    watch = Watch.begin(deployment)
    story = Story()
    story.resolved(train(products="p2"))
    step_functions.put("mine", story, input=json.dumps({"detail": {"object": {"key": PRODUCTS.key}}}))
    assert watch.wait([PRODUCTS]).execution.name == "mine"


def test_silence_is_told_after_a_while(deployment: Deployment) -> None:
    with pytest.raises(NotFound, match="dead letter queue"):
        Watch.begin(deployment).wait([ORDERS], patience=-1.0)


def test_uploads_tell_their_versions_and_bytes(deployment: Deployment, tmp_path: Path) -> None:
    path = tmp_path / "products.csv"
    path.write_bytes(b"x" * 1000)
    seen: list[tuple[str, int]] = []
    settings = uploads.put_settings(deployment, "prod2vec", dataset="my data", settings={"seed": 1})
    (done,) = uploads.put_files(
        deployment,
        "prod2vec",
        dataset="my data",
        files={path.name: path},
        on_bytes=lambda file, count: seen.append((file.name, count)),
    )
    s3 = deployment.target.client("s3")
    assert done.key == "raw/prod2vec/my data/products.csv"
    assert s3.get_object(Bucket="raw-bucket", Key=done.key, VersionId=done.version_id)["ContentLength"] == 1000
    assert s3.get_object(Bucket="raw-bucket", Key=settings.key)["Body"].read() == b'{\n  "seed": 1\n}'
    assert sum(count for _, count in seen) == 1000


def test_settings_are_no_file_that_a_run_trains_on(deployment: Deployment, step_functions: FakeStepFunctions) -> None:
    watch = Watch.begin(deployment)
    settings = Upload(key="raw/prod2vec/d/run.json", version_id="s2")
    started(step_functions, "completing", PRODUCTS, train(products="p2", order_products__prior="o2"))
    found = watch.wait([settings, ORDERS, PRODUCTS], patience=-1)
    assert found.execution.name == "completing"
    assert found.next_step is NextStep.TRAIN


def test_executions_from_before_are_not_listed_again(deployment: Deployment, step_functions: FakeStepFunctions) -> None:
    for number in range(150):
        started(step_functions, f"before-{number}", PRODUCTS, train(products="p2", order_products__prior="o2"))
    watch = Watch.begin(deployment)
    started(step_functions, "mine", PRODUCTS, train(products="p2", order_products__prior="o2"))
    assert watch.wait([PRODUCTS], patience=-1).execution.name == "mine"
    assert len(watch.known) <= 101


def test_one_that_waits_for_its_set_to_settle_has_not_decided(
    deployment: Deployment, step_functions: FakeStepFunctions
) -> None:
    watch = Watch.begin(deployment)
    story = Story()
    story.resolved({"outcome": "settle", "reason": "looked at again in 3 s", "wait_seconds": 3, "seen": "5e88"})
    step_functions.put("waits", story, input=upload_event(PRODUCTS.key, "p2"))
    with pytest.raises(NotFound):
        watch.wait([PRODUCTS], patience=-1.0)
    story.resolved(train(products="p2") | {"waited_seconds": 3})
    found = watch.wait([PRODUCTS], patience=-1.0)
    assert found.plan is not None
    assert (found.next_step, found.plan.waited_seconds) == (NextStep.TRAIN, 3)


def test_what_the_last_upload_is_refused_for_is_told_before_the_others_have_settled(
    deployment: Deployment, step_functions: FakeStepFunctions
) -> None:
    watch = Watch.begin(deployment)
    ready = Upload(key="raw/prod2vec/d/_READY", version_id="r1")
    started(step_functions, "waits", ORDERS, {"outcome": "settle", "reason": "looked at again in 120 s"})
    started(step_functions, "refused", ready, {"outcome": "refused", "reason": "unknown setting"})
    assert watch.wait([ORDERS, ready], patience=-1.0).execution.name == "refused"
