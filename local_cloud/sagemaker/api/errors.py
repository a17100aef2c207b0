"""What the local SageMaker answers when it refuses a request, with AWS's error codes; runs in the server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainyard.errors import TrainyardError


class ServiceError(TrainyardError):
    """An error response: `code` is what botocore shows, `status` the HTTP status."""

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        self.code = code
        self.status = status
        super().__init__(message)


def invalid(message: str) -> ServiceError:
    """The request is wrong."""
    return ServiceError("ValidationException", message)


def not_found(what: str, name: str) -> ServiceError:
    """Nothing has that name; SageMaker answers most of these with a ValidationException."""
    return ServiceError("ValidationException", f'Could not find {what} "{name}".')


def in_use(what: str, name: str) -> ServiceError:
    """The name is taken."""
    return ServiceError(
        "ResourceInUse", f"{what} names must be unique within an AWS account and region: {name} exists."
    )


def not_implemented(what: str) -> ServiceError:
    """The local cloud lacks it, and says so rather than pretend."""
    return ServiceError(
        "NotImplementedException",
        f"The local SageMaker does not implement {what}; deploy to an AWS account to use it.",
        status=501,
    )


def refuse(request: Mapping[str, Any], *names: str) -> None:
    """Raise NotImplemented when the request uses a feature that the local cloud lacks."""
    for name in names:
        if request.get(name):
            raise not_implemented(f"the parameter {name}")
