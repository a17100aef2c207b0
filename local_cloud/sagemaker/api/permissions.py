"""What a caller of SageMaker must be allowed to do, derived from the table of operations; runs in the server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local_cloud.roles import Need, request_tags
from local_cloud.sagemaker.api.execution_role import SERVICE
from local_cloud.sagemaker.api.kinds import KINDS, Kind
from local_cloud.sagemaker.api.operation import Operation
from local_cloud.step_functions.permissions import managed_rule

Parameters = Mapping[str, Any]

ROLE_MEMBERS = ("RoleArn", "ExecutionRoleArn")


class Permissions:
    """The needs of every operation of a table. Requests need not be valid, and operations not in the table, yet."""

    def __init__(self, operations: Mapping[str, Operation]) -> None:
        self._operations = operations

    def resource(self, operation: str, request: Parameters) -> str:
        """The ARN that a policy's Resource must match for an operation ("CreateTrainingJob") and its parameters."""
        row = self._operations.get(operation)
        kind = row.kind if row is not None else _kind_named_in(request)
        named = "" if kind is None else _named(kind, request)
        if not named and row is not None and row.within is not None:
            group = str(request.get(row.within.name_member, "")).rpartition("/")[2]
            return row.kind.arn(f"{group}/*") if group else "*"
        return named or "*"

    def besides(self, operation: str, request: Parameters) -> list[Need]:
        """What AWS demands besides the operation itself: passing roles, adding tags, using an endpoint's config."""
        needs = [Need("iam:PassRole", role, {"iam:PassedToService": SERVICE}) for role in _roles(request)]
        if operation.startswith("Create") and request.get("Tags"):
            needs.append(Need("sagemaker:AddTags", self.resource(operation, request), request_tags(request)))
        used = self._operations[operation].uses if operation in self._operations else None
        if used is not None:
            needs.append(Need(f"sagemaker:{operation}", used.arn(str(request.get(used.name_member, "")))))
        return needs

    def of_task(self, action: str, given: Parameters, *, sync: bool) -> list[Need]:
        """What the role of a state machine needs for a task that calls an operation, and with `sync` waits for it."""
        resource = self.resource(action, given)
        needs = [Need(f"sagemaker:{action}", resource, request_tags(given))]
        row = self._operations.get(action)
        if sync and row is not None and row.sync_rule:
            waiting = (f"Describe{row.kind.prefix}", f"Stop{row.kind.prefix}", "AddTags", "ListTags")
            needs += [Need(f"sagemaker:{name}", resource) for name in waiting]
            needs += managed_rule(row.sync_rule)
        return needs + self.besides(action, given)


def _kind_named_in(request: Parameters) -> Kind | None:
    """The kind that an operation without a row is about, as far as its request tells."""
    return next((kind for kind in KINDS.values() if _named(kind, request)), None)


def _named(kind: Kind, request: Parameters) -> str:
    """ARN of the resource that a request names, by ARN or name; nothing where it names none."""
    for member in (kind.arn_member, kind.name_member):
        value = request.get(member)
        if isinstance(value, str):
            return value if value.startswith("arn:") else kind.arn(value)
    return ""


def _roles(request: Parameters) -> list[str]:
    """Roles that a request hands to SageMaker, those of a tuning job's children too."""
    several = request.get("TrainingJobDefinitions")
    parts = [request, request.get("TrainingJobDefinition"), *(several if isinstance(several, list) else [])]
    found = [part.get(member) for part in parts if isinstance(part, Mapping) for member in ROLE_MEMBERS]
    return sorted({str(role) for role in found if role})
