"""The commands of the AWS command line that the README shows work against the local cloud."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stack.conftest import wait

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack")]
AWS = shutil.which("aws", path=str(Path(sys.executable).parent)) or shutil.which("aws")


@pytest.fixture
def aws(stack):
    if AWS is None:
        pytest.skip("the AWS command line is not installed")

    def call(*words: str) -> str:
        done = subprocess.run([AWS, *words], env=stack.environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return call


def test_copy_describe_and_history(stack, aws, tmp_path):
    (tmp_path / "products.csv").write_text("bad\n")
    aws("s3", "cp", str(tmp_path), f"s3://{stack.outputs['RawBucketName']}/raw/prod2vec/by-cli/", "--recursive")
    execution = wait(lambda: next(iter(stack.executions("by-cli")), None), timeout=30, what="an execution")
    stack.finish(execution["executionArn"])
    machine = stack.outputs["StateMachineArn"]
    listed = json.loads(aws("stepfunctions", "list-executions", "--state-machine-arn", machine))["executions"]
    assert execution["executionArn"] in {each["executionArn"] for each in listed}
    described = json.loads(aws("stepfunctions", "describe-execution", "--execution-arn", execution["executionArn"]))
    assert described["status"] == "SUCCEEDED"
    history = json.loads(aws("stepfunctions", "get-execution-history", "--execution-arn", execution["executionArn"]))
    assert history["events"][-1]["type"] == "ExecutionSucceeded"


def test_redrive_of_a_green_execution_is_refused_in_words(stack, aws):
    execution = next(each for each in stack.executions("by-cli"))
    done = subprocess.run(
        [AWS, "stepfunctions", "redrive-execution", "--execution-arn", execution["executionArn"]],
        env=stack.environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "ExecutionNotRedrivable" in done.stderr


def test_jobs_are_listed(aws):
    assert "TrainingJobSummaries" in json.loads(aws("sagemaker", "list-training-jobs"))
