"""Lets stacks of the local cloud have versions and aliases of state machines; runs in the server."""

from __future__ import annotations

import json
from typing import Any

from ministack.services import stepfunctions
from ministack.services.cloudformation import provisioners

from local_cloud.step_functions import versions

VERSION_TYPE = "AWS::StepFunctions::StateMachineVersion"
ALIAS_TYPE = "AWS::StepFunctions::StateMachineAlias"
MACHINE_TYPE = "AWS::StepFunctions::StateMachine"
Properties = dict[str, Any]
Made = tuple[str, Properties]


def install() -> None:
    """Register the resource types with MiniStack's CloudFormation."""
    handlers = provisioners._RESOURCE_HANDLERS
    handlers[VERSION_TYPE] = {"create": _publish, "update": _update_version, "delete": _delete_version}
    handlers[ALIAS_TYPE] = {"create": _create_alias, "update": _update_alias, "delete": _delete_alias}
    handlers[MACHINE_TYPE] = {**handlers[MACHINE_TYPE], "delete": _with_versions(handlers[MACHINE_TYPE]["delete"])}


def _publish(  # noqa: PLR0917 - MiniStack's signature
    logical_id: str, properties: Properties, stack_name: str
) -> Made:
    del logical_id, stack_name
    request = {
        "stateMachineArn": properties["StateMachineArn"],
        "revisionId": properties.get("StateMachineRevisionId"),
        "description": properties.get("Description", ""),
    }
    arn = _answer(stepfunctions._publish_state_machine_version(request))["stateMachineVersionArn"]
    return arn, {"Arn": arn}


def _update_version(  # noqa: PLR0917 - MiniStack's signature
    physical_id: str, old: Properties, new: Properties, stack_name: str
) -> Made:
    """Another machine or revision is another version, which replaces this one; its description changes in place."""
    if any(old.get(name) != new.get(name) for name in ("StateMachineArn", "StateMachineRevisionId")):
        return _publish("", new, stack_name)
    stepfunctions._state_machine_versions[physical_id]["description"] = new.get("Description", "")
    return physical_id, {"Arn": physical_id}


def _delete_version(physical_id: str, properties: Properties) -> None:
    del properties
    _answer(stepfunctions._delete_state_machine_version({"stateMachineVersionArn": physical_id}))


def _create_alias(  # noqa: PLR0917 - MiniStack's signature
    logical_id: str, properties: Properties, stack_name: str
) -> Made:
    del stack_name
    request = {
        "name": properties.get("Name", logical_id),
        "description": properties.get("Description", ""),
        "routingConfiguration": _routing(properties),
    }
    arn = _answer(stepfunctions._create_state_machine_alias(request))["stateMachineAliasArn"]
    return arn, {"Arn": arn}


def _update_alias(  # noqa: PLR0917 - MiniStack's signature
    physical_id: str, old: Properties, new: Properties, stack_name: str
) -> Made:
    """Another name is another alias; what it stands for changes in place."""
    if old.get("Name") != new.get("Name"):
        return _create_alias("", new, stack_name)
    request = {"stateMachineAliasArn": physical_id, "routingConfiguration": _routing(new)}
    _answer(stepfunctions._update_state_machine_alias({**request, "description": new.get("Description", "")}))
    return physical_id, {"Arn": physical_id}


def _delete_alias(physical_id: str, properties: Properties) -> None:
    del properties
    _answer(stepfunctions._delete_state_machine_alias({"stateMachineAliasArn": physical_id}))


def _with_versions(delete: Any) -> Any:
    """MiniStack's deletion of a machine, which leaves its versions."""

    def delete_machine(physical_id: str, properties: Properties) -> None:
        delete(physical_id, properties)
        versions.forget(physical_id)

    return delete_machine


def _routing(properties: Properties) -> list[Properties]:
    return [
        {"stateMachineVersionArn": each["StateMachineVersionArn"], "weight": int(each["Weight"])}
        for each in properties["RoutingConfiguration"]
    ]


def _answer(response: tuple[int, Any, bytes]) -> Properties:
    code, _, body = response
    answer: Properties = json.loads(body)
    if code != 200:
        # What MiniStack's engine shows as the resource's status reason.
        raise ValueError(answer.get("message", answer))
    return answer
