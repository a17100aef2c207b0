"""Adds SageMaker to MiniStack: its API, IAM, Step Functions and CloudFormation; called once, when the server starts."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ministack import app
from ministack.core.router import SERVICE_PATTERNS

from local_cloud.jobs import settings
from local_cloud.jobs.settings import Settings
from local_cloud.jobs.workspace import end_leftovers
from local_cloud.sagemaker.api import authorization, cloudformation, step_functions, validation
from local_cloud.sagemaker.api.context import Context
from local_cloud.sagemaker.api.dispatch import SageMaker
from local_cloud.sagemaker.api.kinds import WITH_PROCESSES
from local_cloud.sagemaker.endpoints.endpoints import Endpoints
from local_cloud.sagemaker.endpoints.runtime import Runtime
from local_cloud.sagemaker.operations import OPERATIONS, parts


@dataclass(frozen=True, kw_only=True)
class Installed:
    """The service that runs in this server."""

    context: Context
    endpoints: Endpoints


_installed: list[Installed] = []


def install() -> None:
    """Add the service to MiniStack and start again the endpoints that an earlier server had."""
    configured = settings.from_environment(os.environ)
    _end_processes(configured)
    context = Context(configured)
    endpoints = Endpoints(context)
    service = SageMaker(
        context,
        operations=OPERATIONS,
        parts=parts(context, endpoints=endpoints),
        invoke=Runtime(endpoints).handle,
    )
    # The first request would otherwise wait for botocore's largest model to be read.
    validation.model()
    app.SERVICE_HANDLERS["sagemaker"] = service.handle_request
    SERVICE_PATTERNS["sagemaker"] = {
        "target_prefixes": ["SageMaker."],
        "host_patterns": [r"(api|runtime)\.sagemaker\."],
    }
    authorization.install(service.permissions)
    step_functions.install(service)
    cloudformation.install(service)
    endpoints.resume()
    _installed.append(Installed(context=context, endpoints=endpoints))


def shutdown() -> None:
    """End the processes of every job and endpoint; the records of jobs say at the next start that the server ended."""
    for each in _installed:
        each.context.closing = True
        each.endpoints.end()
        _end_processes(each.context.settings)


def _end_processes(configured: Settings) -> None:
    for kind in WITH_PROCESSES:
        end_leftovers(configured.jobs_dir / kind.name)
