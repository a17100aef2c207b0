"""Failing and stopped runs on the deployed workflow: least privilege, root cause, redrive, stop, tuning."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.stack.conftest import QUICK, wait

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack")]
WORKFLOW = "trainyard-dev-workflow"


def template(stack) -> dict:
    body = stack.client("cloudformation").get_template(StackName=WORKFLOW)["TemplateBody"]
    return body if isinstance(body, dict) else json.loads(body)


def update(stack, document: dict) -> None:
    cloudformation = stack.client("cloudformation")
    parameters = cloudformation.describe_stacks(StackName=WORKFLOW)["Stacks"][0].get("Parameters", [])
    # A template this large goes by way of S3, as the CDK does it.
    key = "tests/changed-template.json"
    stack.client("s3").put_object(
        Bucket=stack.outputs["ArtifactsBucketName"], Key=key, Body=json.dumps(document).encode()
    )
    cloudformation.update_stack(
        StackName=WORKFLOW,
        TemplateURL=f"{stack.endpoint}/{stack.outputs['ArtifactsBucketName']}/{key}",
        Parameters=[{"ParameterKey": each["ParameterKey"], "UsePreviousValue": True} for each in parameters],
        Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_IAM"],
    )
    ended = ("UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_FAILED")

    def done():
        status = cloudformation.describe_stacks(StackName=WORKFLOW)["Stacks"][0]["StackStatus"]
        return status if status in ended else None

    assert wait(done, timeout=120, what="the stack update") == "UPDATE_COMPLETE"


def without(document: dict, action: str, resource_part: str) -> dict:
    """The template with one action taken out of the policy statement that grants it on matching resources."""
    changed = json.loads(json.dumps(document))
    hits = 0
    for resource in changed["Resources"].values():
        if resource["Type"] not in ("AWS::IAM::Policy", "AWS::IAM::Role"):
            continue
        policies = [resource["Properties"].get("PolicyDocument", {})]
        policies += [each["PolicyDocument"] for each in resource["Properties"].get("Policies", [])]
        for statement in (each for policy in policies for each in policy.get("Statement", [])):
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            if action in actions and resource_part in json.dumps(statement["Resource"]).lower():
                hits += 1
                statement["Action"] = [each for each in actions if each != action] or ["sts:GetCallerIdentity"]
    assert hits == 1, f"expected one statement that grants {action} on {resource_part}, found {hits}"
    return changed


def test_the_machines_own_role_is_enforced(stack, data):
    original = template(stack)
    update(stack, without(original, "glue:StartJobRun", "ingest"))
    try:
        arn, described = stack.run("machine denied", data, **QUICK)
        assert described["status"] == "FAILED"
        assert stack.entered(arn)[-1] == "Ingest raw data"
        assert "not authorized to perform: glue:StartJobRun" in described["cause"]
    finally:
        update(stack, original)


def test_stopping_an_execution_stops_its_job(stack, data):
    stack.upload(
        "stopped",
        {"run.json": json.dumps({**QUICK, "hyperparameters": {"epochs": 1000, "embedding_size": 64}}).encode(), **data},
    )
    arn = stack.training_execution("stopped")
    sagemaker = stack.client("sagemaker")
    run_id = stack.plan(arn)["run_id"]

    def training():
        jobs = sagemaker.list_training_jobs(NameContains=run_id)["TrainingJobSummaries"]
        return jobs[0]["TrainingJobName"] if jobs else None

    job = wait(training, timeout=120, what="the training job")
    stack.client("stepfunctions").stop_execution(executionArn=arn, error="Tired", cause="no time")
    assert stack.finish(arn)["status"] == "ABORTED"

    def stopped():
        status = sagemaker.describe_training_job(TrainingJobName=job)["TrainingJobStatus"]
        return status if status in ("Stopped", "Completed", "Failed") else None

    assert wait(stopped, timeout=60, what="the end of the training job") == "Stopped"
    assert "ABORTED" in stack.messages("data set stopped")["Message"]


def test_tuning_searches_and_its_best_model_goes_on(stack, data):
    settings = {
        "tune": True,
        "tuning": {"max_jobs": 3, "parallel_jobs": 1, "ranges": {"embedding_size": {"minimum": 8, "maximum": 32}}},
        "hyperparameters": {"epochs": 2},
        "gate": {"minimum": {"hit_rate_at_10": 0.0}, "beat": []},
    }
    arn, described = stack.run("tuned", data, **settings)
    assert described["status"] == "SUCCEEDED", described
    states = stack.entered(arn)
    assert {"Tune hyperparameters", "Analyse tuning", "Describe best model"} <= set(states)
    assert "Train model" not in states
    table = list(csv.DictReader(io.StringIO(stack.artifact(arn, "tune/analysis/jobs.csv").decode())))
    values = [float(each["FinalObjectiveValue"]) for each in table if each["FinalObjectiveValue"]]
    assert len(table) == 3
    assert values == sorted(values, reverse=True)
    assert {"embedding_size", "learning_rate"} <= set(table[0])
    for picture in ("objective", "search", "density"):
        assert stack.artifact(arn, f"tune/analysis/{picture}.png").startswith(b"\x89PNG")
    evaluation = json.loads(stack.artifact(arn, "evaluate/evaluation.json"))
    assert str(evaluation["hyperparameters"]["embedding_size"]) == table[0]["embedding_size"].removesuffix(".0")
