"""`endpoints`, `predict` and `undeploy` against prepared answers of SageMaker."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from trainyard.cli.command import target
from trainyard.cli.main import main
from trainyard.client.deployment import Deployment
from trainyard.client.model import endpoint_removal, endpoints
from trainyard.errors import BadRequest

NAME = "trainyard-dev-prod2vec"
CONFIG = f"{NAME}-0a1b2c3d"
ARN = "arn:aws:sagemaker:us-east-1:111122223333:"
SINCE = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
REQUEST = '{"instances": [{"product_id": 24852}]}'
MISSING = ("ValidationException", f'Could not find endpoint "{ARN}endpoint/{NAME}".')


@pytest.fixture
def sagemaker(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Stubber:
    """SageMaker's control plane, which answers what a test prepares and nothing else."""
    monkeypatch.setattr(target, "deployed", lambda **_: deployment)
    monkeypatch.setattr(endpoint_removal.time, "sleep", lambda _: None)
    return stubbed(deployment, "sagemaker")


@pytest.fixture
def runtime(deployment: Deployment) -> Stubber:
    return stubbed(deployment, "sagemaker-runtime")


def stubbed(deployment: Deployment, service: str) -> Stubber:
    client = boto3.client(service, region_name="us-east-1")
    deployment.target._clients[service] = client
    stubber = Stubber(client)
    stubber.activate()
    return stubber


def found(stubber: Stubber, status: str = "InService", name: str = NAME, **more: Any) -> None:
    answer = {
        "EndpointName": name,
        "EndpointArn": f"{ARN}endpoint/{name}",
        "EndpointConfigName": CONFIG,
        "EndpointStatus": status,
        "CreationTime": SINCE,
        "LastModifiedTime": SINCE,
        **more,
    }
    stubber.add_response("describe_endpoint", answer, {"EndpointName": name})


def configured(stubber: Stubber, *, shadow: dict[str, Any] | None = None, **variant: Any) -> None:
    stubber.add_response(
        "describe_endpoint_config",
        {
            "EndpointConfigName": CONFIG,
            "EndpointConfigArn": f"{ARN}endpoint-config/{CONFIG}",
            "ProductionVariants": [
                {"VariantName": "model", "ModelName": "dev-model-20261121-024833-1a2b3c4d-9f8e7d6c", **variant}
            ],
            **({} if shadow is None else {"ShadowProductionVariants": [{"VariantName": "shadow", **shadow}]}),
            "CreationTime": SINCE,
        },
        {"EndpointConfigName": CONFIG},
    )


def names(stubber: Stubber, *names: str, status: str = "InService") -> None:
    entries = [
        {
            "EndpointName": each,
            "EndpointArn": f"{ARN}endpoint/{each}",
            "CreationTime": SINCE,
            "LastModifiedTime": SINCE,
            "EndpointStatus": status,
        }
        for each in names
    ]
    stubber.add_response("list_endpoints", {"Endpoints": entries}, {"NameContains": "trainyard-dev-"})


def test_the_table_names_run_status_and_machine(sagemaker: Stubber, capsys: pytest.CaptureFixture[str]) -> None:
    # NameContains finds more than names that begin so.
    names(sagemaker, NAME, "my-trainyard-dev-thing")
    found(sagemaker)
    configured(sagemaker, ServerlessConfig={"MemorySizeInMB": 2048, "MaxConcurrency": 5})
    assert main(["endpoints"]) == 0
    shown = capsys.readouterr().out
    for part in (NAME, "20261121-024833-1a2b3c4d", "InService", "serverless, 2048 MB", "2026-11-2"):
        assert part in shown
    assert "thing" not in shown


