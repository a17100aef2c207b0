"""The container images, built from copies of the files that are deployed with each."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ecr_assets as assets
from constructs import Construct

from infra.sources import SHARED, staged

GPU, MLFLOW = "requirements-gpu.txt", "requirements-mlflow.txt"
DEFAULT = "requirements.txt"


class Images(Construct):
    """`processing` (no TensorFlow), `training`, and with `gpu` also `gpu_training`, which has CUDA's libraries (5 GB).

    With `mlflow` the one of processing has the client of MLflow.
    A change in any copied file makes a new image.
    """

    def __init__(self, scope: Construct, name: str, *, gpu: bool, mlflow: bool = False) -> None:
        super().__init__(scope, name)
        requirements = MLFLOW if mlflow else DEFAULT
        self.processing = self._image("Processing", "processing_container", requirements=requirements)
        self.training = self._image("Training", "training_container")
        self.gpu_training = self._image("GpuTraining", "training_container", requirements=GPU) if gpu else None

    def _image(self, name: str, folder: str, *, requirements: str = DEFAULT) -> assets.DockerImageAsset:
        """Of several locks of a folder one belongs into the image: another that changes makes no new image."""
        others = [f"{folder}/requirements*.txt", f"!{folder}/{requirements}"]
        return assets.DockerImageAsset(
            self,
            name,
            directory=staged(*SHARED, folder),
            file=f"{folder}/Dockerfile",
            exclude=others,
            build_args=None if requirements == DEFAULT else {"REQUIREMENTS": requirements},
            ignore_mode=cdk.IgnoreMode.DOCKER,
            platform=assets.Platform.LINUX_AMD64,
        )
