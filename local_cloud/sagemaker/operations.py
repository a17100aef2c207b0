"""The table of what the local SageMaker can do: one row for each operation of the API, and who carries it out.

To support one more operation, write a function that takes the request (checked against botocore's description of it
already) and returns the answer, and add its row. Permissions of callers and of state machines, validation and Step
Functions' integrations follow from the row. An operation without a row is refused by name. README.md beside this
module lists the rows for readers; a test keeps the two equal.
"""

from __future__ import annotations

from collections.abc import Mapping

from local_cloud.sagemaker.api.context import Context
from local_cloud.sagemaker.api.kinds import (
    ENDPOINT,
    ENDPOINT_CONFIG,
    MODEL,
    PACKAGE,
    PACKAGE_GROUP,
    PROCESSING_JOB,
    TAGS,
    TRAINING_JOB,
    TUNING_JOB,
    Kind,
)
from local_cloud.sagemaker.api.operation import Operation
from local_cloud.sagemaker.api.tags import Tags
from local_cloud.sagemaker.endpoints.configs import EndpointConfigs
from local_cloud.sagemaker.endpoints.endpoints import Endpoints
from local_cloud.sagemaker.jobs.processing import ProcessingJobs
from local_cloud.sagemaker.jobs.training import TrainingJobs
from local_cloud.sagemaker.registry.groups import PackageGroups
from local_cloud.sagemaker.registry.models import Models
from local_cloud.sagemaker.registry.packages import Packages
from local_cloud.sagemaker.tuning.jobs import TuningJobs

RULE = "StepFunctionsGetEventsForSageMaker{}JobsRule"

OPERATIONS: Mapping[str, Operation] = {
    "CreateProcessingJob": Operation(
        PROCESSING_JOB, ProcessingJobs.create, optimized=True, sync_rule=RULE.format("Processing")
    ),
    "DescribeProcessingJob": Operation(PROCESSING_JOB, ProcessingJobs.describe),
    "ListProcessingJobs": Operation(PROCESSING_JOB, ProcessingJobs.list),
    "StopProcessingJob": Operation(PROCESSING_JOB, ProcessingJobs.stop),
    "CreateTrainingJob": Operation(
        TRAINING_JOB, TrainingJobs.create, optimized=True, sync_rule=RULE.format("Training")
    ),
    "DescribeTrainingJob": Operation(TRAINING_JOB, TrainingJobs.describe),
    "ListTrainingJobs": Operation(TRAINING_JOB, TrainingJobs.list),
    "StopTrainingJob": Operation(TRAINING_JOB, TrainingJobs.stop),
    "CreateHyperParameterTuningJob": Operation(
        TUNING_JOB, TuningJobs.create, optimized=True, sync_rule=RULE.format("Tuning")
    ),
    "DescribeHyperParameterTuningJob": Operation(TUNING_JOB, TuningJobs.describe),
    "ListHyperParameterTuningJobs": Operation(TUNING_JOB, TuningJobs.list),
    "ListTrainingJobsForHyperParameterTuningJob": Operation(TUNING_JOB, TuningJobs.list_training_jobs),
    "StopHyperParameterTuningJob": Operation(TUNING_JOB, TuningJobs.stop),
    "CreateModel": Operation(MODEL, Models.create, optimized=True),
    "DescribeModel": Operation(MODEL, Models.describe),
    "ListModels": Operation(MODEL, Models.list),
    "DeleteModel": Operation(MODEL, Models.delete),
    "CreateModelPackageGroup": Operation(PACKAGE_GROUP, PackageGroups.create),
    "DescribeModelPackageGroup": Operation(PACKAGE_GROUP, PackageGroups.describe),
    "ListModelPackageGroups": Operation(PACKAGE_GROUP, PackageGroups.list),
    "DeleteModelPackageGroup": Operation(PACKAGE_GROUP, PackageGroups.delete),
    "CreateModelPackage": Operation(PACKAGE, Packages.create, within=PACKAGE_GROUP),
    "DescribeModelPackage": Operation(PACKAGE, Packages.describe),
    "ListModelPackages": Operation(PACKAGE, Packages.list, within=PACKAGE_GROUP),
    "UpdateModelPackage": Operation(PACKAGE, Packages.update),
    "DeleteModelPackage": Operation(PACKAGE, Packages.delete),
    "CreateEndpointConfig": Operation(ENDPOINT_CONFIG, EndpointConfigs.create, optimized=True),
    "DescribeEndpointConfig": Operation(ENDPOINT_CONFIG, EndpointConfigs.describe),
    "ListEndpointConfigs": Operation(ENDPOINT_CONFIG, EndpointConfigs.list),
    "DeleteEndpointConfig": Operation(ENDPOINT_CONFIG, EndpointConfigs.delete),
    "CreateEndpoint": Operation(ENDPOINT, Endpoints.create, optimized=True, uses=ENDPOINT_CONFIG),
    "DescribeEndpoint": Operation(ENDPOINT, Endpoints.describe),
    "ListEndpoints": Operation(ENDPOINT, Endpoints.list),
    "UpdateEndpoint": Operation(ENDPOINT, Endpoints.update, optimized=True, uses=ENDPOINT_CONFIG),
    "DeleteEndpoint": Operation(ENDPOINT, Endpoints.delete),
    "AddTags": Operation(TAGS, Tags.add),
    "ListTags": Operation(TAGS, Tags.list),
    "DeleteTags": Operation(TAGS, Tags.delete),
}


def parts(context: Context, *, endpoints: Endpoints) -> dict[Kind, object]:
    """The objects that carry the operations out, by the kind of resource that each one looks after."""
    training, groups = TrainingJobs(context), PackageGroups(context)
    return {
        PROCESSING_JOB: ProcessingJobs(context),
        TRAINING_JOB: training,
        TUNING_JOB: TuningJobs(context, training=training),
        MODEL: Models(context),
        PACKAGE_GROUP: groups,
        PACKAGE: Packages(context, groups=groups),
        ENDPOINT_CONFIG: EndpointConfigs(context),
        ENDPOINT: endpoints,
        TAGS: Tags(context),
    }