def test_the_table_as_json_and_the_reason_of_a_failure(sagemaker: Stubber, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        names(sagemaker, NAME)
        found(sagemaker, "Failed", FailureReason="The container did not answer /ping.")
        configured(sagemaker, InstanceType="ml.m5.large", InitialInstanceCount=2)
    assert main(["endpoints", "--json"]) == 0
    [document] = json.loads(capsys.readouterr().out)
    assert (document["kind"], document["reason"]) == ("2 x ml.m5.large", "The container did not answer /ping.")
    assert main(["endpoints"]) == 0
    assert f"{NAME}: The container did not answer /ping." in capsys.readouterr().out


def test_the_table_says_how_far_an_update_is(sagemaker: Stubber, capsys: pytest.CaptureFixture[str]) -> None:
    names(sagemaker, NAME)
    stage = {"Status": "Baking", "StatusMessage": "25% of the calls for 600 s", "StartTime": SINCE}
    variant = {"VariantName": "model", "VariantStatus": [stage]}
    pending = {"EndpointConfigName": f"{NAME}-9f8e7d6c", "ProductionVariants": [variant], "StartTime": SINCE}
    found(sagemaker, "Updating", PendingDeploymentSummary=pending)
    configured(sagemaker, InstanceType="ml.m5.large", InitialInstanceCount=4)
    assert main(["endpoints"]) == 0
    assert f"{NAME} gets {NAME}-9f8e7d6c: Baking 25% of the calls for 600 s\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("model", "weights", "run", "said"),
    [
        ("dev-model-20261129-024833-1a2b3c4d-9f8e7d6c", (1.0, 1.0), "20261129-024833-1a2b3c4d", "copies of 100% of"),
        ("dev-model-20261129-024833-1a2b3c4d-9f8e7d6c", (0.5, 2.0), "20261129-024833-1a2b3c4d", "copies of 25% of"),
        ("mine", (0.015, 1.0), "", "a model of no run answers copies of 1.5% of its requests in the shadow"),
    ],
    ids=["every request", "a share", "a foreign model"],
)
def test_what_answers_in_the_shadow_is_said(
    sagemaker: Stubber,
    capsys: pytest.CaptureFixture[str],
    model: str,
    weights: tuple[float, float],
    run: str,
    said: str,
) -> None:
    for _ in range(2):
        names(sagemaker, NAME)
        found(sagemaker)
        shadow = {"ModelName": model, "InitialVariantWeight": weights[0]}
        machine = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        configured(sagemaker, shadow=shadow, **machine, InitialVariantWeight=weights[1])
    assert main(["endpoints"]) == 0
    shown = capsys.readouterr().out
    assert said in shown and f"{NAME}: " in shown and run in shown
    assert main(["endpoints", "--json"]) == 0
    [document] = json.loads(capsys.readouterr().out)
    assert (document["shadow_run"], document["shadow_share"]) == (run, weights[0] / weights[1])


def test_without_a_shadow_none_is_said(sagemaker: Stubber, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        names(sagemaker, NAME)
        found(sagemaker)
        configured(sagemaker, InstanceType="ml.m5.large", InitialInstanceCount=1)
    assert main(["endpoints"]) == 0
    assert "shadow" not in capsys.readouterr().out
    assert main(["endpoints", "--json"]) == 0
    [document] = json.loads(capsys.readouterr().out)
    assert (document["shadow_run"], document["shadow_share"]) == ("", None)


def test_nothing_in_service_says_how_to_change_that(sagemaker: Stubber, capsys: pytest.CaptureFixture[str]) -> None:
    names(sagemaker)
    assert main(["endpoints"]) == 0
    assert "trainyard release RECIPE" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "content_type", "options"),
    [
        (REQUEST, "application/json", []),
        ("request.json", "application/json", []),
        ("rows.csv", "text/csv", []),
        ("rows.csv", "application/jsonlines", ["--content-type", "application/jsonlines"]),
        ("-", "application/json", []),
    ],
)
def test_predict_takes_json_files_and_standard_input(
    sagemaker: Stubber,
    runtime: Stubber,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    given: str,
    content_type: str,
    options: list[str],
) -> None:
    if "." in given:
        (tmp_path / given).write_text(REQUEST, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(REQUEST.encode())))
    runtime.add_response(
        "invoke_endpoint",
        {"Body": io.BytesIO('{"predictions": ["é"]}'.encode())},
        {"EndpointName": NAME, "Body": REQUEST.encode(), "ContentType": content_type},
    )
    assert main(["predict", "prod2vec", "--input", given, *options]) == 0
    shown = capsys.readouterr().out
    assert json.loads(shown) == {"predictions": ["é"]}
    assert "é" in shown


