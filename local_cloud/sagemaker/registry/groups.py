"""Groups of model packages, which give their versions numbers; runs in the server."""

from __future__ import annotations

import threading
import time

from local_cloud.jobs.records import Record
from local_cloud.sagemaker.api.context import Context, Request
from local_cloud.sagemaker.api.errors import invalid
from local_cloud.sagemaker.api.kinds import PACKAGE, PACKAGE_GROUP
from local_cloud.sagemaker.api.listing import matching, page, summary
from local_cloud.sagemaker.api.validation import described

VERSION_COUNTER = "LastVersion"


class PackageGroups:
    """SageMaker's model package groups."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._groups = context.records[PACKAGE_GROUP]
        self._lock = threading.Lock()

    def create(self, request: Request) -> Record:
        """CreateModelPackageGroup."""
        name = request["ModelPackageGroupName"]
        record = {
            "ModelPackageGroupName": name,
            "ModelPackageGroupArn": PACKAGE_GROUP.arn(name),
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

    def describe(self, request: Request) -> Record:
        """DescribeModelPackageGroup."""
        return described("DescribeModelPackageGroup", self._group(request["ModelPackageGroupName"]))

    def list(self, request: Request) -> Record:
        """ListModelPackageGroups."""
        found = matching(self._groups, request, name="ModelPackageGroupName")
        keys = {"CreationTime": "CreationTime", "Name": "ModelPackageGroupName"}
        shown, more = page(found, request, keys=keys)
        members = ("ModelPackageGroupName", "ModelPackageGroupArn", "ModelPackageGroupDescription")
        summaries = [summary(each, *members, "CreationTime", "ModelPackageGroupStatus") for each in shown]
        return {"ModelPackageGroupSummaryList": summaries, **more}

    def delete(self, request: Request) -> Record:
        """DeleteModelPackageGroup: only an empty one goes, and its tags with it."""
        group = self._group(request["ModelPackageGroupName"])
        name = group["ModelPackageGroupName"]
        if any(each.get("ModelPackageGroupName") == name for each in self._context.records[PACKAGE]):
            raise invalid(f"Model Package Group {group['ModelPackageGroupArn']} cannot be deleted: it has versions.")
        self._groups.delete(name)
        self._context.untag(group["ModelPackageGroupArn"])
        return {}

    def next_version(self, name: str) -> tuple[str, int]:
        """Name of a group that is given by name or ARN, and the number of its next version."""
        # Numbers of deleted versions are not used again, and two requests never get the same one.
        with self._lock:
            group = self._group(name)
            version = group[VERSION_COUNTER] + 1
            self._groups.update(group["ModelPackageGroupName"], **{VERSION_COUNTER: version})
        return group["ModelPackageGroupName"], version

    def _group(self, name: str) -> Record:
        record = self._groups.get(group_name(name))
        if record is None:
            raise invalid(f"Model Package Group {PACKAGE_GROUP.arn(group_name(name))} does not exist.")
        return record


def group_name(name: str) -> str:
    """A group's name, given as such or as an ARN."""
    return name.rpartition("/")[2] if name.startswith("arn:") else name
