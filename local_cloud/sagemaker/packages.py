"""The model registry: groups of model packages with versions and approval; runs in the server."""

from __future__ import annotations

import threading
import time

from local_cloud.sagemaker import events
from local_cloud.sagemaker.context import Context, Operation, Request, arn, refuse
from local_cloud.sagemaker.errors import invalid
from local_cloud.sagemaker.listing import matching, page, summary
from local_cloud.sagemaker.records import Record
from local_cloud.sagemaker.validation import described

VERSION_COUNTER = "LastVersion"


class Packages:
    """Model package groups and model packages."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._groups = context.records["model-package-group"]
        self._packages = context.records["model-package"]
        self._lock = threading.Lock()

    def operations(self) -> dict[str, Operation]:
        """Operations by name."""
        return {
            "CreateModelPackageGroup": self.create_group,
            "DescribeModelPackageGroup": self.describe_group,
            "ListModelPackageGroups": self.list_groups,
            "DeleteModelPackageGroup": self.delete_group,
            "CreateModelPackage": self.create,
            "DescribeModelPackage": self.describe,
            "ListModelPackages": self.list,
            "UpdateModelPackage": self.update,
            "DeleteModelPackage": self.delete,
        }

    def create_group(self, request: Request) -> Record:
        """CreateModelPackageGroup."""
        name = request["ModelPackageGroupName"]
        record = {
            "ModelPackageGroupName": name,
            "ModelPackageGroupArn": arn("model-package-group", name),
            "ModelPackageGroupDescription": request.get("ModelPackageGroupDescription"),
            "CreationTime": time.time(),
            "CreatedBy": {},
            "ModelPackageGroupStatus": "Completed",
            VERSION_COUNTER: 0,
        }
        if not self._groups.add(name, record):
            raise invalid(f"Model Package Group already exists: {record['ModelPackageGroupArn']}.")
        self._context.tag(record["ModelPackageGroupArn"], request.get("Tags"))
        return {"ModelPackageGroupArn": record["ModelPackageGroupArn"]}

    def describe_group(self, request: Request) -> Record:
        """DescribeModelPackageGroup."""
        return described("DescribeModelPackageGroup", self._group(request["ModelPackageGroupName"]))

    def list_groups(self, request: Request) -> Record:
        """ListModelPackageGroups."""
        found = matching(self._groups, request, name="ModelPackageGroupName")
        keys = {"CreationTime": "CreationTime", "Name": "ModelPackageGroupName"}
        shown, more = page(found, request, keys=keys)
        members = ("ModelPackageGroupName", "ModelPackageGroupArn", "ModelPackageGroupDescription")
        summaries = [summary(each, *members, "CreationTime", "ModelPackageGroupStatus") for each in shown]
        return {"ModelPackageGroupSummaryList": summaries, **more}

    def delete_group(self, request: Request) -> Record:
        """DeleteModelPackageGroup: only an empty one goes."""
        group = self._group(request["ModelPackageGroupName"])
        name = group["ModelPackageGroupName"]
        if any(each.get("ModelPackageGroupName") == name for each in self._packages):
            raise invalid(f"Model Package Group {group['ModelPackageGroupArn']} cannot be deleted: it has versions.")
        self._groups.delete(name)
        return {}

    def create(self, request: Request) -> Record:
        """CreateModelPackage: a version of a group, or a package of its own name."""
        refuse(request, "ValidationSpecification", "SourceAlgorithmSpecification", "CertifyForMarketplace")
        group, name = request.get("ModelPackageGroupName"), request.get("ModelPackageName")
        if (group is None) == (name is None):
            raise invalid("Expected exactly one of ModelPackageGroupName and ModelPackageName in the request.")
        if "InferenceSpecification" not in request:
            raise invalid("Expected InferenceSpecification in the request.")
        record: Record = {key: value for key, value in request.items() if key not in {"Tags", "ClientToken"}}
        if group is not None:
            record |= self._next_version(group)
        else:
            record["ModelPackageArn"] = arn("model-package", str(name))
        record |= {"CreationTime": time.time(), "CreatedBy": {}, "ModelPackageStatus": "Completed"}
        record["ModelPackageStatusDetails"] = {"ValidationStatuses": []}
        if not self._packages.add(record["ModelPackageArn"], record):
            raise invalid(f"Model Package already exists: {record['ModelPackageArn']}.")
        self._context.tag(record["ModelPackageArn"], request.get("Tags"))
        self._announce(record)
        return {"ModelPackageArn": record["ModelPackageArn"]}

    def _next_version(self, group: str) -> Record:
        # Numbers of deleted versions are not used again, and two requests never get the same one.
        with self._lock:
            found = self._group(group)
            version = found[VERSION_COUNTER] + 1
            self._groups.update(found["ModelPackageGroupName"], **{VERSION_COUNTER: version})
        name = found["ModelPackageGroupName"]
        return {
            "ModelPackageGroupName": name,
            "ModelPackageVersion": version,
            "ModelPackageArn": arn("model-package", f"{name}/{version}"),
            "ModelApprovalStatus": "PendingManualApproval",
        }

    def describe(self, request: Request) -> Record:
        """DescribeModelPackage, by ARN or name."""
        record = self._package(request["ModelPackageName"])
        return described("DescribeModelPackage", {"ModelPackageName": _name(record), **record})

    def list(self, request: Request) -> Record:
        """ListModelPackages: versions of a group, or packages without one, newest last unless asked otherwise."""
        group = request.get("ModelPackageGroupName")
        wanted = _last(group) if group else None
        kept = [
            {"ModelPackageName": _name(each), **each}
            for each in self._packages
            if each.get("ModelPackageGroupName") == wanted
            and request.get("ModelApprovalStatus") in {None, each.get("ModelApprovalStatus")}
        ]
        found = matching(kept, request, name="ModelPackageName")
        keys = {"CreationTime": "CreationTime", "Name": "ModelPackageName"}
        shown, more = page(found, request, keys=keys)
        members = ("ModelPackageGroupName", "ModelPackageVersion", "ModelPackageArn", "ModelPackageDescription")
        status = ("CreationTime", "ModelPackageStatus", "ModelApprovalStatus")
        return {"ModelPackageSummaryList": [summary(each, *members, *status) for each in shown], **more}

    def update(self, request: Request) -> Record:
        """UpdateModelPackage: approval, its description and customer metadata."""
        refuse(request, "AdditionalInferenceSpecificationsToAdd", "InferenceSpecification", "SourceUri", "ModelCard")
        record = self._package(request["ModelPackageArn"])
        metadata = {**record.get("CustomerMetadataProperties", {}), **request.get("CustomerMetadataProperties", {})}
        for name in request.get("CustomerMetadataPropertiesToRemove", ()):
            metadata.pop(name, None)
        changes = summary(request, "ModelApprovalStatus", "ApprovalDescription")
        updated = self._packages.update(
            record["ModelPackageArn"],
            LastModifiedTime=time.time(),
            CustomerMetadataProperties=metadata,
            **changes,
        )
        self._announce(updated)
        return {"ModelPackageArn": record["ModelPackageArn"]}

    def delete(self, request: Request) -> Record:
        """DeleteModelPackage."""
        self._packages.delete(self._package(request["ModelPackageName"])["ModelPackageArn"])
        return {}

    def _group(self, name: str) -> Record:
        record = self._groups.get(_last(name))
        if record is None:
            raise invalid(f"Model Package Group {arn('model-package-group', _last(name))} does not exist.")
        return record

    def _package(self, name: str) -> Record:
        full = name if name.startswith("arn:") else arn("model-package", name)
        record = self._packages.get(full)
        if record is None:
            raise invalid(f"ModelPackage {full} does not exist.")
        return record

    def _announce(self, record: Record) -> None:
        description = self.describe({"ModelPackageName": record["ModelPackageArn"]})
        events.announce("SageMaker Model Package State Change", record["ModelPackageArn"], description)


def _last(name: str) -> str:
    """A group's name, given as such or as an ARN."""
    return name.rpartition("/")[2] if name.startswith("arn:") else name


def _name(record: Record) -> str:
    return str(record["ModelPackageArn"]).partition(":model-package/")[2]
