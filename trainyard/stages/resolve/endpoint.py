"""What an endpoint serves by now, as SageMaker says it; part of Resolve, in a Lambda."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError


def configuration_of(endpoint: str, *, sagemaker: Any) -> str | None:
    """The name of the configuration that an endpoint has; None where there is no such endpoint."""
    try:
        return str(sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"])
    except ClientError as error:
        if "Could not find endpoint" not in str(error):
            raise
        return None
