"""The kinds of resources that the local SageMaker has, and what each one is called; runs in the server."""

from __future__ import annotations

from dataclasses import dataclass

from ministack.core.responses import get_account_id, get_region


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of resource.

    `name` is how ARNs and the folders of records spell it; `prefix` begins its members in requests and answers
    ("TrainingJobName") and ends its operations ("CreateTrainingJob"); `title` is what sentences call it.
    """

    name: str
    prefix: str
    title: str

    @property
    def name_member(self) -> str:
        return f"{self.prefix}Name"

    @property
    def arn_member(self) -> str:
        return f"{self.prefix}Arn"

    @property
    def status_member(self) -> str:
        return f"{self.prefix}Status"

    def arn(self, name: str) -> str:
        """ARN of a resource of this kind in the caller's account and region."""
        return f"arn:aws:sagemaker:{get_region()}:{get_account_id()}:{self.name}/{name}"


TRAINING_JOB = Kind(name="training-job", prefix="TrainingJob", title="Training Job")
PROCESSING_JOB = Kind(name="processing-job", prefix="ProcessingJob", title="Processing Job")
TUNING_JOB = Kind(
    name="hyper-parameter-tuning-job", prefix="HyperParameterTuningJob", title="HyperParameter Tuning Job"
)
PACKAGE_GROUP = Kind(name="model-package-group", prefix="ModelPackageGroup", title="Model Package Group")
PACKAGE = Kind(name="model-package", prefix="ModelPackage", title="Model Package")
MODEL = Kind(name="model", prefix="Model", title="model")
ENDPOINT = Kind(name="endpoint", prefix="Endpoint", title="endpoint")
ENDPOINT_CONFIG = Kind(name="endpoint-config", prefix="EndpointConfig", title="endpoint configuration")
# Requests about tags name any resource, by "ResourceArn"; tags are kept under its ARN.
TAGS = Kind(name="tags", prefix="Resource", title="resource")

KINDS = {
    kind.name: kind
    for kind in (
        TRAINING_JOB,
        PROCESSING_JOB,
        TUNING_JOB,
        PACKAGE_GROUP,
        PACKAGE,
        MODEL,
        ENDPOINT,
        ENDPOINT_CONFIG,
        TAGS,
    )
}
JOBS = (TRAINING_JOB, PROCESSING_JOB, TUNING_JOB)
# Their processes have folders below the server's jobs directory: a server that starts ends what an earlier one left.
WITH_PROCESSES = (TRAINING_JOB, PROCESSING_JOB, ENDPOINT)
