"""One run of a recipe: its identity, what it was asked to do, and where everything it makes lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from trainyard.run.document import Document
from trainyard.run.naming import run_prefix
from trainyard.run.stage import Stage

Task = Literal["train", "score", "deploy", "check_drift", "verify"]


def below_dataset(key: str) -> str:
    """What a key of the raw bucket says after the folder of its data set.

    >>> below_dataset("raw/two_tower/mine/ratings/part-00000.csv")
    'ratings/part-00000.csv'
    """
    return key.split("/", 3)[-1]


@dataclass(frozen=True, kw_only=True)
class InputFile:
    """One object version in the raw bucket, and the source table it provides by its name.

    `source` is empty where the file's content has to tell. `uploaded_at` (ISO 8601, UTC) is told of labels alone.
    """

    source: str
    key: str
    version_id: str
    size: int
    etag: str = ""
    uploaded_at: str = ""

    @property
    def name(self) -> str:
        """Its path below the folder of the data set, as people know it."""
        return below_dataset(self.key)


@dataclass(frozen=True, kw_only=True)
class Run(Document):
    """A run, as written by Resolve to `<run>/resolve/request.json` and read by every later stage.

    `config` is the complete, validated configuration as plain JSON; `recipe.config` turns it back into classes.
    `overrides` is the part of it that a manual start asked for, which its child executions are given too.
    `fingerprint` identifies the set of object versions; `code_version` the deployed code. A run of task `score` trains
    nothing: it scores every row with the model in use; one of task `deploy` puts that model into service, and one of
    task `check_drift` looks at what was asked of its endpoint. One of task `verify` sets labels beside what was
    predicted. `show_cells` says whether sentences may quote the data.
    """

    FILE: ClassVar[str] = "request.json"

    recipe: str
    run_id: str
    dataset: str
    execution_arn: str
    raw_bucket: str
    artifacts_bucket: str
    fingerprint: str
    code_version: str
    files: tuple[InputFile, ...]
    config: Mapping[str, Any] = field(default_factory=dict)
    overrides: Mapping[str, Any] = field(default_factory=dict)
    task: Task = "train"
    show_cells: bool = True

    @property
    def region(self) -> str:
        """The AWS region of its execution, and so of its jobs.

        SageMaker tells a container its region as AWS_REGION only, which boto3 does not read.
        """
        return self.execution_arn.split(":")[3]

    @property
    def prefix(self) -> str:
        """Key prefix of everything the run makes, without a trailing slash."""
        return run_prefix(self.recipe, self.run_id)

    def key(self, stage: Stage, *names: str) -> str:
        """S3 key of something a stage wrote in the artifacts bucket."""
        return "/".join((self.prefix, stage.value, *names))

    def uri(self, stage: Stage, *names: str) -> str:
        """S3 URI of something a stage wrote."""
        return f"s3://{self.artifacts_bucket}/{self.key(stage, *names)}"
