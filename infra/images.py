"""The container images, built from copies of the files that are deployed with each."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ecr_assets as assets
from constructs import Construct

from infra.sources import SHARED, staged

GPU = "requirements-gpu.txt"


class Images(Construct):
    """`processing` (no TensorFlow), `training`, and with `gpu` also `gpu_training`, which has CUDA's libraries (5 GB).

    A change in any copied file makes a new image.
    """

    def __init__(self, scope: Construct, name: str, *, gpu: bool) -> None:
        super().__init__(scope, name)
        self.processing = self._image("Processing", "processing_container")
        self.training = self._image("Training", "training_container")
        self.gpu_training = self._image("GpuTraining", "training_container", requirements=GPU) if gpu else None

    def _image(self, name: str, folder: str, *, requirements: str = "requirements.txt") -> assets.DockerImageAsset:
        """Of several locks of a folder one belongs into the image: another that changes makes no new image."""
        others = [f"{folder}/requirements*.txt", f"!{folder}/{requirements}"]
        return assets.DockerImageAsset(
            self,
            name,
            directory=staged(*SHARED, folder),
            file=f"{folder}/Dockerfile",
            exclude=others,
            build_args={"REQUIREMENTS": requirements} if requirements == GPU else None,
            ignore_mode=cdk.IgnoreMode.DOCKER,
            platform=assets.Platform.LINUX_AMD64,
        )
