"""Registered versions of models, as SageMaker's registry describes them; on a laptop and in a Lambda."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from trainyard.errors import NotFound

# SageMaker's words for whether a version may be used.
APPROVED, REJECTED, WAITING = "Approved", "Rejected", "PendingManualApproval"
# What SageMaker calls the event of a version that was approved or rejected.
EVENT = "SageMaker Model Package State Change"


@dataclass(frozen=True, kw_only=True)
class Version:
    """One registered version of a model; `approval` is SageMaker's word for whether it may be used.

    `data` is the S3 URI of its archive, `sagemaker_model` the SageMaker model that was made of it, `group` that of its
    versions, `image` the container that it was made with. `note` is what was written when it was approved or rejected.
    """

    number: int
    run_id: str
    dataset: str
    created: datetime
    approval: str
    standing: str = ""
    arn: str = ""
    data: str = ""
    sagemaker_model: str = ""
    group: str = ""
    image: str = ""
    note: str = ""

    @property
    def approved(self) -> bool:
        """Whether it may be used: it passed the gate, and nobody has rolled it back since."""
        return self.approval == APPROVED

    @property
    def waiting(self) -> bool:
        """Whether it passed the gate and a person has yet to decide on it."""
        return self.approval == WAITING

    @property
    def recipe(self) -> str:
        """The recipe that made it: its archive lies in the recipe's folder."""
        return urlsplit(self.data).path.split("/")[1]


def is_decision(given: Any) -> bool:
    """Whether the input of an execution is SageMaker's event of a version whose state changed.

    >>> event = {"detail-type": EVENT, "detail": {"ModelPackageArn": "arn:..."}}
    >>> is_decision(event), is_decision({"recipe": "two_tower"})
    (True, False)
    """
    return isinstance(given, Mapping) and given.get("detail-type") == EVENT


def described(answer: Mapping[str, Any]) -> Version:
    """The version in an answer of DescribeModelPackage."""
    said = answer.get("CustomerMetadataProperties", {})
    container = answer["InferenceSpecification"]["Containers"][0]
    data = str(container["ModelDataUrl"])
    return Version(
        number=answer["ModelPackageVersion"],
        # Versions of the first deployments say it only by the folder of their archive.
        run_id=said.get("run") or "".join(urlsplit(data).path.split("/")[2:3]),
        dataset=said.get("dataset", ""),
        created=answer["CreationTime"],
        approval=answer.get("ModelApprovalStatus", ""),
        standing=said.get("standing", ""),
        arn=answer["ModelPackageArn"],
        data=data,
        sagemaker_model=said.get("model", ""),
        group=answer.get("ModelPackageGroupName", ""),
        image=container.get("Image", ""),
        note=answer.get("ApprovalDescription", ""),
    )


def summaries(sagemaker: Any, group: str, *, approval: str = "") -> Iterator[Mapping[str, Any]]:
    """ListModelPackages' entries of a group, the newest first; none of one that nothing was registered in yet."""
    wanted = {"ModelApprovalStatus": approval} if approval else {}
    pages = sagemaker.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=group, SortBy="CreationTime", SortOrder="Descending", **wanted
    )
    try:
        for page in pages:
            yield from page["ModelPackageSummaryList"]
    except ClientError as error:
        if "does not exist" not in str(error):
            raise


def versions(sagemaker: Any, group: str, *, approval: str = "") -> Iterator[Version]:
    """The versions of a group, the newest first, each described as it is asked for; those of one `approval`, or all."""
    for each in summaries(sagemaker, group, approval=approval):
        yield described(sagemaker.describe_model_package(ModelPackageName=each["ModelPackageArn"]))


def find(sagemaker: Any, group: str, *, version: str, what: str) -> Version:
    """A version of a group by its number, or by the run that made it; `what` it is one of, as people call it.

    Raises NotFound.
    """
    known = []
    for package in summaries(sagemaker, group):
        number = str(package["ModelPackageVersion"])
        known.append(number)
        if version.isdigit() and number != version:
            continue
        found = described(sagemaker.describe_model_package(ModelPackageName=package["ModelPackageArn"]))
        if version in (number, found.run_id):
            return found
    raise NotFound(
        f"Expected a version of {what} or one of its run ids, found {version!r:.60}; "
        f"the registry has {', '.join(sorted(known, key=int)) or 'no version yet'}."
    )


def one_before(
    found: Iterable[Version], *, run_id: str, replaced: str, same_model: Callable[[Version], bool]
) -> Version | None:
    """The approved version to go back to from that of the run `run_id`, among those of its group, the newest first.

    It is that of the run which it `replaced`, where that is still approved, for versions that wait for approval are not
    promoted in the order of their numbers; or else the newest older one of the same model. None without any.
    """
    older: Version | None = None
    passed = False
    for each in found:
        passed = passed or each.run_id == run_id
        if not each.approved or each.run_id == run_id:
            continue
        if each.run_id == replaced:
            return each
        if older is None and (passed or each.run_id < run_id) and same_model(each):
            older = each
        if older is not None and not replaced:
            return older
    return older
