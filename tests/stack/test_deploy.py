"""The deploy stage on the local cloud: a first version, a second one under load, and one that is rolled back."""

from __future__ import annotations

import contextlib
import json
import re
from functools import partial

import pytest

from tests.stack.callers import Callers
from tests.stack.conftest import QUICK, trainyard, wait
from trainyard.client import deployment, session
from trainyard.client.yard import Yard
from trainyard.errors import JobFailed, NotFound

# The tests build on each other: every model goes into service over the one before.
pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("endpoints")]
ENDPOINT = "trainyard-dev-prod2vec"
# More at a time than by default: these tests ask all the while.
DEPLOY = {"deploy": {"enabled": True, "memory_mb": 1024, "max_concurrency": 8}}
WEAK = {
    "hyperparameters": {"epochs": 1, "embedding_size": 2, "learning_rate": 0.0001, "basket_scorer": "vectors"},
    "gate": {"minimum": {"hit_rate_at_10": 0.0}, "beat": []},
}


def serving(stack) -> tuple[str, str]:
    """Status of the endpoint, and the model it serves."""
    sagemaker = stack.client("sagemaker")
    found = sagemaker.describe_endpoint(EndpointName=ENDPOINT)
    config = sagemaker.describe_endpoint_config(EndpointConfigName=found["EndpointConfigName"])
    return found["EndpointStatus"], config["ProductionVariants"][0]["ModelName"]


def examples(stack, arn: str) -> dict:
    return json.loads(stack.artifact(arn, "evaluate/examples.json"))


@pytest.fixture(scope="module", autouse=True)
def clean(stack):
    """Other tests of this deployment expect neither this endpoint nor this champion nor these versions."""
    ledger, key = stack.client("dynamodb"), {"id": {"S": "champion/prod2vec"}}
    ledger.delete_item(TableName=stack.outputs["LedgerTableName"], Key=key)
    before = {each["ModelPackageArn"] for each in stack.packages()}
    yield
    for each in {each["ModelPackageArn"] for each in stack.packages()} - before:
        stack.client("sagemaker").delete_model_package(ModelPackageName=each)
    trainyard(stack, "undeploy", "prod2vec", "--yes")
    ledger.delete_item(TableName=stack.outputs["LedgerTableName"], Key=key)


@pytest.fixture(scope="module")
def first(stack, data):
    return stack.run("deployed first", data, **WEAK, **DEPLOY)


@pytest.fixture(scope="module")
def second(stack, data, first):
    """A better model, deployed under load by an execution that is stopped on the way and redriven."""
    stack.upload("deployed second", {"run.json": json.dumps({**QUICK, **DEPLOY}).encode(), **data})
    arn = stack.training_execution("deployed second")
    states = stack.client("stepfunctions")
    with Callers(stack, ENDPOINT, examples(stack, first[0])["requests"][0]) as callers:
        wait(lambda: "Update endpoint" in stack.entered(arn) or None, timeout=400, what="the update")
        states.stop_execution(executionArn=arn)
        assert stack.finish(arn)["status"] == "ABORTED"
        states.redrive_execution(executionArn=arn)
        described = stack.finish(arn)
    return arn, described, callers


def test_the_first_version_is_created_tested_and_announced(stack, first):
    arn, described = first
    assert described["status"] == "SUCCEEDED", described
    output = json.loads(described["output"])
    assert output["endpoint"] == ENDPOINT
    entered = stack.entered(arn)
    assert entered.index("Create endpoint") < entered.index("Smoke test") < entered.index("Notify")
    status, model = serving(stack)
    assert status == "InService"
    assert output["run_id"] in model
    assert f"Endpoint: {ENDPOINT}" in stack.messages(output["run_id"])["Message"]


def test_the_endpoint_answers_as_the_model_did_after_training(stack, first):
    kept = examples(stack, first[0])
    asked = trainyard(stack, "predict", "prod2vec", "--input", json.dumps(kept["requests"][0]))
    assert asked.returncode == 0, asked.stderr
    assert json.loads(asked.stdout) == kept["answers"][0]
    asked = trainyard(stack, "predict", "prod2vec", "--input", '{"instances": [{"nonsense": 1}]}')
    assert asked.returncode == 1
    assert "nonsense" in asked.stderr
    assert "Traceback" not in asked.stderr


def test_a_second_version_goes_into_service_without_a_failed_request(stack, second):
    _arn, described, callers = second
    assert described["status"] == "SUCCEEDED", described
    output = json.loads(described["output"])
    status, model = serving(stack)
    assert (status, output["run_id"] in model) == ("InService", True)
    assert callers.calls > 20
    assert callers.failures == []


def test_a_redrive_goes_on_in_the_deploy_stage_and_asks_for_nothing_twice(stack, second):
    entered = stack.entered(second[0])
    assert entered.count("Update endpoint") == 1
    assert entered.count("Create endpoint configuration") == 1
    assert entered.count("Write report") == 1


