"""Versions and aliases of state machines on the real server: what an execution runs, says, and keeps in a redrive."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.local_cloud.conftest import Cloud

FAIL = "{% $exists($states.context.Execution.RedriveCount) ? 'done' : $error('not yet') %}"


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def definition(said: str) -> str:
    """A machine that fails, and says something once it is redriven."""
    states = {
        "Try": {"Type": "Pass", "Output": FAIL, "Next": "Say"},
        "Say": {"Type": "Pass", "Output": said, "End": True},
    }
    return json.dumps({"QueryLanguage": "JSONata", "StartAt": "Try", "States": states})


def template(name: str, role: str, *, said: str) -> str:
    """A machine with a version that stays and an alias, as the workflow stack has them."""
    machine = {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {"StateMachineName": name, "RoleArn": role, "DefinitionString": definition(said)},
    }
    version = {
        "Type": "AWS::StepFunctions::StateMachineVersion",
        "DeletionPolicy": "RetainExceptOnCreate",
        "UpdateReplacePolicy": "Retain",
        "Properties": {
            "StateMachineArn": {"Ref": "Machine"},
            "StateMachineRevisionId": {"Fn::GetAtt": ["Machine", "StateMachineRevisionId"]},
            "Description": said,
        },
    }
    route = {"StateMachineVersionArn": {"Fn::GetAtt": ["Version", "Arn"]}, "Weight": 100}
    alias = {
        "Type": "AWS::StepFunctions::StateMachineAlias",
        "Properties": {"Name": "live", "RoutingConfiguration": [route]},
    }
    return json.dumps({"Resources": {"Machine": machine, "Version": version, "Alias": alias}})


class Stack:
    """A stack with such a machine, which says `first` when it is made."""

    def __init__(self, cloud: Cloud) -> None:
        self.name = unique("versions")
        self.client = cloud.client("cloudformation")
        self.role = cloud.role(self.name, "states.amazonaws.com", [])
        self.client.create_stack(StackName=self.name, TemplateBody=template(self.name, self.role, said="first"))
        self._wait("stack_create_complete")
        self.machine = f"arn:aws:states:us-east-1:000000000000:stateMachine:{self.name}"

    def update(self, said: str) -> None:
        self.client.update_stack(StackName=self.name, TemplateBody=template(self.name, self.role, said=said))
        self._wait("stack_update_complete")

    def delete(self) -> None:
        self.client.delete_stack(StackName=self.name)
        self._wait("stack_delete_complete")

    def _wait(self, state: str) -> None:
        self.client.get_waiter(state).wait(StackName=self.name, WaiterConfig={"Delay": 1})


@pytest.fixture
def stack(local_cloud: Cloud) -> Iterator[Stack]:
    made = Stack(local_cloud)
    yield made
    made.delete()


def redriven(cloud: Cloud, arn: str) -> Any:
    cloud.client("stepfunctions").redrive_execution(executionArn=arn)
    return cloud.finished(arn)


def test_an_execution_keeps_its_version_and_a_later_one_gets_the_newest(local_cloud: Cloud, stack: Stack) -> None:
    client, live = local_cloud.client("stepfunctions"), f"{stack.machine}:live"
    old = local_cloud.run(live)
    assert (old["status"], old["stateMachineArn"]) == ("FAILED", stack.machine)
    assert (old["stateMachineVersionArn"], old["stateMachineAliasArn"]) == (f"{stack.machine}:1", live)
    stack.update("second")
    new = local_cloud.run(live)
    assert new["stateMachineVersionArn"] == f"{stack.machine}:2"
    assert json.loads(redriven(local_cloud, old["executionArn"])["output"]) == "first"
    assert json.loads(redriven(local_cloud, new["executionArn"])["output"]) == "second"
    # Whoever names a version gets it, and is noted for that version alone.
    named = local_cloud.run(f"{stack.machine}:1")
    assert json.loads(redriven(local_cloud, named["executionArn"])["output"]) == "first"
    assert (named["stateMachineVersionArn"], "stateMachineAliasArn" in named) == (f"{stack.machine}:1", False)

    def of(arn: str) -> set[str]:
        listed = client.list_executions(stateMachineArn=arn)["executions"]
        return {each["executionArn"] for each in listed}

    assert of(f"{stack.machine}:1") == {old["executionArn"], named["executionArn"]}
    assert of(live) == {old["executionArn"], new["executionArn"]}
    assert of(stack.machine) == of(f"{stack.machine}:1") | of(live)
    assert client.describe_state_machine(stateMachineArn=f"{stack.machine}:1")["description"] == "first"


def test_the_machine_itself_is_no_version(local_cloud: Cloud, stack: Stack) -> None:
    described = local_cloud.run(stack.machine)
    assert "stateMachineVersionArn" not in described
    started = local_cloud.events(described["executionArn"])[0]["executionStartedEventDetails"]
    assert "stateMachineVersionArn" not in started


def test_versions_go_with_their_machine_and_numbers_begin_anew(local_cloud: Cloud) -> None:
    client, made = local_cloud.client("stepfunctions"), Stack(local_cloud)
    made.update("second")
    assert len(client.list_state_machine_versions(stateMachineArn=made.machine)["stateMachineVersions"]) == 2
    made.delete()
    for arn in (f"{made.machine}:1", f"{made.machine}:live"):
        with pytest.raises(client.exceptions.StateMachineDoesNotExist):
            client.describe_state_machine(stateMachineArn=arn)


def test_who_may_start_a_machine_may_start_its_alias(local_cloud: Cloud, stack: Stack) -> None:
    allowed = [{"Effect": "Allow", "Action": "states:StartExecution", "Resource": stack.machine}]
    role = local_cloud.role(unique("starter"), "lambda.amazonaws.com", allowed)
    credentials = local_cloud.client("sts").assume_role(RoleArn=role, RoleSessionName="starter")["Credentials"]
    client = local_cloud.client(
        "stepfunctions",
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )
    started = client.start_execution(stateMachineArn=f"{stack.machine}:live")["executionArn"]
    assert local_cloud.finished(started)["stateMachineVersionArn"] == f"{stack.machine}:1"
