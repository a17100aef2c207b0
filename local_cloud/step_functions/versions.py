"""Which published version of a state machine an execution runs, as StartExecution was asked for it; in the server.

MiniStack publishes versions and aliases, but runs the newest definition whatever was asked for.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.core import iam_actions
from ministack.core.responses import json_response
from ministack.services import stepfunctions

from local_cloud.journal.started_by import ALIAS, VERSION

Record = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]


def unqualified(arn: str) -> str:
    """The ARN of a state machine, without the version or alias that may stand behind its name."""
    return ":".join(arn.split(":")[:7])


def machine_of(execution: Record) -> Record | None:
    """What holds the definition and the role of an execution that begins: its version, or the machine itself."""
    version: Record | None = stepfunctions._state_machine_versions.get(execution.get(VERSION))
    machine: Record | None = stepfunctions._state_machines.get(execution["stateMachineArn"])
    return version or machine


def names(execution: Record) -> dict[str, str]:
    """The version and the alias of an execution, as descriptions of it show them."""
    return {name: execution[name] for name in (VERSION, ALIAS) if execution.get(name)}


def list_executions(data: Record, original: Any) -> Response:
    """ListExecutions, also of one version or alias."""
    arn = str(data.get("stateMachineArn", ""))
    if arn == unqualified(arn):
        response: Response = original(data)
        return response
    code, headers, body = original({**data, "stateMachineArn": unqualified(arn)})
    if code != 200:
        return code, headers, body
    answer = json.loads(body)
    answer["executions"] = [
        each for each in answer["executions"] if arn in names(stepfunctions._executions[each["executionArn"]]).values()
    ]
    filtered: Response = json_response(answer)
    return filtered


def delete_machine(data: Record, original: Any) -> Response:
    """DeleteStateMachine, which takes the machine's versions and aliases with it."""
    response: Response = original(data)
    forget(data.get("stateMachineArn", ""))
    return response


def forget(machine: str) -> None:
    """Remove the versions and aliases of a machine that is gone."""
    for store in (stepfunctions._state_machine_aliases, stepfunctions._state_machine_versions):
        for each in [name for name in store if unqualified(name) == machine]:
            store.pop(each)


def authorized_on(original: Any) -> Any:
    """MiniStack's search for the resource of a call: whoever may use a machine may use any version of it, as in AWS."""

    def resource_of(service: str, *request: Any, **options: Any) -> str:
        arn: str = original(service, *request, **options)
        if service == "states" and arn == "*":
            # The version that a call names, which MiniStack does not look for.
            arn = iam_actions._safe_json_field(request[3], "stateMachineVersionArn") or arn
        return unqualified(arn) if service == "states" and ":stateMachine:" in arn else arn

    return resource_of