def test_the_tags_of_the_endpoint_name_the_run_in_service(stack, second):
    sagemaker = stack.client("sagemaker")
    arn = sagemaker.describe_endpoint(EndpointName=ENDPOINT)["EndpointArn"]
    tags = {each["Key"]: each["Value"] for each in sagemaker.list_tags(ResourceArn=arn)["Tags"]}
    expected = {"project": "trainyard", "environment": "dev", "recipe": "prod2vec"}
    assert {**expected, "run": json.loads(second[1]["output"])["run_id"]}.items() <= tags.items()


def test_a_failed_smoke_test_brings_the_previous_version_back(stack, data, first, second):
    ledger, table = stack.client("dynamodb"), stack.outputs["LedgerTableName"]
    current = ledger.get_item(TableName=table, Key={"id": {"S": "champion/prod2vec"}})["Item"]
    weak = json.loads(first[1]["output"])["run_id"]
    archive = next(each["data"] for each in stack.models() if weak in each["name"])
    # The first model is the champion again, so that another good one passes the gate.
    ledger.put_item(TableName=table, Item=current | {"run_id": {"S": weak}, "model_data": {"S": archive}})
    stack.upload("deployed third", {"run.json": json.dumps({**QUICK, **DEPLOY, "seed": 5}).encode(), **data})
    arn = stack.training_execution("deployed third")
    wait(lambda: "Gate" in stack.entered(arn) or None, timeout=400, what="the gate")
    original = examples(stack, arn)
    kept = json.loads(json.dumps(original))
    kept["answers"][0]["predictions"][0]["products"][0]["product_id"] = -1
    key = f"{stack.plan(arn)['prefix']}/evaluate/examples.json"
    bucket = stack.outputs["ArtifactsBucketName"]
    keep = partial(stack.client("s3").put_object, Bucket=bucket, Key=key)
    keep(Body=json.dumps(kept).encode())
    with Callers(stack, ENDPOINT, kept["requests"][0]) as callers:
        described = stack.finish(arn)
    assert (described["status"], described["error"]) == ("FAILED", "DeploymentRolledBack")
    assert "Request 1: Expected -1 at .predictions[0].products[0].product_id" in described["cause"]
    status, model = serving(stack)
    assert (status, json.loads(second[1]["output"])["run_id"] in model) == ("InService", True)
    assert callers.failures == []
    message = stack.messages("is not in service")
    assert message["Subject"] == "trainyard: deployment of prod2vec rolled back"
    # It is the best model by its scores all the same.
    assert stack.champion() == stack.plan(arn)["run_id"]
    keep(Body=json.dumps(original).encode())


def test_a_model_that_was_overtaken_while_its_report_was_made_leaves_the_endpoint_alone(stack, data, second):
    ledger, table = stack.client("dynamodb"), stack.outputs["LedgerTableName"]
    current = ledger.get_item(TableName=table, Key={"id": {"S": "champion/prod2vec"}})["Item"]
    stack.forget_champion()
    stack.upload("deployed fourth", {"run.json": json.dumps({**QUICK, **DEPLOY, "seed": 7}).encode(), **data})
    arn = stack.training_execution("deployed fourth")
    wait(lambda: "Write report" in stack.entered(arn) or None, timeout=400, what="the report")
    ledger.put_item(TableName=table, Item=current)
    described = stack.finish(arn)
    assert described["status"] == "SUCCEEDED", described
    assert json.loads(described["output"])["endpoint"] == ""
    assert not {"Create endpoint", "Update endpoint"} & set(stack.entered(arn))
    assert json.loads(second[1]["output"])["run_id"] in serving(stack)[1]
    assert f"that of run {current['run_id']['S']} has taken its place" in stack.messages("was not put into")["Message"]


def test_the_model_in_use_is_put_into_service_without_a_training(stack, second):
    trained = len(stack.client("sagemaker").list_training_jobs()["TrainingJobSummaries"])
    released = trainyard(stack, "release", "prod2vec")
    assert released.returncode == 0, released.stdout + released.stderr
    assert f"The model of run {stack.champion()} is in service" in released.stdout
    status, model = serving(stack)
    assert (status, stack.champion() in model) == ("InService", True)
    assert len(stack.client("sagemaker").list_training_jobs()["TrainingJobSummaries"]) == trained
    assert trainyard(stack, "release", "two_tower").returncode == 2


