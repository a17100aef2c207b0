"""Models, endpoint configurations and endpoints of the local SageMaker; runs in the server.

Endpoints are records only: nothing serves them yet, so each one is Failed from the start and says why.
"""

from __future__ import annotations

import time

from local_cloud.jobs.execution import pull
from local_cloud.jobs.transfer import Storage, split_uri
from local_cloud.sagemaker.context import Context, Operation, Request, arn, refuse
from local_cloud.sagemaker.errors import invalid, not_found
from local_cloud.sagemaker.jobs import role_clients
from local_cloud.sagemaker.listing import matching, page, summary
from local_cloud.sagemaker.records import Record
from local_cloud.sagemaker.validation import described
from trainyard.errors import JobFailed

NOT_SERVED = "The local cloud keeps endpoints as records but does not serve them; deploy to an AWS account to call one."


class Named:
    """One kind of resource with a unique name: create, describe, list, delete."""

    def __init__(self, context: Context, *, kind: str, prefix: str, phrase: str) -> None:
        self.context = context
        self.kind = kind
        self.records = context.records[kind]
        self._prefix = prefix
        self._phrase = phrase

    def operations(self) -> dict[str, Operation]:
        """Operations by name."""
        return {
            f"Create{self._prefix}": self.create,
            f"Describe{self._prefix}": self.describe,
            f"Delete{self._prefix}": self.delete,
            f"List{self._prefix}s": self.list,
        }

    def create(self, request: Request) -> Record:
        """Store it, unless the name is taken."""
        name, now = request[f"{self._prefix}Name"], time.time()
        record = {**request, f"{self._prefix}Arn": arn(self.kind, name), "CreationTime": now, "LastModifiedTime": now}
        tags = record.pop("Tags", None)
        record |= self.more(record)
        if not self.records.add(name, record):
            raise invalid(f'Cannot create already existing {self._phrase} "{record[f"{self._prefix}Arn"]}".')
        self.context.tag(record[f"{self._prefix}Arn"], tags)
        return {f"{self._prefix}Arn": record[f"{self._prefix}Arn"]}

    def more(self, record: Record) -> Record:
        """What a kind adds to its new records after checking them."""
        del record
        return {}

    def describe(self, request: Request) -> Record:
        """The record."""
        return described(f"Describe{self._prefix}", self._require(request))

    def delete(self, request: Request) -> Record:
        """Forget it."""
        self._require(request)
        self.records.delete(request[f"{self._prefix}Name"])
        return {}

    def list(self, request: Request) -> Record:
        """Names, ARNs and times."""
        name = f"{self._prefix}Name"
        found = matching(self.records, request, name=name, status=f"{self._prefix}Status")
        keys = {"CreationTime": "CreationTime", "Name": name, "Status": f"{self._prefix}Status"}
        shown, more = page(found, request, keys=keys)
        members = (name, f"{self._prefix}Arn", "CreationTime", "LastModifiedTime", f"{self._prefix}Status")
        known = members[:3] if self.kind != "endpoint" else members
        return {f"{self._prefix}s": [summary(each, *known) for each in shown], **more}

    def _require(self, request: Request) -> Record:
        name = request[f"{self._prefix}Name"]
        record = self.records.get(name)
        if record is None:
            raise not_found(self._phrase, arn(self.kind, name))
        return record


class Models(Named):
    """SageMaker's models; like AWS it looks whether the role reaches image and model data."""

    def more(self, record: Record) -> Record:
        refuse(record, "InferenceExecutionConfig")
        containers = record.get("Containers") or [record.get("PrimaryContainer")]
        if containers == [None] or not record.get("ExecutionRoleArn"):
            raise invalid("Expected ExecutionRoleArn and PrimaryContainer or Containers in the request.")
        clients = role_clients(self.context.settings, record["ExecutionRoleArn"], record["ModelName"])
        for container in containers:
            try:
                if container.get("Image"):
                    pull(self.context.settings, clients, container["Image"])
                if container.get("ModelDataUrl"):
                    Storage(clients).require_object(*split_uri(container["ModelDataUrl"]))
            except JobFailed as error:
                raise invalid(f"Could not access the model: {error}") from error
        return {}


class EndpointConfigs(Named):
    """SageMaker's endpoint configurations."""

    def more(self, record: Record) -> Record:
        for variant in record["ProductionVariants"]:
            name = variant.get("ModelName")
            if name and name not in self.context.records["model"]:
                raise not_found("model", arn("model", name))
        return {}


class Endpoints(Named):
    """SageMaker's endpoints, which say that nothing serves them."""

    def more(self, record: Record) -> Record:
        name = record["EndpointConfigName"]
        if name not in self.context.records["endpoint-config"]:
            raise not_found("endpoint configuration", arn("endpoint-config", name))
        return {"EndpointStatus": "Failed", "FailureReason": NOT_SERVED}


def operations(context: Context) -> dict[str, Operation]:
    """Operations of all three kinds."""
    return {
        **Models(context, kind="model", prefix="Model", phrase="model").operations(),
        **EndpointConfigs(
            context, kind="endpoint-config", prefix="EndpointConfig", phrase="endpoint configuration"
        ).operations(),
        **Endpoints(context, kind="endpoint", prefix="Endpoint", phrase="endpoint").operations(),
    }
