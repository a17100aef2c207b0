"""What we write beside what AWS says of itself, offline: botocore's models, and the lists that cfn-lint carries.

Requests of the machine are checked against the models in tests/state_machine/test_definition.py, properties of
resources by cfn-lint in test_app.py.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from cfnlint.data import AdditionalSpecs
from cfnlint.helpers import REGIONS, load_resource
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from infra.account import needs
from infra.settings import Settings, settings
from tests.infra.templates import Deployment, Stack
from tests.state_machine.scenarios import scenarios
from tests.state_machine.test_definition import SESSION, STATES, operation
from tests.state_machine.walk import expressions
from trainyard.client.doctor import account, quotas
from trainyard.client.doctor.needs import Needs
from trainyard.run.document import decoded

IAM = load_resource(AdditionalSpecs, "Policies.json")
# What Step Functions adds to the answer of a service.
ADDED = {"SdkHttpMetadata", "SdkResponseMetadata"}
# And to that of a job that it waited for, whose tags it sets.
ADDED_TO_JOBS = {"Tags"}
# Errors of the SDK, of Step Functions and of every service; no operation lists them.
OF_EVERY_SERVICE = {
    "SdkClientException",
    "ThrottlingException",
    "RequestLimitExceededException",
    "ClientExecutionTimeoutException",
    "AWSLambdaException",
    "AmazonSageMakerException",
}
# IAM's list judges a new version by its own ARN alone; that of its group is allowed too, until an account has shown it.
BESIDE_THE_LIST = re.compile(r".*:model-package-group/trainyard-\w+-\*")
READ = re.compile(r"\$states\.result((?:\.[A-Za-z]\w*)+)")
TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}
ANSWERS = [
    (state, each["result"])
    for scenario in scenarios()
    for state, given in scenario["results"].items()
    for each in given
    if "result" in each and state in TASKS
]


def answer(resource: str) -> Any:
    """The shape of what a task gets back; one that waited gets what describes its job when it has ended."""
    verb = resource.rpartition(":sagemaker:create")[2]
    if resource.endswith("glue:startJobRun.sync"):
        return SESSION.get_service_model("glue").operation_model("GetJobRun").output_shape.members["JobRun"]
    if resource.endswith(".sync"):
        described = f"Describe{verb.removesuffix('.sync')}"
        return SESSION.get_service_model("sagemaker").operation_model(described).output_shape
    if resource.endswith("startExecution.sync:2"):
        return SESSION.get_service_model("stepfunctions").operation_model("DescribeExecution").output_shape
    return operation(resource).output_shape


def members(shape: Any) -> dict[str, Any]:
    """The members of a structure as Step Functions calls them: all in capitals."""
    return {name[0].upper() + name[1:]: each for name, each in shape.members.items()} if shape else {}


def misfits(value: Any, shape: Any, *, where: str) -> Iterator[str]:
    """Where a value is none that the model describes. What a string or a blob holds is ours, parsed or not."""
    kind = shape.type_name
    if kind == "structure" and isinstance(value, Mapping):
        known = members(shape)
        yield from (f"{where}.{name} does not exist" for name in value.keys() - known.keys())
        for name in value.keys() & known.keys():
            yield from misfits(value[name], known[name], where=f"{where}.{name}")
    elif kind == "list" and isinstance(value, list | tuple):
        for each in value:
            yield from misfits(each, shape.member, where=f"{where}[]")
    elif kind == "map" and isinstance(value, Mapping):
        for each in value.values():
            yield from misfits(each, shape.value, where=f"{where}{{}}")
    elif kind in ("structure", "list", "map"):
        yield f"{where} is a {type(value).__name__} instead of a {kind}"
    elif kind in ("integer", "long", "float", "double") and not isinstance(value, int | float):
        yield f"{where} is a {type(value).__name__} instead of a number"
    elif kind == "string" and shape.enum and value not in shape.enum:
        yield f"{where} is {value!r}, which is none of {shape.enum}"


def unread(path: str, shape: Any) -> str:
    """The first member of a path like `.Item.run_id.S` that the answer never has, empty where all exist."""
    for name in path.strip(".").split("."):
        while shape is not None and shape.type_name == "list":
            shape = shape.member
        if shape is not None and shape.type_name == "map":
            shape = shape.value
        elif shape is not None and shape.type_name != "structure":
            return ""
        elif name in members(shape):
            shape = members(shape)[name]
        else:
            return name
    return ""


@pytest.mark.parametrize("resource", sorted({TASKS[state]["Resource"] for state, _ in ANSWERS}))
def test_recorded_answers_are_such_as_the_service_gives(resource: str) -> None:
    """On these answers every expression is evaluated, by two implementations: what they read exists in AWS."""
    shape, own = answer(resource), ADDED | (ADDED_TO_JOBS if resource.endswith(".sync") else set())
    for state, recorded in ANSWERS:
        if TASKS[state]["Resource"] == resource:
            given = {name: each for name, each in recorded.items() if name not in own}
            assert not given if shape is None else list(misfits(given, shape, where=state)) == []


def test_expressions_read_no_member_that_the_answer_never_has() -> None:
    read = {
        (name, path)
        for name, state in TASKS.items()
        for each in expressions({key: part for key, part in state.items() if key in ("Assign", "Output")})
        for path in READ.findall(each)
    }
    assert len(read) > 30
    assert [(name, path) for name, path in read if unread(path, answer(TASKS[name]["Resource"]))] == []


def test_wrong_answers_and_wrong_reads_are_found() -> None:
    shape = answer("arn:aws:states:::aws-sdk:sagemaker:describeEndpoint")
    wrong = {"EndpointStatus": "Ready", "Endpoint": "x", "ProductionVariants": {}, "MetricsConfig": {"Enabled": True}}
    assert len(list(misfits(wrong, shape, where=""))) == 4
    item = answer("arn:aws:states:::dynamodb:getItem")
    assert unread(".Item.run_id.S", item) == ""
    assert unread(".Item.run_id.Text", item) == "Text"
    assert unread(".status", answer("arn:aws:states:::aws-sdk:sfn:describeExecution")) == "status"


def test_errors_that_are_retried_and_caught_are_errors_of_their_operation() -> None:
    """Step Functions calls an error by the class of the SDK for Java: the shape's name, which ends in Exception."""
    strange = []
    for name, state in TASKS.items():
        known = {re.sub("(Exception)?$", "Exception", each.name, count=1) for each in errors(state["Resource"])}
        for place in (*state.get("Retry", []), *state.get("Catch", [])):
            for service, _, error in (each.partition(".") for each in place["ErrorEquals"]):
                if service != "States" and error not in known | OF_EVERY_SERVICE | {f"{service}Exception"}:
                    strange.append((name, f"{service}.{error}"))
    assert strange == []


