"""What all parts of the local SageMaker share: settings, records, running jobs, ARNs; runs in the server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ministack.core.responses import get_account_id, get_region

from local_cloud.jobs.running import RunningJobs
from local_cloud.jobs.settings import Settings
from local_cloud.sagemaker.errors import not_implemented
from local_cloud.sagemaker.records import Record, Records

Request = dict[str, Any]
Operation = Callable[[Request], Record]

KINDS = (
    "training-job", "processing-job", "hyper-parameter-tuning-job", "model", "model-package-group", "model-package",
    "endpoint-config", "endpoint", "tags",
)  # fmt: skip


@dataclass
class Context:
    """The state of the service; `records` and `running` are by kind of resource, as it is spelt in ARNs.

    `closing` is set when the server ends: what fails from then on fails for that reason.
    """

    settings: Settings
    closing: bool = False
    records: dict[str, Records] = field(default_factory=dict)
    running: dict[str, RunningJobs] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.records = {kind: Records(self.settings.records_dir / kind) for kind in KINDS}
        self.running = {kind: RunningJobs() for kind in KINDS if kind.endswith("-job")}

    def tag(self, arn: str, tags: list[dict[str, str]] | None) -> None:
        """Add tags to a resource."""
        if tags:
            known = (self.records["tags"].get(arn) or {}).get("Tags", {})
            self.records["tags"].put(arn, {"Tags": {**known, **{each["Key"]: each["Value"] for each in tags}}})

    def untag(self, arn: str) -> None:
        """Drop all tags of a resource."""
        if arn in self.records["tags"]:
            self.records["tags"].delete(arn)


def arn(kind: str, name: str) -> str:
    """ARN of a SageMaker resource in the caller's account and region."""
    return f"arn:aws:sagemaker:{get_region()}:{get_account_id()}:{kind}/{name}"


def refuse(request: Request, *names: str) -> None:
    """Raise NotImplemented when the request uses a feature that the local cloud lacks."""
    for name in names:
        if request.get(name):
            raise not_implemented(f"the parameter {name}")
