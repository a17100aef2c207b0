"""The job runs of Glue on the local cloud: their records, limits and ends; job definitions stay with MiniStack."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from pathlib import Path
from typing import Any

from ministack.core.responses import get_account_id
from ministack.services import glue

from local_cloud import roles
from local_cloud.glue.script import GlueScript
from local_cloud.glue.spoken import Spoken
from local_cloud.jobs.metrics import MetricLog
from local_cloud.jobs.process import Outcome
from local_cloud.jobs.records import Record, Records
from local_cloud.jobs.running import RunningJob, RunningJobs
from local_cloud.jobs.settings import Settings
from local_cloud.jobs.signals import killed_by, shell_code
from local_cloud.jobs.transfer import RoleClients
from local_cloud.jobs.workspace import Workspace, end_leftovers
from trainyard.errors import JobFailed, TrainyardError

logger = logging.getLogger("trainyard.glue")

RUNNING = {"STARTING", "RUNNING", "STOPPING"}
LOST = "The local cloud ended while the job was running; start it again."
DEFAULT_TIMEOUT_MINUTES = 480


class GlueError(TrainyardError):
    """A refused request, with Glue's name for it."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class GlueRuns:
    """The job runs of the local cloud; job definitions stay with MiniStack."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.records = Records(settings.state_dir / "glue" / "job-run")
        self.running = RunningJobs()
        self._starting = threading.Lock()
        self._closing = False
        end_leftovers(self._folder)
        for record in self.records:
            if record["JobRunState"] in RUNNING:
                self._ended(record["Id"], "FAILED", message=LOST)

    @property
    def _folder(self) -> Path:
        return self._settings.jobs_dir / "glue"

    def close(self) -> None:
        """Kill what runs; what ends from now on ends because the server does."""
        self._closing = True
        end_leftovers(self._folder)

    def start(self, request: Record) -> Record:
        """StartJobRun; raises `GlueError`."""
        job = glue._jobs.get(request["JobName"])
        if job is None:
            raise GlueError(
                "EntityNotFoundException",
                f"Failed to start job run due to missing metadata: Entity not found: {request['JobName']}",
            )
        role = _role_arn(job["Role"])
        try:
            credentials = roles.session_credentials(role, "GlueJobRunnerSession", service="glue.amazonaws.com")
        except TrainyardError as error:
            raise GlueError("InvalidInputException", f"Role {role} cannot be used by Glue: {error}") from error
        clients = RoleClients(self._settings, role_arn=role, credentials=credentials)
        with self._starting:
            record = self._admit(job, request)
        name = record["Id"]
        handle = RunningJob(MetricLog(()))
        self.running.start(
            name, handle, work=lambda each: self._guarded(record, definition=job, handle=each, clients=clients)
        )
        return {"JobRunId": name}

    def _admit(self, job: Record, request: Record) -> Record:
        """Store a new run, unless as many as MaxConcurrentRuns are running."""
        allowed = int((job.get("ExecutionProperty") or {}).get("MaxConcurrentRuns", 1))
        active = [each for each in self.of(job["Name"]) if each["JobRunState"] in RUNNING]
        if len(active) >= allowed:
            raise GlueError("ConcurrentRunsExceededException", f"Concurrent runs exceeded for {job['Name']}")
        now = time.time()
        record = {
            "Id": f"jr_{secrets.token_hex(32)}",
            "Attempt": 0,
            "JobName": job["Name"],
            "StartedOn": now,
            "LastModifiedOn": now,
            "JobRunState": "STARTING",
            "Arguments": request.get("Arguments", {}),
            "PredecessorRuns": [],
            "ExecutionTime": 0,
            "Timeout": int(request.get("Timeout") or job.get("Timeout") or DEFAULT_TIMEOUT_MINUTES),
            "WorkerType": request.get("WorkerType") or job.get("WorkerType") or "G.1X",
            "NumberOfWorkers": int(request.get("NumberOfWorkers") or job.get("NumberOfWorkers") or 2),
            "LogGroupName": "/aws-glue/jobs",
            "GlueVersion": job.get("GlueVersion", ""),
        }
        self.records.put(record["Id"], record)
        return record

    def _guarded(self, record: Record, *, definition: Record, handle: RunningJob, clients: RoleClients) -> None:
        name = record["Id"]
        workspace = Workspace(self._folder / name)
        workspace.create()
        try:
            self.records.update(name, JobRunState="RUNNING", LastModifiedOn=time.time())
            script = GlueScript(
                job=definition, run_record=record, workspace=workspace, clients=clients, settings=self._settings
            )
            spoken = Spoken()
            outcome = script.run(handle.stop, spoken=spoken)
            if outcome.stopped:
                self._ended(name, "STOPPED")
            elif outcome.timed_out:
                self._ended(name, "TIMEOUT", message=f"Job run exceeded its timeout of {record['Timeout']} minutes.")
            elif outcome.exit_code != 0:
                raise JobFailed(error_message(outcome, spoken.exception))
            else:
                self._ended(name, "SUCCEEDED")
        except JobFailed as error:
            self._ended(name, "FAILED", message=LOST if self._closing else str(error))
        except Exception as error:
            logger.exception("Glue job %s failed in the local cloud itself", definition["Name"])
            self._ended(name, "FAILED", message=f"Internal service exception: {error}")
        finally:
            workspace.remove()

    def _ended(self, name: str, state: str, *, message: str = "") -> None:
        now = time.time()
        started = (self.records.get(name) or {})["StartedOn"]
        changes: dict[str, Any] = {"JobRunState": state, "CompletedOn": now, "LastModifiedOn": now}
        if message:
            changes["ErrorMessage"] = message
        self.records.update(name, ExecutionTime=int(now - started), **changes)

    def of(self, job_name: str) -> list[Record]:
        """Runs of a job, newest first."""
        found = [each for each in self.records if each["JobName"] == job_name]
        return sorted(found, key=lambda each: float(each["StartedOn"]), reverse=True)

    def get(self, request: Record) -> Record:
        """GetJobRun."""
        record = self.records.get(request.get("RunId", ""))
        if record is None or record["JobName"] != request.get("JobName"):
            raise GlueError(
                "EntityNotFoundException", f"Job run {request.get('RunId')} of job {request.get('JobName')} not found."
            )
        return {"JobRun": record}

    def list(self, request: Record) -> Record:
        """GetJobRuns, in one page."""
        if request.get("JobName") not in glue._jobs:
            raise GlueError("EntityNotFoundException", f"Job {request.get('JobName')} not found.")
        return {"JobRuns": self.of(request["JobName"])[: int(request.get("MaxResults", 1000))]}

    def stop(self, request: Record) -> Record:
        """BatchStopJobRun."""
        stopped, errors = [], []
        for name in request.get("JobRunIds", ()):
            identity = {"JobName": request["JobName"], "JobRunId": name}
            handle = self.running.get(name)
            if handle is not None:
                self.records.update(name, JobRunState="STOPPING", LastModifiedOn=time.time())
                handle.stop.set()
                stopped.append(identity)
            else:
                known = self.records.get(name)
                state = known["JobRunState"] if known else "unknown"
                detail = {"ErrorCode": "InvalidInputException", "ErrorMessage": f"Job run is in state {state}."}
                errors.append({**identity, "ErrorDetail": detail})
        return {"SuccessfulSubmissions": stopped, "Errors": errors}


def error_message(outcome: Outcome, exception: str) -> str:
    """ErrorMessage of a run that failed: what killed it, the exception that it ended with, or else its exit code.

    As in Glue, a script without an exception has the exit code alone: what it printed last is in its log.
    """
    killed = killed_by(outcome.exit_code)
    if killed:
        return f"Command failed with exit code {shell_code(outcome.exit_code)}: the script was {killed}"
    return exception or f"Command failed with exit code {outcome.exit_code}"


def _role_arn(role: str) -> str:
    """A job's role may be given by name."""
    if role.startswith("arn:"):
        return role
    return f"arn:aws:iam::{get_account_id()}:role/{role}"