def test_release_starts_the_machine_on_the_model_in_use(
    deployment: Deployment, sagemaker: Stubber, capsys: pytest.CaptureFixture[str]
) -> None:
    started: dict[str, Any] = {}

    class Machine:
        def start_execution(self, **given: Any) -> dict[str, str]:
            started.update(given)
            return {"executionArn": f"arn:{given['name']}"}

    deployment.target._clients["stepfunctions"] = Machine()
    assert main(["release", "prod2vec", "--set", "deploy.type=instances", "--no-follow"]) == 0
    asked = json.loads(started["input"])
    assert (asked["recipe"], asked["task"]) == ("prod2vec", "deploy")
    assert asked["overrides"] == {"deploy": {"type": "instances"}}
    assert started["name"] in capsys.readouterr().out
    assert main(["release", "prod2vec", "--set", "deploy.type=cloud"]) == 2


@pytest.mark.parametrize("version", ["4", "20261121-024833-1a2b3c4d"])
def test_release_with_a_version_in_the_shadow(deployment: Deployment, sagemaker: Stubber, version: str) -> None:
    started: list[dict[str, Any]] = []

    class Machine:
        def start_execution(self, **given: Any) -> dict[str, str]:
            started.append(json.loads(given["input"]))
            return {"executionArn": f"arn:{given['name']}"}

    deployment.target._clients["stepfunctions"] = Machine()
    share = "deploy.shadow.share=0.1"
    command = ["release", "prod2vec", "--set", share, "--set", "deploy.type=instances", "--no-follow"]
    assert main([*command, "--shadow", version]) == 0
    [asked] = started
    assert asked["overrides"] == {"deploy": {"type": "instances", "shadow": {"share": 0.1, "version": version}}}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--set", "deploy.type=instances", "--set", "deploy.shadow.version=four"], "Expected one of --shadow and"),
        ([], "expected deploy.type instances for deploy.shadow.version"),
    ],
    ids=["two versions", "serverless"],
)
def test_a_shadow_that_cannot_be_is_refused_at_once(
    sagemaker: Stubber, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    # Nothing was prepared: any call would have raised.
    assert main(["release", "prod2vec", "--shadow", "4", *options]) == 2
    assert said in capsys.readouterr().err


def test_a_variant_has_an_endpoint_of_its_own(deployment: Deployment) -> None:
    assert endpoints.name_of(deployment, "propensity", variant="product-3") == "trainyard-dev-propensity-product-3"
    assert endpoints.name_of(deployment, "two_tower") == "trainyard-dev-two-tower"
    assert endpoints.name_of(deployment, "two_tower", model="shop-north") == "trainyard-dev-two-tower--shop-north"
    with pytest.raises(BadRequest, match="Expected a model's name of"):
        endpoints.name_of(deployment, "two_tower", model="Shop")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["predict", "nothing", "--input", "{}"], 2, "Expected one of the recipes"),
        (["undeploy", "nothing", "--yes"], 2, "Expected one of the recipes"),
        (["predict", "prod2vec", "--input", "absent.json"], 2, "Expected a file, - or JSON"),
        (["predict", "prod2vec", "--input", "rows.xml"], 2, "Expected a name ending in .json, .jsonl, .csv"),
    ],
)
def test_wrong_usage_is_one_sentence(
    sagemaker: Stubber,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.xml").write_text("<x/>", encoding="utf-8")
    assert main(arguments) == code
    assert said in capsys.readouterr().err


def test_the_model_refuses_in_its_own_words(
    sagemaker: Stubber, runtime: Stubber, capsys: pytest.CaptureFixture[str]
) -> None:
    fields = {"OriginalStatusCode": 400, "OriginalMessage": '{"error":"Row 1: unknown product 24852."}'}
    runtime.add_client_error("invoke_endpoint", "ModelError", "Received client error", modeled_fields=fields)
    assert main(["predict", "prod2vec", "--input", REQUEST]) == 1
    assert capsys.readouterr().err == "The model refused the request: Row 1: unknown product 24852.\n"


def test_a_model_that_is_not_deployed_is_not_found(
    sagemaker: Stubber, runtime: Stubber, capsys: pytest.CaptureFixture[str]
) -> None:
    said = f"Endpoint {NAME} of account 111122223333 not found."
    runtime.add_client_error("invoke_endpoint", "ValidationError", said)
    sagemaker.add_client_error("describe_endpoint", *MISSING)
    assert main(["predict", "prod2vec", "--input", REQUEST]) == 4
    assert f"Expected the endpoint {NAME}" in capsys.readouterr().err


def configurations(stubber: Stubber, *names: str) -> None:
    entries = [
        {"EndpointConfigName": each, "EndpointConfigArn": f"{ARN}endpoint-config/{each}", "CreationTime": SINCE}
        for each in names
    ]
    stubber.add_response("list_endpoint_configs", {"EndpointConfigs": entries}, {"NameContains": NAME})


def test_undeploy_removes_the_endpoint_and_only_its_own_configurations_and_alarms(
    deployment: Deployment, sagemaker: Stubber, capsys: pytest.CaptureFixture[str]
) -> None:
    other = f"{NAME}-product-3-0a1b2c3d"
    configurations(sagemaker, CONFIG, other, f"{NAME}-9f8e7d6c")
    # A stopped execution has left the endpoint on which it tried a version.
    for _ in range(2):
        names(sagemaker, NAME, CONFIG, other)
    for each in (NAME, CONFIG):
        sagemaker.add_response("delete_endpoint", {}, {"EndpointName": each})
    names(sagemaker, NAME, CONFIG, other, status="Deleting")
    names(sagemaker, other)
    alarms = stubbed(deployment, "cloudwatch")
    expected = {"AlarmNames": [f"{NAME}-errors", f"{NAME}-latency"], "AlarmTypes": ["MetricAlarm"]}
    alarms.add_response("describe_alarms", {"MetricAlarms": [{"AlarmName": f"{NAME}-errors"}]}, expected)
    alarms.add_response("delete_alarms", {}, {"AlarmNames": [f"{NAME}-errors"]})
    for each in (CONFIG, f"{NAME}-9f8e7d6c"):
        sagemaker.add_response("delete_endpoint_config", {}, {"EndpointConfigName": each})
    assert main(["undeploy", "prod2vec", "--yes"]) == 0
    alarms.assert_no_pending_responses()
    sagemaker.assert_no_pending_responses()
    shown = capsys.readouterr().out
    assert {f"Removed {each}" for each in (NAME, CONFIG, f"{NAME}-errors")} <= set(shown.splitlines())
    assert other not in shown


@pytest.mark.parametrize("status", ["Creating", "Updating", "RollingBack", "SystemUpdating"])
def test_undeploy_waits_until_sagemaker_lets_an_endpoint_go(
    deployment: Deployment, sagemaker: Stubber, capsys: pytest.CaptureFixture[str], status: str
) -> None:
    configurations(sagemaker, CONFIG)
    for _ in range(3):
        names(sagemaker, NAME, status=status)
    names(sagemaker, NAME)
    sagemaker.add_response("delete_endpoint", {}, {"EndpointName": NAME})
    names(sagemaker)
    sagemaker.add_response("delete_endpoint_config", {}, {"EndpointConfigName": CONFIG})
    stubbed(deployment, "cloudwatch").add_response("describe_alarms", {"MetricAlarms": []})
    assert main(["undeploy", "prod2vec", "--yes"]) == 0
    sagemaker.assert_no_pending_responses()
    shown = capsys.readouterr()
    assert shown.err == f"Endpoint {NAME} is {status}: it is deleted as soon as that is over.\n"
    assert shown.out.splitlines() == [f"Removed {NAME}", f"Removed {CONFIG}"]


def test_undeploy_deletes_an_endpoint_that_an_execution_made_anew_meanwhile(
    deployment: Deployment, sagemaker: Stubber
) -> None:
    configurations(sagemaker)
    for _ in range(2):
        names(sagemaker, NAME)
    sagemaker.add_response("delete_endpoint", {}, {"EndpointName": NAME})
    names(sagemaker, NAME, status="Creating")
    names(sagemaker, NAME)
    sagemaker.add_response("delete_endpoint", {}, {"EndpointName": NAME})
    names(sagemaker)
    stubbed(deployment, "cloudwatch").add_response("describe_alarms", {"MetricAlarms": []})
    assert main(["undeploy", "prod2vec", "--yes"]) == 0
    sagemaker.assert_no_pending_responses()


def test_undeploy_goes_on_where_an_execution_changes_the_endpoint_at_the_same_moment(
    deployment: Deployment, sagemaker: Stubber
) -> None:
    configurations(sagemaker)
    for _ in range(2):
        names(sagemaker, NAME)
    sagemaker.add_client_error("delete_endpoint", "ValidationException", "Cannot update in-progress endpoint")
    for _ in range(2):
        names(sagemaker, NAME, status="Updating")
    names(sagemaker, NAME)
    sagemaker.add_response("delete_endpoint", {}, {"EndpointName": NAME})
    names(sagemaker)
    stubbed(deployment, "cloudwatch").add_response("describe_alarms", {"MetricAlarms": []})
    assert main(["undeploy", "prod2vec", "--yes"]) == 0
    sagemaker.assert_no_pending_responses()


def test_undeploy_says_why_an_endpoint_does_not_go(
    sagemaker: Stubber, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configurations(sagemaker, CONFIG)
    for _ in range(2):
        names(sagemaker, NAME)
    sagemaker.add_client_error("delete_endpoint", "AccessDeniedException", "not authorized")
    names(sagemaker, NAME)
    assert main(["undeploy", "prod2vec", "--yes"]) == 1
    assert "not authorized" in capsys.readouterr().err
    monkeypatch.setattr(endpoint_removal, "LONGEST_SECONDS", 0.0)
    configurations(sagemaker, CONFIG)
    for _ in range(2):
        names(sagemaker, NAME, status="Updating")
    assert main(["undeploy", "prod2vec", "--yes"]) == 1
    assert f"gone within 0 seconds; {NAME} is still Updating" in capsys.readouterr().err
    # The configuration that it uses is left as it was.
    sagemaker.assert_no_pending_responses()


def test_undeploy_asks_first(sagemaker: Stubber, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert main(["undeploy", "prod2vec"]) == 1
    # Nothing was prepared: any request would have raised.
    sagemaker.assert_no_pending_responses()


def test_undeploy_removes_alarms_that_a_removal_which_broke_off_left(
    deployment: Deployment, sagemaker: Stubber, capsys: pytest.CaptureFixture[str]
) -> None:
    configurations(sagemaker)
    names(sagemaker)
    alarms = stubbed(deployment, "cloudwatch")
    alarms.add_response("describe_alarms", {"MetricAlarms": [{"AlarmName": f"{NAME}-latency"}]})
    alarms.add_response("delete_alarms", {}, {"AlarmNames": [f"{NAME}-latency"]})
    assert main(["undeploy", "prod2vec", "--yes"]) == 0
    alarms.assert_no_pending_responses()
    assert f"Removed {NAME}-latency" in capsys.readouterr().out


def test_undeploy_of_nothing_is_not_found(
    deployment: Deployment, sagemaker: Stubber, capsys: pytest.CaptureFixture[str]
) -> None:
    configurations(sagemaker)
    names(sagemaker)
    stubbed(deployment, "cloudwatch").add_response("describe_alarms", {"MetricAlarms": []})
    assert main(["undeploy", "prod2vec", "--yes"]) == 4
    assert f"Expected the endpoint {NAME}" in capsys.readouterr().err
