"""Makes MiniStack's ECR say that an image is missing, so that the CDK CLI pushes it; runs in the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import ecr

Response = tuple[int, dict[str, str], bytes]


def install() -> None:
    """Replace DescribeImages, which answers an empty list for images that do not exist. Called once."""
    original: Callable[[dict[str, Any]], Response] = ecr._describe_images

    def describe_images(request: dict[str, Any]) -> Response:
        name = request.get("repositoryName", "")
        for identity in request.get("imageIds") or ():
            if name in ecr._repositories and ecr._find_image(name, identity) is None:
                message = f"The image with imageId {identity} does not exist within the repository with name '{name}'"
                return error_response_json("ImageNotFoundException", message, 400)  # type: ignore[no-any-return]
        return original(request)

    ecr._describe_images = describe_images
