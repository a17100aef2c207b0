"""Models of the local SageMaker; runs in the server."""

from __future__ import annotations

from local_cloud.jobs.execution import pull
from local_cloud.jobs.records import Record
from local_cloud.jobs.transfer import Storage, split_uri
from local_cloud.sagemaker.api.errors import invalid, refuse
from local_cloud.sagemaker.api.execution_role import role_clients
from local_cloud.sagemaker.api.kinds import MODEL
from local_cloud.sagemaker.api.named import Named
from trainyard.errors import JobFailed


class Models(Named):
    """SageMaker's models; like AWS it looks whether the role reaches image and model data."""

    kind = MODEL

    def more(self, record: Record) -> Record:
        refuse(record, "InferenceExecutionConfig")
        containers = record.get("Containers") or [record.get("PrimaryContainer")]
        if containers == [None] or not record.get("ExecutionRoleArn"):
            raise invalid("Expected ExecutionRoleArn and PrimaryContainer or Containers in the request.")
        clients = role_clients(record["ExecutionRoleArn"], record["ModelName"], settings=self.context.settings)
        for container in containers:
            try:
                if container.get("Image"):
                    pull(container["Image"], settings=self.context.settings, clients=clients)
                if container.get("ModelDataUrl"):
                    Storage(clients).require_object(*split_uri(container["ModelDataUrl"]))
            except JobFailed as error:
                raise invalid(f"Could not access the model: {error}") from error
        return {}
