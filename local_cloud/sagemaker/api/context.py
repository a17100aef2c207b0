"""What all parts of the local SageMaker share: settings, records, tags and running jobs; runs in the server."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from local_cloud.jobs.records import Records
from local_cloud.jobs.running import RunningJobs
from local_cloud.jobs.settings import Settings
from local_cloud.sagemaker.api.kinds import JOBS, KINDS, TAGS, Kind

Request = dict[str, Any]


@dataclass
class Context:
    """The state of the service, by kind of resource.

    `closing` is set when the server ends: what fails from then on fails for that reason.
    """

    settings: Settings
    closing: bool = False
    records: dict[Kind, Records] = field(default_factory=dict)
    running: dict[Kind, RunningJobs] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.records = {kind: Records(self.settings.records_dir / kind.name) for kind in KINDS.values()}
        self.running = {kind: RunningJobs() for kind in JOBS}

    def tag(self, arn: str, tags: list[dict[str, str]] | None) -> None:
        """Add tags to a resource."""
        if tags:
            known = (self.records[TAGS].get(arn) or {}).get("Tags", {})
            self.records[TAGS].put(arn, {"Tags": {**known, **{each["Key"]: each["Value"] for each in tags}}})

    def untag(self, arn: str) -> None:
        """Drop all tags of a resource."""
        if arn in self.records[TAGS]:
            self.records[TAGS].delete(arn)