def test_an_endpoint_keeps_requests_which_are_read_queried_and_forgotten(stack, first, second):
    settings = ("share=1", "seconds=1", 'never_kept=["count"]')
    released = trainyard(stack, "release", "prod2vec", *(w for s in settings for w in ("--set", f"deploy.capture.{s}")))
    assert released.returncode == 0, released.stdout + released.stderr
    product = examples(stack, first[0])["requests"][0]["instances"][0]["product_id"]
    row = json.dumps({"product_id": product, "count": 2})
    for name in ("order-1", "order-2"):
        asked = trainyard(stack, "predict", "prod2vec", "--input", row, "--inference-id", name)
        assert asked.returncode == 0, asked.stderr
    yard = Yard(deployment.find(session.on_local_cloud(stack.environment), "dev"))

    def kept():
        with contextlib.suppress(NotFound):
            found = yard.model("prod2vec").captured()
            return found if len(found) > 1 else None

    found = wait(kept, timeout=60, what="the requests")
    # Not those of the smoke test, and of the others not the field that is never kept.
    assert list(found["inference_id"]) == ["order-1", "order-2"]
    assert list(found["request"]) == [{"product_id": product}] * 2
    assert found["answer"][0] == json.loads(asked.stdout)
    assert set(found["run"]) == {stack.champion()}
    sql = "SELECT inference_id, json_extract_scalar(request, '$.product_id') AS product FROM captured"
    queried = yard.query(f"{sql} WHERE model = 'prod2vec' AND date > '2026' ORDER BY time")
    assert queried.to_dict("list") == {"inference_id": ["order-1", "order-2"], "product": [str(product)] * 2}
    with pytest.raises(JobFailed, match="which value model has"):
        yard.query(sql)
    assert trainyard(stack, "forget", "order-1", "--yes").stdout.count("Removed 1 row about order-1 in 1 file.") == 1
    assert list(yard.model("prod2vec").captured()["inference_id"]) == ["order-2"]
    assert "Found nothing about order-1." in trainyard(stack, "forget", "order-1").stdout
    logs = stack.client("logs").filter_log_events(logGroupName=f"/aws/sagemaker/Endpoints/{ENDPOINT}")["events"]
    assert logs and not any("order-" in each["message"] for each in logs)


def test_a_version_that_answers_otherwise_is_refused_and_the_next_comes_step_by_step(stack, first, second):
    ledger, table = stack.client("dynamodb"), stack.outputs["LedgerTableName"]
    current = ledger.get_item(TableName=table, Key={"id": {"S": "champion/prod2vec"}})["Item"]
    weak = json.loads(first[1]["output"])["run_id"]
    archive = next(each["data"] for each in stack.models() if weak in each["name"])
    ledger.put_item(TableName=table, Item=current | {"run_id": {"S": weak}, "model_data": {"S": archive}})
    # It has to answer the request that the test before has left as the version in service did.
    asked = ("compare.most_changed=0.05", "capture.share=1")
    compared = trainyard(stack, "release", "prod2vec", *(w for s in asked for w in ("--set", f"deploy.{s}")))
    ledger.put_item(TableName=table, Item=current)
    assert compared.returncode == 1, compared.stdout + compared.stderr
    said = " ".join((compared.stdout + compared.stderr).split())
    assert "It answers 1 of the 1 newest rows that the endpoint was asked" in said
    assert (serving(stack)[0], stack.champion() in serving(stack)[1]) == ("InService", True)
    steps = ("type=instances", "instance_count=2", "rollout.type=canary", "rollout.wait_s=1")
    released = trainyard(stack, "release", "prod2vec", *(w for s in steps for w in ("--set", f"deploy.{s}")))
    assert released.returncode == 0, released.stdout + released.stderr
    found = stack.client("sagemaker").describe_endpoint(EndpointName=ENDPOINT)
    assert found["LastDeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"][0]["AlarmName"] == f"{ENDPOINT}-errors"
    # Nothing is left of the endpoints on which both were tried.
    listed = stack.client("sagemaker").list_endpoints(NameContains=f"{ENDPOINT}-")["Endpoints"]
    assert not [each for each in listed if re.fullmatch(rf"{ENDPOINT}-[0-9a-f]{{8}}", each["EndpointName"])]


def test_a_model_is_taken_out_of_service(stack, second):
    # Other tests on this stack may have a model of another recipe in service, which must stay there.
    listed = {each["name"]: each for each in json.loads(trainyard(stack, "endpoints", "--json").stdout)}
    of_recipe = listed.pop(ENDPOINT)
    assert of_recipe["run"] == stack.champion()
    assert not [each for each in listed if each.startswith(ENDPOINT)]
    removed = trainyard(stack, "undeploy", "prod2vec", "--yes")
    assert removed.returncode == 0, removed.stderr
    # The endpoint, one configuration for each of the eight deployments, and two alarms of a roll-out.
    assert len(removed.stdout.splitlines()) == 11
    left = stack.client("sagemaker").list_endpoint_configs()["EndpointConfigs"]
    assert [each for each in left if ENDPOINT in each["EndpointConfigName"]] == []
    still = json.loads(trainyard(stack, "endpoints", "--json").stdout)
    assert {each["name"] for each in still} == set(listed)
    assert trainyard(stack, "predict", "prod2vec", "--input", "{}").returncode == 4
