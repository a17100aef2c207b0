"""The containers behind one endpoint, one for each variant, and which of them gets a call; runs in the server."""

from __future__ import annotations

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from local_cloud.sagemaker.api.context import Context
from local_cloud.sagemaker.api.errors import ServiceError
from local_cloud.sagemaker.api.execution_role import role_clients
from local_cloud.sagemaker.endpoints.metrics import CallMetrics
from local_cloud.sagemaker.endpoints.server import ModelServer
from local_cloud.sagemaker.endpoints.shadow import Shadow
from local_cloud.sagemaker.endpoints.variant import Variant


class Fleet:
    """The servers of one deployment of an endpoint, and what is in their shadow. They live and end together."""

    def __init__(self, answering: Sequence[ModelServer], *, shadow: Shadow | None = None) -> None:
        self._answering = tuple(answering)
        self._shadow = shadow

    @property
    def servers(self) -> tuple[ModelServer, ...]:
        """All of them, whether callers hear of them or not."""
        return self._answering + ((self._shadow.server,) if self._shadow else ())

    def reserve(self, target: str) -> ModelServer:
        """A server for one call, chosen by weight or by its variant's name; the caller must `leave` it.

        Raises `ServiceError`: no such variant, or too many calls at a time.
        """
        server = self._named(target) if target else self._weighted()
        if not server.enter():
            raise ServiceError(
                "ThrottlingException",
                f"Rate exceeded: {server.variant.max_concurrency} calls are in progress, which is the MaxConcurrency "
                f"of production variant {server.variant.name}.",
                status=429,
            )
        return server

    def close(self) -> None:
        """End every container when its calls are over."""
        closing: list[ModelServer | Shadow] = [*self._answering, *([self._shadow] if self._shadow else [])]
        with ThreadPoolExecutor(len(closing)) as pool:
            for each in closing:
                pool.submit(each.close)

    def _named(self, target: str) -> ModelServer:
        for server in self._answering:
            if server.variant.name == target:
                return server
        raise ServiceError("ValidationError", f"Variant {target} was not found for the endpoint.")

    def _weighted(self) -> ModelServer:
        weights = [server.variant.weight for server in self._answering]
        # Which variant gets a call is chance in AWS as well; no result of ours depends on it.
        return random.choices(self._answering, weights if any(weights) else None)[0]


def launch(endpoint: str, variants: Sequence[Variant], *, context: Context, metrics: CallMetrics) -> Fleet:
    """Start all containers of a deployment; raises `JobFailed` or `ServiceError`, leaving none behind."""
    started: list[ModelServer] = []
    try:
        for variant in variants:
            clients = role_clients(variant.role_arn, endpoint, settings=context.settings)
            server = ModelServer(endpoint, variant, context=context, clients=clients)
            server.start()
            started.append(server)
    except BaseException:
        for server in started:
            server.close()
        raise
    return _fleet(endpoint, started, metrics=metrics)


def _fleet(endpoint: str, servers: Sequence[ModelServer], *, metrics: CallMetrics) -> Fleet:
    answering = [each for each in servers if not each.variant.shadow]
    if len(answering) == len(servers):
        return Fleet(answering)
    # Configurations are checked: a shadow is the only one, beside the only one that answers.
    [copied], [copying] = answering, [each for each in servers if each.variant.shadow]
    shadow = Shadow(endpoint, copying, share=copying.variant.weight / copied.variant.weight, metrics=metrics)
    copied.copy = shadow.copy
    return Fleet(answering, shadow=shadow)
