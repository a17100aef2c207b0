"""Where runs are logged to MLflow: by a setting of the environment, told to the job that does it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from trainyard.run.document import Document

# An MLflow App of SageMaker's, or a tracking server of its earlier kind; any other server has an address.
SAGEMAKER = re.compile(r"arn:aws[\w-]*:sagemaker:[a-z0-9-]+:\d{12}:mlflow-(app|tracking-server)/\S+")
ADDRESS = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?")
BUCKET = re.compile(r"s3://[a-z0-9.-]{3,63}(/\S*)?")
URI, EXPERIMENT, SECRET = "MLFLOW_TRACKING_URI", "TRAINYARD_MLFLOW_EXPERIMENT", "TRAINYARD_MLFLOW_SECRET"
# What a variable of a job holds in place of nothing, which it cannot.
NOTHING = "none"


@dataclass(frozen=True, kw_only=True)
class Mlflow:
    """A server (its address, or the ARN of one of SageMaker's) and what experiments on it begin with.

    `secret` is the name of a secret of Secrets Manager: JSON with a `token`, or with `username` and `password`.
    Of a server of SageMaker's `artifact_store` is where it keeps artifacts, which its clients write themselves.
    """

    uri: str
    experiment: str = ""
    secret: str = ""
    artifact_store: str = ""

    @property
    def sagemaker(self) -> bool:
        """Whether the server is one of SageMaker's."""
        return SAGEMAKER.fullmatch(self.uri) is not None

    def problems(self) -> Iterator[str]:
        """What is wrong with it, each as the end of a sentence about the environment."""
        if not self.sagemaker and not ADDRESS.fullmatch(self.uri):
            yield (
                "expected mlflow.uri as http://..., https://... or the ARN of an MLflow App or tracking server, found "
                f"{self.uri!r:.100}."
            )
        if self.artifact_store and not BUCKET.fullmatch(self.artifact_store):
            yield f"expected mlflow.artifact_store as s3://bucket/prefix, found {self.artifact_store!r:.100}."
        if self.sagemaker and not self.artifact_store:
            yield "expected mlflow.artifact_store beside the ARN in mlflow.uri, for clients write artifacts themselves."

    @classmethod
    def of_environment(cls, environment: Mapping[str, str] = os.environ) -> Mlflow:
        """What a job was told. Raises KeyError for a variable that the deployment forgot."""
        secret = environment[SECRET]
        return cls(uri=environment[URI], experiment=environment[EXPERIMENT], secret="" if secret == NOTHING else secret)


@dataclass(frozen=True, kw_only=True)
class MlflowRun(Document):
    """The run of MLflow that stands for a run, and its page where the server has an address."""

    FILE: ClassVar[str] = "mlflow.json"

    experiment_id: str
    run_id: str
    page: str = ""
