"""What an execution cost and what a run would cost, from what its jobs' services say of them."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from recipes.prod2vec.config import CONFIG
from state_machines import definition
from tests.cli.story import FakeStepFunctions, Story
from trainyard.cli.execution_view.ending import print_ending
from trainyard.cli.run import start
from trainyard.client.dataset.submission import Submission
from trainyard.client.deployment import Deployment
from trainyard.client.execution.history import visits
from trainyard.client.execution.observer import Observer
from trainyard.client.run import cost, estimate

BEGAN = datetime(2026, 11, 20, tzinfo=UTC)


class FakeGlue:
    def get_job_run(self, *, JobName: str, RunId: str) -> dict[str, Any]:
        run = {"WorkerType": "G.1X", "NumberOfWorkers": 2, "ExecutionTime": 15, "StartedOn": BEGAN}
        return {"JobRun": run}


class FakeSageMaker:
    """A training job of ten billed minutes, and a processing job of half an hour on two machines."""

    def describe_training_job(self, *, TrainingJobName: str) -> dict[str, Any]:
        if TrainingJobName == "gone":
            raise ClientError({"Error": {"Code": "ValidationException", "Message": "none"}}, "DescribeTrainingJob")
        kind = "ml.unheard-of" if TrainingJobName == "odd" else "ml.m5.xlarge"
        return {"BillableTimeInSeconds": 600, "ResourceConfig": {"InstanceType": kind, "InstanceCount": 1}}

    def describe_processing_job(self, *, ProcessingJobName: str) -> dict[str, Any]:
        return {
            "ProcessingResources": {"ClusterConfig": {"InstanceType": "ml.m5.2xlarge", "InstanceCount": 2}},
            "ProcessingStartTime": BEGAN,
            "ProcessingEndTime": BEGAN + timedelta(minutes=30),
        }


@pytest.fixture
def services(deployment: Deployment) -> Deployment:
    deployment.target._clients.update({"glue": FakeGlue(), "sagemaker": FakeSageMaker()})
    return deployment


def story(training: str = "train-1") -> Story:
    found = Story()
    found.enter("Ingest raw data")
    found.schedule("startJobRun.sync", {"JobName": "ingest"})
    found.succeed(output={"JobRunId": "jr_1"})
    found.leave("Ingest raw data")
    found.enter("Build training examples")
    found.schedule("createProcessingJob.sync", {"ProcessingJobName": "process-1"})
    found.succeed()
    found.leave("Build training examples")
    found.training(training)
    return found


def test_jobs_cost_what_their_machines_cost_by_the_second(services: Deployment):
    found = cost.of_visits(services.target, visits(story().events), region="us-east-1")

    by_state = {each.state: each.usd for each in found.states}
    # Glue counts a run of 15 seconds as a minute of two DPU.
    assert by_state["Ingest raw data"] == pytest.approx(2 * 0.44 / 60)
    assert by_state["Build training examples"] == pytest.approx(2 * 0.461 / 2)
    assert by_state["Train model"] == pytest.approx(0.23 / 6)
    assert found.known
    assert found.usd == pytest.approx(sum(by_state.values()) + 3 * 0.000025)
    assert found.words == f"{found.usd:.2f} USD"


def test_what_is_not_known_is_not_guessed(services: Deployment):
    odd = cost.of_visits(services.target, visits(story("odd").events), region="us-east-1")
    assert not odd.known
    assert odd.words.startswith("at least ")
    gone = cost.of_visits(services.target, visits(story("gone").events), region="us-east-1")
    assert [each.usd is None for each in gone.states] == [False, False, True]


def test_a_region_without_prices_is_reckoned_at_others_and_says_so(services: Deployment):
    here, nowhere = (
        cost.of_visits(services.target, visits(story().events), region=each) for each in ("us-east-1", "mars-north-1")
    )
    assert not nowhere.known
    assert nowhere.words == here.words
    assert "of us-east-1" in nowhere.prices
    assert "those of mars-north-1 are not in the table" in nowhere.prices
    assert "not in the table" not in here.prices


def test_an_estimate_takes_the_times_of_the_last_run(services: Deployment, step_functions: FakeStepFunctions):
    first = estimate.estimate(services, "prod2vec", config=CONFIG)
    assert "nothing of this recipe has run" in first.basis

    output = json.dumps({"outcome": "registered", "recipe": "prod2vec", "run_id": "r"})
    given = '{"recipe": "prod2vec", "dataset": "mine"}'
    step_functions.put("last", story(), status="SUCCEEDED", input=given, output=output)
    found = estimate.estimate(services, "prod2vec", config=CONFIG)
    seconds = {each.state: each.machines.seconds for each in found.states}
    assert "last" in found.basis
    assert seconds["Train model"] == 600
    assert found.usd < found.most


def test_the_states_of_an_estimate_are_those_of_the_machine():
    states = definition.definition()["States"]
    assert {*estimate.GLUE_STATES, *estimate.JOB_STATES} <= set(states)


def test_the_end_of_a_run_says_what_it_cost(
    services: Deployment, step_functions: FakeStepFunctions, capsys: pytest.CaptureFixture[str]
):
    output = json.dumps({"outcome": "registered", "recipe": "prod2vec", "run_id": "r"})
    arn = step_functions.put("last", story(), status="SUCCEEDED", output=output)
    snapshot = Observer(services, arn).snapshot()
    print_ending(services, snapshot.execution, visits=snapshot.visits)
    usd = cost.of_visits(services.target, snapshot.visits, region="us-east-1").usd
    assert f"Cost       {usd:.2f} USD for these times in AWS" in capsys.readouterr().out


def test_where_it_costs_money_a_run_says_how_much_before_it_starts(
    services: Deployment, capsys: pytest.CaptureFixture[str]
):
    asked = Submission(recipe="prod2vec", dataset="mine", files={}, settings={"hyperparameters": {"epochs": 3}})
    said: list[str] = []

    def begin(*_: object) -> Any:
        said.append(capsys.readouterr().out)

    start(services, asked, by=begin)
    paid = dataclasses.replace(services, target=dataclasses.replace(services.target, local=False))
    paid.target._clients.update(services.target._clients)
    start(paid, asked, by=begin)
    assert said[0] == ""
    assert "It will cost about " in said[1]
    assert "list prices of us-east-1 of 20" in said[1]

    elsewhere = dataclasses.replace(
        paid, target=dataclasses.replace(paid.target, session=boto3.Session(region_name="eu-west-1"))
    )
    elsewhere.target._clients.update(services.target._clients)
    start(elsewhere, asked, by=begin)
    assert "those of eu-west-1 are not in the table" in said[2]
