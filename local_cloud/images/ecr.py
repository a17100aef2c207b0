"""Makes MiniStack's ECR say that an image is missing, so that the CDK CLI pushes it; runs in the server.

One that was pushed is missing again when its files were removed because nothing needed them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import ecr

from local_cloud.images.registry import Registry
from local_cloud.state import images_directory, state_directory

Response = tuple[int, dict[str, str], bytes]


def install() -> None:
    """Replace DescribeImages, which answers an empty list for images that do not exist. Called once."""
    registry = Registry(images_directory(state_directory(os.environ)))
    original: Callable[[dict[str, Any]], Response] = ecr._describe_images

    def describe_images(request: dict[str, Any]) -> Response:
        name = request.get("repositoryName", "")
        for identity in request.get("imageIds") or ():
            if name in ecr._repositories and not _is_there(name, identity, registry=registry):
                message = f"The image with imageId {identity} does not exist within the repository with name '{name}'"
                return error_response_json("ImageNotFoundException", message, 400)  # type: ignore[no-any-return]
        return original(request)

    ecr._describe_images = describe_images


def _is_there(repository: str, identity: dict[str, str], *, registry: Registry) -> bool:
    """Whether ECR knows an image, and the files of one that is named by its tag are still there."""
    known = ecr._find_image(repository, identity) is not None
    return known and ("imageTag" not in identity or registry.find(f"{repository}:{identity['imageTag']}") is not None)
