"""The containers behind one endpoint, one for each variant, and which of them gets a call; runs in the server."""

from __future__ import annotations

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from local_cloud.sagemaker.api.context import Context
from local_cloud.sagemaker.api.errors import ServiceError
from local_cloud.sagemaker.api.execution_role import role_clients
from local_cloud.sagemaker.endpoints.server import ModelServer
from local_cloud.sagemaker.endpoints.variant import Variant


class Fleet:
    """The servers of one deployment of an endpoint. They live and end together."""

    def __init__(self, servers: Sequence[ModelServer]) -> None:
        self.servers = tuple(servers)

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
        with ThreadPoolExecutor(len(self.servers)) as pool:
            for server in self.servers:
                pool.submit(server.close)

    def _named(self, target: str) -> ModelServer:
        for server in self.servers:
            if server.variant.name == target:
                return server
        raise ServiceError("ValidationError", f"Variant {target} was not found for the endpoint.")

    def _weighted(self) -> ModelServer:
        weights = [server.variant.weight for server in self.servers]
        # Which variant gets a call is chance in AWS as well; no result of ours depends on it.
        return random.choices(self.servers, weights if any(weights) else None)[0]


def launch(endpoint: str, variants: Sequence[Variant], *, context: Context) -> Fleet:
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
    return Fleet(started)
