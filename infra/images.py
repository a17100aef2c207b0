"""The two container images, built from the repository's root with only the files that each Dockerfile copies."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ecr_assets as assets
from constructs import Construct

from infra.sources import ROOT, SHARED, allow_list


class Images(Construct):
    """`processing` (no TensorFlow) and `training`; a change in any copied file makes a new image."""

    def __init__(self, scope: Construct, name: str) -> None:
        super().__init__(scope, name)
        self.processing = self._image("Processing", "processing_container")
        self.training = self._image("Training", "training_container")

    def _image(self, name: str, folder: str) -> assets.DockerImageAsset:
        return assets.DockerImageAsset(
            self,
            name,
            directory=str(ROOT),
            file=f"{folder}/Dockerfile",
            exclude=allow_list(*SHARED, folder),
            ignore_mode=cdk.IgnoreMode.DOCKER,
            platform=assets.Platform.LINUX_AMD64,
        )
