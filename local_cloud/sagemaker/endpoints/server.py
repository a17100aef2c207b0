"""One serving container of an endpoint: its model, its process, its health; runs in the server."""

from __future__ import annotations

import contextvars
import dataclasses
import logging
import secrets
import socket
import threading
import time
from collections.abc import Callable, Mapping
from functools import cached_property

from local_cloud.jobs.archive import unpack
from local_cloud.jobs.container import Container
from local_cloud.jobs.execution import Execution, pull
from local_cloud.jobs.metrics import MetricLog
from local_cloud.jobs.process import Outcome
from local_cloud.jobs.running import RunningJob
from local_cloud.jobs.transfer import RoleClients, Storage, split_uri
from local_cloud.jobs.workspace import Workspace
from local_cloud.sagemaker.api.context import Context
from local_cloud.sagemaker.api.kinds import ENDPOINT
from local_cloud.sagemaker.endpoints.client import INVOCATION_SECONDS, LOOPBACK, ContainerClient
from local_cloud.sagemaker.endpoints.variant import Variant
from trainyard.errors import JobFailed

logger = logging.getLogger("trainyard.sagemaker")

# Between SIGTERM and SIGKILL, as in AWS.
STOP_GRACE_SECONDS = 30.0
PING_PAUSE_SECONDS = 0.05
RESTART_PAUSE_SECONDS = 1.0


class ModelServer:
    """The container of one variant, on a free loopback port; one that ends by itself is started again."""

    def __init__(self, endpoint: str, variant: Variant, *, context: Context, clients: RoleClients) -> None:
        identity = secrets.token_hex(8)
        self.variant = variant
        # Takes a copy of a call, its body and headers, for the variant in the shadow of this one; None without one.
        self.copy: Callable[[bytes, Mapping[str, str]], None] | None = None
        self.log_group = f"/aws/sagemaker/Endpoints/{endpoint}"
        self.log_stream = f"{variant.name}/{'' if variant.serverless else 'i-'}{identity}"
        self._context = context
        self._clients = clients
        self._container_name = f"{endpoint}-{identity}"
        self._workspace = Workspace(context.settings.jobs_dir / ENDPOINT.name / self._container_name)
        self._job = RunningJob(MetricLog(()))
        self._ended_early: Outcome | None = None
        self._spawned = self._ready = False
        self._calls = 0
        self._idle = threading.Condition()
        self._port = _free_port()
        self.client = ContainerClient(self._port, max_bytes=variant.max_bytes)

    def start(self) -> None:
        """Fetch image and model, start the process, wait for /ping; raises `JobFailed` with the reason."""
        try:
            self._prepare()
            self._spawn()
            self._await_ping()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let the calls in progress end, then end the process and remove its files."""
        with self._idle:
            self._idle.wait_for(lambda: self._calls == 0, timeout=INVOCATION_SECONDS)
        self.stop()
        self.ended(STOP_GRACE_SECONDS + 10)
        self.client.close()
        self._workspace.remove()

    def stop(self) -> None:
        """Tell the container to end, whatever it does."""
        self._job.stop.set()

    @property
    def stopped(self) -> bool:
        """Whether the container was told to end."""
        return self._job.stop.is_set()

    def ended(self, seconds: float) -> bool:
        """Whether the container ends within so many seconds."""
        return not self._spawned or self._job.done.wait(seconds)

    def enter(self) -> bool:
        """Reserve a call; False when as many are in progress as the variant allows. Pair it with `leave`."""
        with self._idle:
            allowed = self.variant.max_concurrency
            if allowed is not None and self._calls >= allowed:
                return False
            self._calls += 1
            return True

    def leave(self) -> None:
        """The reserved call is over."""
        with self._idle:
            self._calls -= 1
            self._idle.notify_all()

    def _prepare(self) -> None:
        pull(self.variant.image, settings=self._context.settings, clients=self._clients)
        self._workspace.create()
        folder = self._workspace.ml / "model"
        folder.mkdir()
        if not self.variant.model_data:
            return
        archive = self._workspace.tmp / "model.tar.gz"
        Storage(self._clients).download_object(*split_uri(self.variant.model_data), target=archive)
        unpack(archive, folder, uri=self.variant.model_data)
        archive.unlink()

    def _spawn(self) -> None:
        context = contextvars.copy_context()
        name = f"endpoint-{self._container_name}"
        self._spawned = True
        threading.Thread(target=context.run, args=(self._supervise,), name=name, daemon=True).start()

    def _supervise(self) -> None:
        """Keep the process running until the server is closed, or until it ends before it ever was ready."""
        try:
            while not self._job.stop.is_set():
                outcome = self._execution.run(self._job)
                if self._context.closing or self._job.stop.is_set():
                    return
                if not self._ready:
                    self._ended_early = outcome
                    return
                logger.warning("%s ended with code %s: restarting", self._container_name, outcome.exit_code)
                self._job.stop.wait(RESTART_PAUSE_SECONDS)
        finally:
            self._job.done.set()

    @cached_property
    def _execution(self) -> Execution:
        settings = self._context.settings
        grace = min(STOP_GRACE_SECONDS, settings.stop_grace_seconds)
        # A real container shares this machine's network: unless it keeps to loopback, it is open to the neighbourhood.
        address = {"SAGEMAKER_BIND_TO_PORT": str(self._port), "TRAINYARD_HOST": LOOPBACK}
        return Execution(
            settings=dataclasses.replace(settings, stop_grace_seconds=grace),
            workspace=self._workspace,
            container=Container(
                name=self._container_name,
                image_uri=self.variant.image,
                arguments=("serve",),
                environment={**self.variant.environment, **address},
            ),
            clients=self._clients,
            log_group=self.log_group,
            log_stream=self.log_stream,
            max_seconds=float("inf"),
        )

    def _await_ping(self) -> None:
        deadline = time.monotonic() + self.variant.start_seconds
        while time.monotonic() < deadline:
            if self._job.done.is_set():
                raise self._unhealthy(_last_words(self._ended_early))
            if self.client.ping():
                self._ready = True
                return
            time.sleep(PING_PAUSE_SECONDS)
        raise self._unhealthy(f"It did not answer within {self.variant.start_seconds:.0f} s.")

    def _unhealthy(self, why: str) -> JobFailed:
        kind = "shadow" if self.variant.shadow else "production"
        return JobFailed(
            f"The primary container for {kind} variant {self.variant.name} did not pass the ping health check. "
            f"{why} Its log is {self.log_group}, {self.log_stream}."
        )


def _last_words(ended: Outcome | None) -> str:
    if ended is None:
        return "The local cloud ended."
    return f"It ended with exit code {ended.exit_code}: {' | '.join(ended.last_lines[-5:])}"


def _free_port() -> int:
    """A port that was free a moment ago; a container that cannot bind it fails and says so in its log."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
