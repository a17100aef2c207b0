"""The deploy stage on its ways: what the endpoint is decides what is done, and nothing more is done."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.state_machine.scenarios import scenarios
from tests.state_machine.walk import Call, Walk, definition, walk
from trainyard.run.naming import alarm_names, short_name

DEPLOYED = [each for each in scenarios() if "Create endpoint configuration" in each["path"]]
CHANGES = ("Create endpoint", "Update endpoint", "Delete endpoint")


def changes(done: Walk) -> list[tuple[str, str]]:
    """What was asked of the endpoint: (state, configuration)."""
    return [(each.state, each.arguments.get("EndpointConfigName", "")) for each in done.calls if each.state in CHANGES]


def way(name: str) -> Walk:
    return walk(definition(), next(each for each in scenarios() if each["name"] == name))


def configurations() -> list[Call]:
    done = [each for scenario in DEPLOYED for each in walk(definition(), scenario).calls]
    return [each for each in done if each.state == "Create endpoint configuration"]


def test_nothing_is_deployed_unless_the_settings_say_so() -> None:
    done = way("a better model takes over")
    assert "Deploy?" in done.path
    assert changes(done) == []
    assert done.output["endpoint"] == ""


def test_names_of_configurations_are_valid_and_never_the_same_twice() -> None:
    """The answers name one configuration; what is asked for is minted per execution and attempt."""
    names = [each.arguments["EndpointConfigName"] for each in configurations()]
    assert len(set(names)) == len(names) == len(DEPLOYED) > 5
    for name in names:
        assert re.fullmatch(r"trainyard-dev-prod2vec-[0-9a-f]{8}", name)


@pytest.mark.parametrize(
    "model", ["neural_topic_model", "propensity-product-9223372036854775807--" + "n" * 32, "two_tower--shop-north"]
)
def test_names_of_endpoints_are_what_sagemaker_accepts(model: str) -> None:
    scenario = json.loads(json.dumps(DEPLOYED[0]))
    scenario["results"]["Resolve request"][0]["result"]["Payload"] |= {"model": model, "short_name": short_name(model)}
    calls = [each.arguments for each in walk(definition(), scenario).calls]
    for key in ("EndpointName", "EndpointConfigName"):
        for name in (each[key] for each in calls if key in each):
            assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", name)


def test_a_serverless_model_is_made_without_network_isolation_which_serverless_endpoints_refuse() -> None:
    for scenario in DEPLOYED:
        made: dict[str, Any] = {each.state: each.arguments for each in walk(definition(), scenario).calls}
        [variant] = made["Create endpoint configuration"]["ProductionVariants"]
        serverless = scenario["results"]["Resolve request"][0]["result"]["Payload"]["deploy"]["type"] == "serverless"
        assert ("ServerlessConfig" in variant) is serverless
        assert ("InstanceType" in variant) is not serverless
        model = made.get("Create model to deploy") or made.get("Create model")
        # That of a version which waited for approval was made with it.
        assert model is None or model["EnableNetworkIsolation"] is not serverless
        assert variant["ModelName"]


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("the first version of an endpoint on instances is created", "Create model"),
        ("the model in use is put into service without a training", "Create model to deploy"),
    ],
)
def test_an_endpoint_that_keeps_requests_is_told_so_and_has_a_network_to_write_them(name: str, state: str) -> None:
    scenario = json.loads(json.dumps(next(each for each in scenarios() if each["name"] == name)))
    deploy = scenario["results"]["Resolve request"][0]["result"]["Payload"]["deploy"]
    deploy["type"] = "instances"

    def made() -> dict[str, Any]:
        return next(each.arguments for each in walk(definition(), scenario).calls if each.state == state)

    told = {"TRAINYARD_RECIPE": "prod2vec", "TRAINYARD_ENDPOINT_TYPE": "instances"}
    assert (made()["EnableNetworkIsolation"], made()["PrimaryContainer"]["Environment"]) == (True, told)
    deploy["variables"] = {"TRAINYARD_CAPTURE": "{}"}
    told |= deploy["variables"]
    assert (made()["EnableNetworkIsolation"], made()["PrimaryContainer"]["Environment"]) == (False, told)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("the first version of an endpoint on instances is created", [("Create endpoint", "new")]),
        ("a better model goes into service in place of the old one", [("Update endpoint", "new")]),
        (
            "a smoke test fails and the previous version returns",
            [("Update endpoint", "new"), ("Update endpoint", "old")],
        ),
        ("the first version cannot be tested and is taken down", [("Create endpoint", "new"), ("Delete endpoint", "")]),
        ("the model in use is put into service without a training", [("Update endpoint", "new")]),
        ("there is no model to put into service", []),
        ("the model in use fails its smoke test once more", [("Update endpoint", "new"), ("Update endpoint", "old")]),
        (
            "a broken endpoint is replaced by one that does not start either",
            [("Delete endpoint", ""), ("Create endpoint", "new"), ("Delete endpoint", "")],
        ),
        ("an update that SageMaker refuses leaves the old version in service", [("Update endpoint", "new")]),
        ("an update that fails is taken back by SageMaker itself", [("Update endpoint", "new")]),
        (
            "an endpoint that was made although the answer got lost is found and used",
            [("Create endpoint", "new")],
        ),
        ("an endpoint that may not be looked at is left alone", []),
        ("a model that was overtaken while its report was made is not put into service", []),
        ("a model that is overtaken while it is being deployed leaves the endpoint alone", []),
    ],
)
def test_the_endpoint_is_asked_for_what_is_missing_and_for_nothing_else(
    name: str, expected: list[tuple[str, str]]
) -> None:
    ours = {"new": "trainyard-dev-prod2vec-0a1b2c3d", "old": "trainyard-dev-prod2vec-9f8e7d6c", "": ""}
    assert changes(way(name)) == [(state, ours[configuration]) for state, configuration in expected]


def test_another_deployment_that_took_over_is_not_rolled_back() -> None:
    """Whoever updates last is in service: this run tells that it is not, and leaves the endpoint alone."""
    scenario = json.loads(json.dumps(next(each for each in DEPLOYED if "in place of" in each["name"])))
    last = scenario["results"]["Find endpoint"][-1]["result"]
    last["EndpointConfigName"] = "trainyard-dev-prod2vec-77777777"
    scenario["results"]["Report failed deployment"] = [{"result": {"MessageId": "1"}}]
    done = walk(definition(), scenario)
    assert changes(done) == [("Update endpoint", "trainyard-dev-prod2vec-0a1b2c3d")]
    assert done.error == "DeploymentRolledBack"
    assert "trainyard-dev-prod2vec-77777777" in done.cause


def test_a_model_that_was_overtaken_leaves_the_endpoint_to_the_newer_one_and_says_so() -> None:
    done = way("a model that was overtaken while its report was made is not put into service")
    assert done.path.index("Find newest model") > done.path.index("Move champion pointer")
    assert done.output["endpoint"] == ""
    messages = {each.state: each.arguments["Message"] for each in done.calls if "Message" in each.arguments}
    assert "for that of run 20261121-030000-0badcafe has taken its place" in messages["Report newer model"]
    assert "Endpoint:" not in messages["Notify"]
    done = way("a model that is overtaken while it is being deployed leaves the endpoint alone")
    assert done.output["outcome"] == "superseded"
    assert done.output["newer_run"] == "20261121-030000-0badcafe"


def test_going_back_to_the_previous_version_asks_nobody() -> None:
    """A version that failed its smoke test is taken back even if a newer model was registered meanwhile."""
    done = way("a smoke test fails and the previous version returns")
    assert done.path.count("Find newest model") == 1
    assert done.path.count("Update endpoint") == 2


def test_a_pointer_that_somebody_removed_stops_no_deployment() -> None:
    scenario = json.loads(json.dumps(next(each for each in DEPLOYED if "in place of" in each["name"])))
    scenario["results"]["Find newest model"] = [{"result": {}}]
    assert changes(walk(definition(), scenario)) == [("Update endpoint", "trainyard-dev-prod2vec-0a1b2c3d")]


def test_an_endpoint_that_cannot_be_seen_for_a_while_is_asked_for_again() -> None:
    """SageMaker throttles those who ask often; that says nothing about the endpoint."""
    scenario = json.loads(json.dumps(next(each for each in DEPLOYED if "in place of" in each["name"])))
    busy, *later = scenario["results"]["Find endpoint"]
    throttled = {"error": "SageMaker.SageMakerException", "cause": "Rate exceeded (Service: SageMaker)"}
    scenario["results"]["Find endpoint"] = [throttled, busy, *[throttled] * 9, *later]
    done = walk(definition(), scenario)
    assert changes(done) == [("Update endpoint", "trainyard-dev-prod2vec-0a1b2c3d")]
    assert done.output["outcome"] == "registered"


def test_an_endpoint_that_changes_for_ever_is_given_up() -> None:
    scenario = json.loads(json.dumps(next(each for each in DEPLOYED if "in place of" in each["name"])))
    busy = scenario["results"]["Find endpoint"][0]
    scenario["results"]["Find endpoint"] = [busy] * 800
    scenario["results"]["Report failed deployment"] = [{"result": {"MessageId": "1"}}]
    done = walk(definition(), scenario)
    assert done.path.count("Wait for endpoint") == 700
    assert done.error == "DeploymentRolledBack"


def test_requests_that_move_for_ever_are_not_said_to_be_back() -> None:
    name = "an alarm sends the requests back while they move step by step"
    scenario = json.loads(json.dumps(next(each for each in DEPLOYED if each["name"] == name)))
    looks = scenario["results"]["Find endpoint"]
    scenario["results"]["Find endpoint"] = [*looks[:-1], *[looks[-2]] * 800]
    done = walk(definition(), scenario)
    assert (
        done.cause == "Endpoint trainyard-dev-prod2vec is Updating with configuration trainyard-dev-prod2vec-9f8e7d6c."
    )
    # An execution has a history of 25,000 events, of which a look takes nine.
    assert 9 * done.path.count("Find endpoint") < 20_000


def test_what_a_comparison_found_is_told() -> None:
    name = "a serverless version is compared with the one before on an endpoint of its own"
    scenario = json.loads(json.dumps(next(each for each in DEPLOYED if each["name"] == name)))
    said = "Nothing was compared."
    scenario["results"]["Smoke test"][0]["result"]["Payload"]["compared"] = said
    done = walk(definition(), scenario)
    assert next(each.arguments for each in done.calls if each.state == "Notify")["Message"].endswith(said)


def test_people_learn_why_and_that_the_model_stays_registered() -> None:
    done = way("a smoke test fails and the previous version returns")
    message = next(each.arguments for each in done.calls if each.state == "Report failed deployment")["Message"]
    assert "is registered, but it is not in service" in message
    assert "Expected 24852" in message
    assert "InService with configuration trainyard-dev-prod2vec-9f8e7d6c" in message
    done = way("the first version of an endpoint on instances is created")
    message = next(each.arguments for each in done.calls if each.state == "Notify")["Message"]
    assert message.endswith("\nEndpoint: trainyard-dev-prod2vec")
    assert done.output["endpoint"] == "trainyard-dev-prod2vec"


def test_the_model_in_use_is_tested_with_its_own_requests_and_labelled_with_its_own_run() -> None:
    calls = {
        each.state: each.arguments for each in way("the model in use is put into service without a training").calls
    }
    run = "20261120-101010-5e6f7a8b"
    assert calls["Create model to deploy"]["ModelName"].startswith(f"trainyard-ninechars-model-{run}-")
    assert calls["Smoke test"]["Payload"]["run"] == {"recipe": "prod2vec", "run_id": run}
    for state in ("Create endpoint configuration", "Label endpoint"):
        tags = {each["Key"]: each["Value"] for each in calls[state]["Tags"]}
        assert tags["run"] == run
        assert "dataset" not in tags
    assert f"of run {run} is in service" in calls["Report deployment"]["Message"]


def test_a_version_gets_requests_step_by_step_after_a_test_on_an_endpoint_of_its_own() -> None:
    done = way("a version that is tried first gets the requests step by step")
    asked = [(each.state, each.arguments) for each in done.calls]
    names = [(state, given["EndpointName"]) for state, given in asked if state in CHANGES]
    trial = "trainyard-dev-prod2vec-0a1b2c3d"
    assert names == [("Create endpoint", trial), ("Delete endpoint", trial)]
    tested = [given["Payload"]["endpoint"] for state, given in asked if state == "Smoke test"]
    assert tested == [trial, "trainyard-dev-prod2vec"]
    [rolled] = [given for state, given in asked if state == "Roll out step by step"]
    watched = [given["AlarmName"] for state, given in asked if state.startswith("Watch")]
    assert watched == alarm_names("trainyard-dev-prod2vec")
    assert rolled["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"] == [{"AlarmName": n} for n in watched]
    assert rolled["DeploymentConfig"]["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]["Type"] == "CANARY"
    assert rolled["EndpointName"] == "trainyard-dev-prod2vec"
    # Those of the new version alone: a share of few requests is little of all of them.
    whose = [
        {each["Name"]: each["Value"] for each in given["Dimensions"]} for s, given in asked if s.startswith("Watch")
    ]
    assert {each["EndpointConfigName"] for each in whose} == {rolled["EndpointConfigName"]}
    thresholds = [given["Threshold"] for state, given in asked if state.startswith("Watch")]
    assert thresholds == [0.01, 2_000_000]


def test_a_version_that_fails_its_test_is_put_before_no_caller() -> None:
    done = way("a version that fails its test gets no request")
    assert not {"Update endpoint", "Roll out step by step"} & set(done.path)
    assert done.path[-1] == "Deployment rolled back"


def test_answers_are_compared_before_a_version_is_in_service_and_not_after() -> None:
    done = way("a serverless version is compared with the one before on an endpoint of its own")
    asked = [each.arguments["Payload"] for each in done.calls if each.state == "Smoke test"]
    assert [each["comparison"].get("most_changed") for each in asked] == [0.2, None]
    assert {each["database"] for each in asked} == {"trainyard_dev"}
    assert done.path.count("Update endpoint") == 1


def test_a_challenger_gets_copies_of_the_requests_and_keeps_its_answers_apart() -> None:
    done = way("a challenger answers in the shadow of the model in use")
    calls: dict[str, Any] = {each.state: each.arguments for each in done.calls}
    made = calls["Create model of challenger"]
    assert made["ModelName"].startswith("trainyard-ninechars-model-20261121-010203-9a9b9c9d-")
    assert made["PrimaryContainer"]["Image"].endswith(":challenger")
    assert made["PrimaryContainer"]["ModelDataUrl"].endswith("20261121-010203-9a9b9c9d/train/j/output/model.tar.gz")
    assert made["PrimaryContainer"]["Environment"]["TRAINYARD_CAPTURE"] == "{}"
    assert made["EnableNetworkIsolation"] is False
    configuration = calls["Create configuration with shadow"]
    [served], [shadow] = configuration["ProductionVariants"], configuration["ShadowProductionVariants"]
    assert (served["VariantName"], served["InitialVariantWeight"]) == ("model", 1)
    assert (shadow["VariantName"], shadow["InitialVariantWeight"]) == ("shadow", 0.5)
    assert shadow["ModelName"] == "dev-model-20261121-010203-9a9b9c9d-55556666"
    assert (shadow["InstanceType"], shadow["InitialInstanceCount"]) == (served["InstanceType"], 2)
    assert {each["Key"]: each["Value"] for each in made["Tags"]}["run"] == "20261121-010203-9a9b9c9d"
    assert "In its shadow: version 8." in calls["Report deployment"]["Message"]
    assert calls["Smoke test"]["Payload"]["run"]["run_id"] == "20261120-101010-5e6f7a8b"


def test_a_release_without_a_challenger_ends_the_shadow() -> None:
    done = way("the model in use is put into service without a training")
    assert "Create configuration with shadow" not in done.path
    assert not any("ShadowProductionVariants" in each.arguments for each in done.calls)


def test_people_learn_that_a_challenger_did_not_start() -> None:
    done = way("a challenger does not start, and the model in use serves on without it")
    message = next(each.arguments for each in done.calls if each.state == "Report failed deployment")["Message"]
    assert "not in service with that of run 20261121-010203-9a9b9c9d in its shadow." in message
    assert changes(done) == [("Update endpoint", "trainyard-dev-prod2vec-0a1b2c3d")]
