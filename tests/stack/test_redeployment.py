"""An environment's life: deployed, changed under an execution, destroyed with all it holds, deployed again."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.stack.conftest import QUICK, ROOT, Stack, deploy, trainyard
from tests.stack.test_workflow_failures import template, update, without
from trainyard.cli.cdk import program

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack")]
DEPLOYED = ("infra", "state_machines", "trainyard", "recipes", "lambdas", "glue_jobs")
CONTAINERS = ("processing_container", "training_container")
# Where each kind of code begins. In a changed project they all fail, so whatever of it ran would be noticed.
BEGINNINGS = ("lambdas/gate.py", "glue_jobs/prepare.py", "processing_container/main.py", "training_container/main.py")
BROKEN = "raise SystemExit('this is the code of the later deployment')\n"


def changed_project(folder: Path) -> Path:
    """What is deployed, changed in every part, with the CDK of this project."""
    for each in (*DEPLOYED, *CONTAINERS):
        shutil.copytree(ROOT / each, folder / each, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(ROOT / "cdk.json", folder / "cdk.json")
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    for each in BEGINNINGS:
        (folder / each).write_text(BROKEN, encoding="utf-8")
    return folder


def code_of(stack: Stack, arn: str) -> dict[str, Any]:
    """What an execution ran: versions of functions, packages of Glue jobs, images, as the services recorded them."""
    events = stack.history(arn)
    called = [each["taskScheduledEventDetails"] for each in events if "taskScheduledEventDetails" in each]
    run_id = stack.plan(arn)["run_id"]
    jobs = stack.client("sagemaker").list_training_jobs(NameContains=run_id)["TrainingJobSummaries"]
    described = [
        stack.client("sagemaker").describe_training_job(TrainingJobName=each["TrainingJobName"]) for each in jobs
    ]
    return {
        "version": stack.client("stepfunctions").describe_execution(executionArn=arn)["stateMachineVersionArn"],
        "called": sorted({each["parameters"] for each in called if each["resourceType"] in ("lambda", "glue")}),
        "images": {each["AlgorithmSpecification"]["TrainingImage"] for each in described},
    }


def destroy(stack: Stack, folder: Path) -> None:
    """`cdk destroy` as anybody calls it, of what was deployed last."""
    assembly = Path(stack.environment["TRAINYARD_STATE_DIR"]) / "cdk.out"
    node = program.node()
    subprocess.run(
        program.command(ROOT, node, arguments=["destroy", "--all", "--force", "--app", str(assembly)]),
        cwd=folder,
        env=program.environment(stack.environment, node),
        check=True,
        capture_output=True,
        text=True,
    )


def test_an_execution_keeps_its_code_and_an_environment_can_be_destroyed_and_deployed_again(
    stack: Stack, data: dict[str, Path], tmp_path: Path
) -> None:
    # The training role may no longer write the model: the run fails there, and says why.
    update(stack, without(template(stack), "s3:PutObject", "/train/*"))
    arn, described = stack.run("denied", data, **QUICK)
    assert (described["status"], stack.entered(arn)[-1]) == ("FAILED", "Train model")
    message = stack.messages("data set denied")
    assert message["Subject"] == "trainyard: prod2vec run failed at Train model"
    for part in ("AccessDenied", "s3:PutObject", "Lines of its log", "redrive-execution"):
        assert part in message["Message"]
    before = code_of(stack, arn)

    # The next deployment gives the permission back, and changes all code.
    deploy(stack, cwd=changed_project(tmp_path / "changed"))
    name = described["name"]
    refused = trainyard(stack, "redrive", name, "--no-follow")
    assert refused.returncode == 1
    assert "a redrive would run the state 'Train model' with the container image from before" in flat(refused.stderr)
    redriven = trainyard(stack, "redrive", name, "--no-follow", "--anyway")
    number = int(before["version"].rpartition(":")[2])
    assert f"It keeps the code that it began with: version {number} (Code " in flat(redriven.stdout)
    assert f"Deployed is version {number + 1} (Code " in flat(redriven.stdout)
    ended = stack.finish(arn)
    assert (ended["status"], ended["redriveCount"]) == ("SUCCEEDED", 1), ended
    after = code_of(stack, arn)
    assert (after["version"], after["images"]) == (before["version"], before["images"])
    assert set(before["called"]) < set(after["called"])
    assert stack.entered(arn).count("Ingest raw data") == 1
    jobs = stack.client("sagemaker").list_training_jobs(NameContains=stack.plan(arn)["run_id"])["TrainingJobSummaries"]
    assert sorted(each["TrainingJobStatus"] for each in jobs) == ["Completed", "Failed"]
    # The package says which image its model was made with.
    registered = stack.packages()[0]["ModelPackageArn"]
    container = stack.client("sagemaker").describe_model_package(ModelPackageName=registered)["InferenceSpecification"]
    assert {each["Image"] for each in container["Containers"]} == before["images"]

    destroy(stack, tmp_path)
    left = stack.client("s3").list_buckets()["Buckets"]
    assert [each["Name"] for each in left if each["Name"] in stack.outputs.values()] == []
    deploy(stack)
    versions = stack.client("stepfunctions").list_state_machine_versions(
        stateMachineArn=stack.outputs["StateMachineArn"]
    )["stateMachineVersions"]
    assert [each["stateMachineVersionArn"].rpartition(":")[2] for each in versions] == ["1"]


def flat(text: str) -> str:
    return " ".join(text.split())