def errors(resource: str) -> Iterator[Any]:
    """Those that an operation lists, and those by which its service says that it is busy, listed or not."""
    asked = operation(resource)
    service = asked.service_model
    shapes = (service.shape_for(each) for each in service.shape_names if "Throttl" in each)
    yield from (*asked.error_shapes, *(each for each in shapes if each.metadata.get("exception")))


def documents(stack: Stack) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every statement of any policy of a stack, and which resource has it."""

    def below(node: Any) -> Iterator[Mapping[str, Any]]:
        if isinstance(node, Mapping):
            yield from node["Statement"] if isinstance(node.get("Statement"), list) else ()
        for each in node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ():
            yield from below(each)

    for name, resource in stack.template["Resources"].items():
        yield from ((name, each) for each in below(stack.resolve(resource.get("Properties", {}))))


def listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())


def actions(pattern: str) -> dict[str, Any]:
    """The actions that IAM knows by a pattern such as `s3:Get*`, with the kinds of resources that each is judged by."""
    service, _, verb = pattern.partition(":")
    wanted = re.compile(re.escape(verb.lower()).replace(r"\*", ".*"))
    return {name: each for name, each in IAM.get(service, {}).get("Actions", {}).items() if wanted.fullmatch(name)}


def judged_by(pattern: str) -> list[re.Pattern[str]]:
    """What the ARNs look like that an action is judged by; none for an action that knows no single resources."""
    kinds = IAM[pattern.partition(":")[0]].get("Resources", {})
    named = {kind.lower() for each in actions(pattern).values() for kind in each.get("Resources", ())}
    formats = [form for kind in named for form in kinds[kind].get("ARNFormats", ())]
    return [re.compile(re.sub(r"\$\{\w+\}", ".*", each)) for each in formats]


def test_every_action_in_every_policy_exists(deployment: Deployment) -> None:
    used = {
        action
        for stack in deployment.stacks
        for _, statement in documents(stack)
        for action in listed(statement.get("Action"))
    }
    assert len(used) > 60
    assert {each for each in used if each != "*" and not actions(each)} == set()
    assert not actions("sagemaker:CreateTrainJob")


def test_every_permission_names_a_resource_that_its_action_is_judged_by(deployment: Deployment) -> None:
    """Else it allows nothing: an action without resources of its own, on an ARN; or one on ARNs of another kind."""
    idle = []
    for name, statement in documents(deployment.workflow):
        arns = [each for each in listed(statement.get("Resource")) if each != "*"]
        if not arns or not deployment.workflow.template["Resources"][name]["Type"].startswith("AWS::IAM::"):
            continue
        judges = {each: judged_by(each) for each in listed(statement["Action"])}
        fits = {(action, arn) for action in judges for arn in arns if any(f.fullmatch(arn) for f in judges[action])}
        idle += [(name, each) for each in judges if each not in {action for action, _ in fits}]
        idle += [(name, each) for each in arns if each not in {arn for _, arn in fits}]
    assert [arn for _, arn in idle if not BESIDE_THE_LIST.fullmatch(arn)] == []
    assert len({arn for _, arn in idle}) == 1


def test_every_type_of_resource_exists_where_doctor_does_not_warn(prod: Deployment) -> None:
    types = {each["Type"] for stack in prod.stacks for each in stack.template["Resources"].values()}
    types -= {"AWS::CDK::Metadata"}
    assert len(types) > 20
    lacking = {each for each in REGIONS if types - set(PROVIDER_SCHEMA_MANAGER.get_resource_types(each))}
    assert lacking == set(account.WITHOUT_REGISTRY)


def test_doctor_asks_for_the_bootstrap_that_the_stacks_ask_for(prod: Deployment) -> None:
    artifacts = json.loads((Path(prod.directory) / "manifest.json").read_text())["artifacts"].values()
    asked = {each.get("properties", {}).get("requiresBootstrapStackVersion", 0) for each in artifacts}
    assert max(asked) == account.BOOTSTRAP_VERSION


def test_doctor_learns_from_the_settings_which_quotas_a_run_meets() -> None:
    found = decoded(Needs, needs(settings("prod")))
    assert (found.must_tell, found.tells, found.training) == (True, False, [])
    names = [each.name for each in quotas.wanted(found)]
    assert names[:3] == [
        "ml.m5.2xlarge for processing job usage",
        "ml.m5.xlarge for processing job usage",
        "ml.m5.2xlarge for spot training job usage",
    ]
    pinned = Settings(name="x", account="111122223333", region="eu-west-1", glue_workers=7, alarm_email="a@b.co")
    other = decoded(Needs, needs(pinned))
    assert dataclasses.astuple(other)[:5] == ("111122223333", "eu-west-1", False, True, 7)
    assert "ml.m5.xlarge for training job usage" in [each.name for each in quotas.wanted(other)]


def test_questions_of_doctor_are_calls_that_exist_without_arguments() -> None:
    for service, name in account.QUESTIONS.items():
        model = SESSION.get_service_model(service)
        called = model.operation_model("".join(each.capitalize() for each in name.split("_")))
        assert not called.input_shape.required_members
