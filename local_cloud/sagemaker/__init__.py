"""SageMaker for the local cloud, which MiniStack lacks: jobs run real entry points as processes of this machine."""

from __future__ import annotations

import os

# The kinds of resources that run processes, as their folders are named.
JOB_KINDS = ("training-job", "processing-job", "endpoint")

_state: dict[str, object] = {}


def install() -> None:
    """Add the service to MiniStack: API, IAM, Step Functions and CloudFormation. Called once, in the server."""
    from ministack import app
    from ministack.core.router import SERVICE_PATTERNS

    from local_cloud.jobs import settings
    from local_cloud.jobs.workspace import end_leftovers
    from local_cloud.sagemaker import cloudformation, permissions, step_functions
    from local_cloud.sagemaker.service import SageMaker
    from local_cloud.sagemaker.validation import model

    configured = settings.from_environment(os.environ)
    for kind in JOB_KINDS:
        end_leftovers(configured.jobs_dir / kind)
    service = SageMaker(configured)
    # The first request would otherwise wait for botocore's largest model to be read.
    model()
    app.SERVICE_HANDLERS["sagemaker"] = service.handle_request
    SERVICE_PATTERNS["sagemaker"] = {
        "target_prefixes": ["SageMaker."],
        "host_patterns": [r"(api|runtime)\.sagemaker\."],
    }
    permissions.install()
    step_functions.install(service)
    cloudformation.install(service)
    service.endpoints.resume()
    _state["service"] = service


def shutdown() -> None:
    """End the processes of every job and endpoint; the records of jobs say at the next start that the server ended."""
    from local_cloud.jobs.workspace import end_leftovers
    from local_cloud.sagemaker.service import SageMaker

    service = _state.get("service")
    if isinstance(service, SageMaker):
        service.context.closing = True
        service.endpoints.end()
        for kind in JOB_KINDS:
            end_leftovers(service.context.settings.jobs_dir / kind)
