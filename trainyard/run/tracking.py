"""Where runs are logged to MLflow: by a setting of the environment, told to the job that does it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from trainyard.run.document import Document

# An MLflow App of SageMaker's, or a tracking server of its earlier kind; any other server has an address.
SAGEMAKER = re.compile(r"arn:aws[\w-]*:sagemaker:[a-z0-9-]+:\d{12}:mlflow-(app|tracking-server)/[A-Za-z0-9-]+")
# Address and names stand in the machine's definition, in quotes: no sign of these is one that ends them.
ADDRESS = re.compile(r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\])(:\d+)?(/[A-Za-z0-9._~%/-]*)?")
BUCKET = re.compile(r"s3://[a-z0-9.-]{3,63}(/[A-Za-z0-9._=/-]*)?")
EXPERIMENT_NAME = re.compile(r"[\w .:/-]{0,200}")
SECRET_NAME = re.compile(r"[A-Za-z0-9/_+=.@-]{0,256}")
# Of a variable of a job, in characters.
LONGEST_URI = 256
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
        if len(self.uri) > LONGEST_URI or not (self.sagemaker or ADDRESS.fullmatch(self.uri)):
            yield (
                "expected mlflow.uri as http://..., https://... or the ARN of an MLflow App or tracking server, found "
                f"{self.uri!r:.100}."
            )
        if not EXPERIMENT_NAME.fullmatch(self.experiment):
            yield (
                "expected mlflow.experiment of at most 200 letters, digits, spaces and _.:/-, found "
                f"{self.experiment!r:.100}."
            )
        if not SECRET_NAME.fullmatch(self.secret):
            yield (
                "expected mlflow.secret as the name of a secret, which is no ARN: at most 256 letters, digits and "
                f"/_+=.@-, found {self.secret!r:.100}."
            )
        if self.secret and self.uri.startswith("http://"):
            yield "expected https:// in mlflow.uri beside mlflow.secret, which http:// would send for all to read."
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
