"""Lets stacks of the local cloud have AWS::SageMaker::ModelPackageGroup; runs in the server."""

from __future__ import annotations

from typing import Any

from ministack.services.cloudformation import provisioners

from local_cloud.sagemaker.api.context import Context
from local_cloud.sagemaker.api.dispatch import SageMaker
from local_cloud.sagemaker.api.errors import ServiceError
from local_cloud.sagemaker.api.kinds import PACKAGE_GROUP

TYPE = "AWS::SageMaker::ModelPackageGroup"
Properties = dict[str, Any]


def install(service: SageMaker) -> None:
    """Register the resource type with MiniStack's CloudFormation."""
    groups = _Groups(service)
    provisioners._RESOURCE_HANDLERS[TYPE] = {
        "create": groups.create,
        "update": groups.update,
        "delete": groups.delete,
    }
    provisioners._STACK_TAG_PROPERTY[TYPE] = ("Tags", "list")


class _Groups:
    """Ref is the group's ARN, as in AWS; the name is the primary identifier of the API only."""

    def __init__(self, service: SageMaker) -> None:
        self._service = service
        self._context: Context = service.context

    def create(  # noqa: PLR0917 - MiniStack's signature
        self, logical_id: str, properties: Properties, stack_name: str
    ) -> tuple[str, Properties]:
        del logical_id, stack_name
        members = ("ModelPackageGroupName", "ModelPackageGroupDescription", "Tags")
        request = {name: properties[name] for name in members if properties.get(name)}
        created = self._call("CreateModelPackageGroup", request)
        return created["ModelPackageGroupArn"], self._attributes(properties["ModelPackageGroupName"])

    def update(  # noqa: PLR0917 - MiniStack's signature
        self, physical_id: str, old: Properties, new: Properties, stack_name: str
    ) -> tuple[str, Properties]:
        """Tags change in place; another name or description is another group."""
        same = all(old.get(name) == new.get(name) for name in ("ModelPackageGroupName", "ModelPackageGroupDescription"))
        if not same:
            self.delete(physical_id, old)
            return self.create("", new, stack_name)
        keys = [each["Key"] for each in old.get("Tags") or ()]
        if keys:
            self._call("DeleteTags", {"ResourceArn": physical_id, "TagKeys": keys})
        self._context.tag(physical_id, new.get("Tags"))
        return physical_id, self._attributes(new["ModelPackageGroupName"])

    def delete(self, physical_id: str, properties: Properties) -> None:
        del properties
        name = physical_id.rpartition("/")[2]
        if name in self._context.records[PACKAGE_GROUP]:
            self._call("DeleteModelPackageGroup", {"ModelPackageGroupName": name})

    def _attributes(self, name: str) -> Properties:
        group = self._call("DescribeModelPackageGroup", {"ModelPackageGroupName": name})
        return {
            "ModelPackageGroupArn": PACKAGE_GROUP.arn(name),
            "ModelPackageGroupStatus": group["ModelPackageGroupStatus"],
            "CreationTime": str(group["CreationTime"]),
        }

    def _call(self, operation: str, request: Properties) -> Properties:
        try:
            return self._service.call(operation, request)
        except ServiceError as error:
            # What MiniStack's engine shows as the resource's status reason.
            raise ValueError(f"{error} ({error.code})") from error
