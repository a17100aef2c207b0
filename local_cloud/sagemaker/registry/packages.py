"""Model packages: versions of a group or packages of their own, with metadata and approval; runs in the server."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from local_cloud.jobs.records import Record
from local_cloud.sagemaker.api import events
from local_cloud.sagemaker.api.context import Context, Request
from local_cloud.sagemaker.api.errors import invalid, refuse
from local_cloud.sagemaker.api.kinds import PACKAGE
from local_cloud.sagemaker.api.listing import matching, page, summary
from local_cloud.sagemaker.api.validation import described
from local_cloud.sagemaker.registry.groups import PackageGroups, group_name

# Kept with a package, so that a request that is made again finds it: a retry never makes a second version.
TOKEN = "ClientToken"


class Packages:
    """SageMaker's model packages."""

    def __init__(self, context: Context, *, groups: PackageGroups) -> None:
        self._context = context
        self._groups = groups
        self._packages = context.records[PACKAGE]
        self._lock = threading.Lock()

    def create(self, request: Request) -> Record:
        """CreateModelPackage: a version of a group, or a package of its own name; by its ClientToken only once."""
        refuse(request, "ValidationSpecification", "SourceAlgorithmSpecification", "CertifyForMarketplace")
        group, name = request.get("ModelPackageGroupName"), request.get("ModelPackageName")
        if (group is None) == (name is None):
            raise invalid("Expected exactly one of ModelPackageGroupName and ModelPackageName in the request.")
        if "InferenceSpecification" not in request:
            raise invalid("Expected InferenceSpecification in the request.")
        with self._lock:
            earlier = self._made_with(request.get("ClientToken"))
            record = earlier or self._add(request)
        if earlier is None:
            self._context.tag(record["ModelPackageArn"], request.get("Tags"))
            self._announce(record)
        return {"ModelPackageArn": record["ModelPackageArn"]}

    def _made_with(self, token: str | None) -> Record | None:
        """The package that an earlier attempt of the same request has made."""
        return None if token is None else next((each for each in self._packages if each.get(TOKEN) == token), None)

    def _add(self, request: Request) -> Record:
        record: Record = {key: value for key, value in request.items() if key != "Tags"}
        if (group := request.get("ModelPackageGroupName")) is not None:
            record = {"ModelApprovalStatus": "PendingManualApproval"} | record | self._next_version(group)
        else:
            record["ModelPackageArn"] = PACKAGE.arn(str(request["ModelPackageName"]))
        record |= {"CreationTime": time.time(), "CreatedBy": {}, "ModelPackageStatus": "Completed"}
        record["ModelPackageStatusDetails"] = {"ValidationStatuses": []}
        if not self._packages.add(record["ModelPackageArn"], record):
            raise invalid(f"Model Package already exists: {record['ModelPackageArn']}.")
        return record

    def _next_version(self, group: str) -> Record:
        name, version = self._groups.next_version(group)
        return {
            "ModelPackageGroupName": name,
            "ModelPackageVersion": version,
            "ModelPackageArn": PACKAGE.arn(f"{name}/{version}"),
        }

    def describe(self, request: Request) -> Record:
        """DescribeModelPackage, by ARN or name."""
        record = self._package(request["ModelPackageName"])
        return described("DescribeModelPackage", {"ModelPackageName": _name(record), **record})

    def list(self, request: Request) -> Record:
        """ListModelPackages: versions of a group, or packages without one, newest last unless asked otherwise."""
        group = request.get("ModelPackageGroupName")
        name = group_name(group) if group else None
        kept = [
            {"ModelPackageName": _name(each), **each}
            for each in self._packages
            if each.get("ModelPackageGroupName") == name
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
        before = record.get("CustomerMetadataProperties", {})
        metadata = {**before, **request.get("CustomerMetadataProperties", {})}
        for name in request.get("CustomerMetadataPropertiesToRemove", ()):
            metadata.pop(name, None)
        changes = summary(request, "ModelApprovalStatus", "ApprovalDescription")
        named = [*changes, *(["CustomerMetadataProperties"] if metadata != before else [])]
        updated = self._packages.update(
            record["ModelPackageArn"],
            LastModifiedTime=time.time(),
            CustomerMetadataProperties=metadata,
            **changes,
        )
        self._announce(updated, changed=named)
        return {"ModelPackageArn": record["ModelPackageArn"]}

    def delete(self, request: Request) -> Record:
        """DeleteModelPackage, and its tags."""
        arn = self._package(request["ModelPackageName"])["ModelPackageArn"]
        self._packages.delete(arn)
        self._context.untag(arn)
        return {}

    def _package(self, name: str) -> Record:
        full = name if name.startswith("arn:") else PACKAGE.arn(name)
        record = self._packages.get(full)
        if record is None:
            raise invalid(f"ModelPackage {full} does not exist.")
        return record

    def _announce(self, record: Record, *, changed: Sequence[str] = ()) -> None:
        """Tell what a version is now, and of an update what it names, as SageMaker does."""
        description = self.describe({"ModelPackageName": record["ModelPackageArn"]})
        if changed:
            description = {**description, "UpdatedModelPackageFields": list(changed)}
        events.announce(f"SageMaker {PACKAGE.title} State Change", record["ModelPackageArn"], description=description)


def _name(record: Record) -> str:
    return str(record["ModelPackageArn"]).partition(":model-package/")[2]
