"""What training and processing jobs have in common: creation, describing, stopping, the role; runs in the server."""

from __future__ import annotations

import logging
import threading
import time
from abc import ABC, abstractmethod
from typing import Any

from local_cloud import roles
from local_cloud.jobs.execution import MAX_REASON
from local_cloud.jobs.metrics import MetricLog
from local_cloud.jobs.running import RunningJob
from local_cloud.jobs.settings import Settings
from local_cloud.jobs.transfer import RoleClients
from local_cloud.sagemaker import events
from local_cloud.sagemaker.context import Context, Request, arn
from local_cloud.sagemaker.errors import in_use, invalid, not_found
from local_cloud.sagemaker.records import Record
from local_cloud.sagemaker.validation import described
from trainyard.errors import JobFailed, TrainyardError

logger = logging.getLogger("trainyard.sagemaker")

SERVICE = "sagemaker.amazonaws.com"
ENDED = {"Completed", "Failed", "Stopped"}
LOST = "InternalServerError: the local cloud ended while the job was running; start the job again."


class Jobs(ABC):
    """One kind of job; subclasses say what its members are called and how it runs."""

    kind: str
    title: str
    prefix: str

    def __init__(self, context: Context) -> None:
        self.context = context
        # A job may end by itself while it is being stopped: only one of the two decides its status.
        self.deciding = threading.RLock()
        self.records = context.records[self.kind]
        self.running = context.running[self.kind]
        self._fail_lost()

    @property
    def name_member(self) -> str:
        return f"{self.prefix}Name"

    @property
    def status_member(self) -> str:
        return f"{self.prefix}Status"

    @abstractmethod
    def run(self, name: str, job: RunningJob, clients: RoleClients) -> None:
        """Do the job's work and leave its final status; raises `JobFailed` for a failure of the job itself."""

    @abstractmethod
    def final(self, name: str, status: str, reason: str = "") -> None:
        """Record the end of a job."""

    def begin(self, request: Request, record: Record, metrics: MetricLog, *, role_arn: str) -> RunningJob:
        """Store a new job and start its thread, which acts as the role; returns the handle of it."""
        name = request[self.name_member]
        clients = role_clients(self.context.settings, role_arn, name)
        now = time.time()
        full = {**request, **record, f"{self.prefix}Arn": arn(self.kind, name), "CreationTime": now}
        full |= {"LastModifiedTime": now, self.status_member: "InProgress"}
        tags = full.pop("Tags", None)
        if not self.records.add(name, full):
            raise in_use(self.title, name)
        self.context.tag(full[f"{self.prefix}Arn"], tags)
        job = RunningJob(metrics)
        self.running.start(name, job, lambda job: self._guarded(name, job, clients))
        return job

    def require(self, request: Request) -> Record:
        """The record that a request names; raises when there is none."""
        record = self.records.get(request[self.name_member])
        if record is None:
            raise not_found("requested job with name", request[self.name_member])
        return record

    def describe(self, request: Request) -> Record:
        """Describe*Job."""
        return described(f"Describe{self.prefix}", self.require(request))

    def stop(self, request: Request) -> Record:
        """Stop*Job: asks the job to end; like AWS it does nothing to one that has ended."""
        name = request[self.name_member]
        with self.deciding:
            record = self.require(request)
            job = self.running.get(name)
            if record[self.status_member] == "InProgress" and job is not None:
                self.stopping(name)
                job.stop.set()
        return {}

    def stopping(self, name: str) -> None:
        """Record that a job is about to be stopped."""
        self.records.update(name, **{self.status_member: "Stopping", "LastModifiedTime": time.time()})
        self.announce(name)

    def announce(self, name: str) -> None:
        """Put the job's status on the event bus."""
        description = self.describe({self.name_member: name})
        events.announce(f"SageMaker {self.title} State Change", description[f"{self.prefix}Arn"], description)

    def _guarded(self, name: str, job: RunningJob, clients: RoleClients) -> None:
        try:
            self.run(name, job, clients)
        except JobFailed as error:
            self.final(name, "Failed", LOST if self.context.closing else str(error))
        except Exception as error:
            logger.exception("%s %s failed in the local cloud itself", self.title, name)
            self.final(name, "Failed", f"InternalServerError: {error}")

    def _fail_lost(self) -> None:
        """Jobs that an earlier server was running when it ended are failed: nobody watches their processes."""
        for record in self.records:
            if record[self.status_member] not in ENDED:
                name = record[self.name_member]
                ended = {self.status_member: "Failed", "FailureReason": LOST, "LastModifiedTime": time.time()}
                self.records.update(name, **ended)


def role_clients(settings: Settings, role_arn: str, session: str) -> RoleClients:
    """Clients of a role; one that does not exist or does not trust SageMaker is a ValidationException."""
    try:
        credentials = roles.session_credentials(role_arn, session[:64], service=SERVICE)
    except TrainyardError as error:
        raise invalid(f"Could not assume role {role_arn}. {error}") from error
    return RoleClients(settings, role_arn=role_arn, credentials=credentials)


def shortened(reason: str) -> str:
    """A FailureReason as long as AWS allows."""
    return reason[:MAX_REASON]


def stopping_seconds(request: Request, *, default: float = 86_400.0) -> float:
    """MaxRuntimeInSeconds of a request, or AWS's default of one day."""
    condition: dict[str, Any] = request.get("StoppingCondition") or {}
    return float(condition.get("MaxRuntimeInSeconds") or default)
