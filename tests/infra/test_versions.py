"""One execution, one code: what an execution names is fixed when it begins, and outlives the next deployment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from infra.sources import code_version
from tests.infra.templates import Deployment
from tests.state_machine.walk import definition

KEPT = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}
HASH = "[0-9a-f]{64}"
# Arguments of tasks that name code, and what fixes it.
FIXED = {
    "FunctionName": r"arn:aws:lambda:.*:function:[\w-]+:\d+",
    "--extra-py-files": rf"s3://.*/{HASH}\.zip",
    "--additional-python-modules": rf"s3://.*/{HASH}\.(txt|gluewheels\.zip)",
    "ImageUri": rf".*:trainyard-\w+-{HASH}",
    "Image": rf".*:trainyard-\w+-{HASH}",
}


def named(node: Any, argument: str) -> Iterator[str]:
    """Every value of an argument anywhere in a definition; of an expression, the literal that it falls back to."""
    if isinstance(node, list):
        for each in node:
            yield from named(each, argument)
    elif isinstance(node, dict):
        for name, each in node.items():
            if name == argument and isinstance(each, str):
                yield literal[-1] if (literal := re.findall(r"'([^']+:[^']+)'", each)) else each
            else:
                yield from named(each, argument)


@pytest.mark.parametrize("argument", FIXED)
def test_every_task_names_its_code_by_version_or_hash(deployment: Deployment, argument: str) -> None:
    found = list(named(definition(deployment.machine["DefinitionSubstitutions"]), argument))
    assert found
    assert {each for each in found if not re.fullmatch(FIXED[argument], each)} == set()


def test_what_an_execution_began_with_stays_when_something_newer_is_deployed(deployment: Deployment) -> None:
    resources = deployment.workflow.template["Resources"].values()
    versions = [each for each in resources if each["Type"].endswith(("Lambda::Version", "StateMachineVersion"))]
    assert len(versions) == 6  # resolve, reuse, gate, compare scores, smoke test and the machine itself
    for each in versions:
        assert {name: each.get(name) for name in KEPT} == KEPT
    [machine] = [each for each in versions if each["Type"] == "AWS::StepFunctions::StateMachineVersion"]
    # Another revision is another version; without this one would stay the only one.
    assert machine["Properties"]["StateMachineRevisionId"]["Fn::GetAtt"][1] == "StateMachineRevisionId"
    assert machine["Properties"]["Description"] == f"Code {code_version()}"


def test_the_alias_stands_for_the_version_of_this_deployment(deployment: Deployment) -> None:
    alias = deployment.workflow.template["Resources"]
    [alias] = [each for each in alias.values() if each["Type"] == "AWS::StepFunctions::StateMachineAlias"]
    [version] = deployment.workflow.resources("AWS::StepFunctions::StateMachineVersion")
    assert alias["Properties"]["Name"] == "live"
    [route] = alias["Properties"]["RoutingConfiguration"]
    assert route == {"StateMachineVersionArn": {"Fn::GetAtt": [version, "Arn"]}, "Weight": 100}


def test_glue_jobs_and_the_machine_may_use_the_code_of_earlier_deployments(deployment: Deployment) -> None:
    earlier = f"arn:aws:s3:::cdk-hnb659fds-assets-111122223333-us-east-1/trainyard-{deployment.environment}/old.zip"
    for stage in ("Ingest", "Prepare", "Register"):
        role = deployment.role(f"Glue{stage}Role")
        assert role.may("s3:GetObject", earlier)
        assert not role.may("s3:GetObject", earlier.replace("/trainyard-", "/somebody-"))
    machine = deployment.role("MachineRole")
    function = f"arn:aws:lambda:us-east-1:111122223333:function:trainyard-{deployment.environment}-gate"
    assert machine.may("lambda:InvokeFunction", f"{function}:3")
    assert not machine.may("lambda:InvokeFunction", function)
