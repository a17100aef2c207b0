"""Models and endpoint configurations of the local SageMaker; runs in the server."""

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

# What a configuration may ask of AWS but not of a laptop.
UNSUPPORTED = ("AsyncInferenceConfig", "DataCaptureConfig", "ExplainerConfig", "ShadowProductionVariants")


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
        """Delete*."""
        self._require(request)
        self.forget(request[f"{self._prefix}Name"])
        return {}

    def forget(self, name: str) -> None:
        """Drop a record and its tags: another one of that name must not inherit them."""
        self.records.delete(name)
        self.context.untag(arn(self.kind, name))

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
        refuse(record, *UNSUPPORTED)
        names = [variant["VariantName"] for variant in record["ProductionVariants"]]
        if len(set(names)) < len(names):
            raise invalid(f"Expected variants with different names, found {', '.join(names)}.")
        for variant in record["ProductionVariants"]:
            self._check(variant)
        return {}

    def _check(self, variant: Record) -> None:
        refuse(variant, "CoreDumpConfig", "ManagedInstanceScaling", "RoutingConfig")
        name, serverless = variant.get("ModelName"), variant.get("ServerlessConfig")
        model = self.context.records["model"].get(name or "")
        if model is None:
            raise not_found("model", arn("model", name or ""))
        if bool(serverless) == bool(variant.get("InstanceType")):
            raise invalid(f"Expected either ServerlessConfig or InstanceType in variant {variant['VariantName']}.")
        if serverless and model.get("EnableNetworkIsolation"):
            raise invalid(f"Network isolation, which model {name} asks for, is not supported for serverless inference.")


def operations(context: Context) -> dict[str, Operation]:
    """Operations of both kinds."""
    return {
        **Models(context, kind="model", prefix="Model", phrase="model").operations(),
        **EndpointConfigs(
            context, kind="endpoint-config", prefix="EndpointConfig", phrase="endpoint configuration"
        ).operations(),
    }
