"""Resources with a unique name of their own: created, described, listed, deleted; runs in the server."""

from __future__ import annotations

import time

from local_cloud.jobs.records import Record
from local_cloud.sagemaker.api.context import Context, Request
from local_cloud.sagemaker.api.errors import invalid, not_found
from local_cloud.sagemaker.api.kinds import Kind
from local_cloud.sagemaker.api.listing import matching, page, summary
from local_cloud.sagemaker.api.validation import described


class Named:
    """One kind of resource with a unique name; subclasses say which, and what they check and add."""

    kind: Kind
    # Members of a record that a list shows.
    listed: tuple[str, ...] = ("CreationTime",)

    def __init__(self, context: Context) -> None:
        self.context = context
        self.records = context.records[self.kind]

    def create(self, request: Request) -> Record:
        """Create*: store it, unless the name is taken."""
        name, now = request[self.kind.name_member], time.time()
        arn = self.kind.arn(name)
        record = {**request, self.kind.arn_member: arn, "CreationTime": now, "LastModifiedTime": now}
        tags = record.pop("Tags", None)
        record |= self.more(record)
        if not self.records.add(name, record):
            raise invalid(f'Cannot create already existing {self.kind.title} "{arn}".')
        self.context.tag(arn, tags)
        return {self.kind.arn_member: arn}

    def more(self, record: Record) -> Record:
        """Check a new record and return what its kind adds to it; raises `ServiceError`."""
        del record
        return {}

    def describe(self, request: Request) -> Record:
        """Describe*."""
        return described(f"Describe{self.kind.prefix}", self.require(request))

    def delete(self, request: Request) -> Record:
        """Delete*."""
        self.require(request)
        self.forget(request[self.kind.name_member])
        return {}

    def list(self, request: Request) -> Record:
        """List*: names, ARNs, times and what else the kind lists."""
        name, status = self.kind.name_member, self.kind.status_member
        found = matching(self.records, request, name=name, status=status)
        keys = {"CreationTime": "CreationTime", "Name": name, "Status": status}
        shown, more = page(found, request, keys=keys)
        members = (name, self.kind.arn_member, *self.listed)
        return {f"{self.kind.prefix}s": [summary(each, *members) for each in shown], **more}

    def forget(self, name: str) -> None:
        """Drop a record and its tags: another one of that name must not inherit them."""
        self.records.delete(name)
        self.context.untag(self.kind.arn(name))

    def require(self, request: Request) -> Record:
        """The record that a request names; raises `ServiceError` when there is none."""
        name = request[self.kind.name_member]
        record = self.records.get(name)
        if record is None:
            raise not_found(self.kind.title, self.kind.arn(name))
        return record
