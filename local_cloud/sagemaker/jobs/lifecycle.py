"""What all kinds of jobs have in common: they are created, described, stopped, and they end; runs in the server."""

from __future__ import annotations

import logging
import threading
import time
from abc import ABC, abstractmethod
from typing import Any

from local_cloud.jobs.metrics import MetricLog
from local_cloud.jobs.records import Record
from local_cloud.jobs.running import RunningJob
from local_cloud.jobs.transfer import RoleClients
from local_cloud.sagemaker.api import events
from local_cloud.sagemaker.api.context import Context, Request
from local_cloud.sagemaker.api.errors import in_use, not_found
from local_cloud.sagemaker.api.execution_role import role_clients
from local_cloud.sagemaker.api.kinds import Kind
from local_cloud.sagemaker.api.validation import described
from trainyard.errors import JobFailed

logger = logging.getLogger("trainyard.sagemaker")

ENDED = {"Completed", "Failed", "Stopped"}
LOST = "InternalServerError: the local cloud ended while the job was running; start the job again."


class Jobs(ABC):
    """One kind of job; subclasses say which and how it runs."""

    kind: Kind

    def __init__(self, context: Context) -> None:
        self.context = context
        # A job may end by itself while it is being stopped: only one of the two decides its status.
        self.deciding = threading.RLock()
        self.records = context.records[self.kind]
        self.running = context.running[self.kind]
        self._fail_lost()

    @abstractmethod
    def run(self, name: str, *, job: RunningJob, clients: RoleClients) -> None:
        """Do the job's work and leave its final status; raises `JobFailed` for a failure of the job itself."""

    @abstractmethod
    def final(self, name: str, status: str, *, reason: str = "") -> None:
        """Record the end of a job."""

    def begin(self, request: Request, record: Record, *, metrics: MetricLog, role_arn: str) -> RunningJob:
        """Store a new job and start its thread, which acts as the role; returns the handle of it."""
        name = request[self.kind.name_member]
        clients = role_clients(role_arn, name, settings=self.context.settings)
        arn, now = self.kind.arn(name), time.time()
        full = {**request, **record, self.kind.arn_member: arn, "CreationTime": now, "LastModifiedTime": now}
        full[self.kind.status_member] = "InProgress"
        tags = full.pop("Tags", None)
        if not self.records.add(name, full):
            raise in_use(self.kind.title, name)
        self.context.tag(arn, tags)
        job = RunningJob(metrics)
        self.running.start(name, job, work=lambda job: self._guarded(name, job=job, clients=clients))
        return job

    def require(self, request: Request) -> Record:
        """The record that a request names; raises when there is none."""
        name = request[self.kind.name_member]
        record = self.records.get(name)
        if record is None:
            raise not_found("requested job with name", name)
        return record

    def describe(self, request: Request) -> Record:
        """Describe*Job."""
        return described(f"Describe{self.kind.prefix}", self.require(request))

    def stop(self, request: Request) -> Record:
        """Stop*Job: tells the job to end; like AWS it does nothing to one that has ended."""
        name = request[self.kind.name_member]
        with self.deciding:
            record = self.require(request)
            job = self.running.get(name)
            if record[self.kind.status_member] == "InProgress" and job is not None:
                self.stopping(name)
                job.stop.set()
        return {}

    def stopping(self, name: str) -> None:
        """Record that a job is about to be stopped."""
        self.records.update(name, **{self.kind.status_member: "Stopping", "LastModifiedTime": time.time()})
        self.announce(name)

    def announce(self, name: str) -> None:
        """Put the job's status on the event bus."""
        description = self.describe({self.kind.name_member: name})
        title = f"SageMaker {self.kind.title} State Change"
        events.announce(title, description[self.kind.arn_member], description=description)

    def _guarded(self, name: str, *, job: RunningJob, clients: RoleClients) -> None:
        try:
            self.run(name, job=job, clients=clients)
        except JobFailed as error:
            self.final(name, "Failed", reason=LOST if self.context.closing else str(error))
        except Exception as error:
            logger.exception("%s %s failed in the local cloud itself", self.kind.title, name)
            self.final(name, "Failed", reason=f"InternalServerError: {error}")

    def _fail_lost(self) -> None:
        """Jobs that an earlier server was running when it ended are failed: nobody watches their processes."""
        for record in self.records:
            if record[self.kind.status_member] not in ENDED:
                ended = {self.kind.status_member: "Failed", "FailureReason": LOST, "LastModifiedTime": time.time()}
                self.records.update(record[self.kind.name_member], **ended)


def stopping_seconds(request: Request, *, default: float = 86_400.0) -> float:
    """MaxRuntimeInSeconds of a request, or AWS's default of one day."""
    condition: dict[str, Any] = request.get("StoppingCondition") or {}
    return float(condition.get("MaxRuntimeInSeconds") or default)
