"""What an environment still needs, as registry, ledger, endpoints and running executions name it; in a Lambda."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trainyard.run.ledger import CHAMPION
from trainyard.run.naming import execution_mark
from trainyard.run.registry import APPROVED, WAITING, described

GOING_ON = ("RUNNING", "PENDING_REDRIVE")
# How an execution ends that can be redriven, for 14 days.
REDRIVABLE = ("FAILED", "TIMED_OUT", "ABORTED")


@dataclass(frozen=True, kw_only=True)
class Needed:
    """`archives` are S3 URIs of models, `images` those that registered versions are served by, `models` names of
    SageMaker models, `unfinished` the ends of run ids.

    A run is unfinished while its execution goes on or can be redriven, and while its version waits for somebody to
    approve it or was approved lately: then it is compared once more, by another execution, on the data of the run.
    """

    archives: frozenset[str]
    images: frozenset[str]
    models: frozenset[str]
    unfinished: frozenset[str]


def needed(
    prefix: str,
    *,
    before: datetime,
    machine_arn: str,
    ledger_table: str,
    sagemaker: Any,
    dynamodb: Any,
    states: Any,
) -> Needed:
    """Of the environment whose names begin with `prefix`: registered versions of any approval can be used again.

    What failed or was approved after `before` may have to go on; that is longer ago than a redrive is possible for.
    """
    packages = list(_packages(prefix, sagemaker=sagemaker))
    champions = list(_champions(ledger_table, dynamodb=dynamodb))
    return Needed(
        archives=frozenset(
            [each["InferenceSpecification"]["Containers"][0]["ModelDataUrl"] for each in packages]
            + [each["model_data"]["S"] for each in champions]
        ),
        images=frozenset(each["InferenceSpecification"]["Containers"][0]["Image"] for each in packages),
        models=frozenset(
            [each.get("CustomerMetadataProperties", {}).get("model", "") for each in packages]
            + [each.get("model_name", {}).get("S", "") for each in champions]
        ),
        unfinished=frozenset(
            [execution_mark(each) for each in _executions(machine_arn, before=before, states=states)]
            + [described(each).run_id.rpartition("-")[2] for each in packages if _compared_again(each, before=before)]
        ),
    )


def _packages(prefix: str, *, sagemaker: Any) -> Iterator[Mapping[str, Any]]:
    groups = sagemaker.get_paginator("list_model_package_groups").paginate(NameContains=f"{prefix}-")
    for name in (each["ModelPackageGroupName"] for page in groups for each in page["ModelPackageGroupSummaryList"]):
        if name.startswith(f"{prefix}-"):
            pages = sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=name)
            for arn in (each["ModelPackageArn"] for page in pages for each in page["ModelPackageSummaryList"]):
                yield sagemaker.describe_model_package(ModelPackageName=arn)


def _champions(table: str, *, dynamodb: Any) -> Iterator[Mapping[str, Any]]:
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=table,
        ConsistentRead=True,
        FilterExpression="begins_with(id, :start)",
        ExpressionAttributeValues={":start": {"S": CHAMPION}},
    )
    for page in pages:
        yield from page["Items"]


def _compared_again(package: Mapping[str, Any], *, before: datetime) -> bool:
    """Whether a version is still to be compared, or was approved so lately that its comparison may go on."""
    approval = package.get("ModelApprovalStatus")
    return approval == WAITING or (approval == APPROVED and package.get("LastModifiedTime", before) > before)


def _executions(machine_arn: str, *, before: datetime, states: Any) -> Iterator[str]:
    pages = states.get_paginator("list_executions")
    for status in (*GOING_ON, *REDRIVABLE):
        for page in pages.paginate(stateMachineArn=machine_arn, statusFilter=status):
            for each in page["executions"]:
                if status in GOING_ON or each["stopDate"] > before:
                    yield each["executionArn"]
