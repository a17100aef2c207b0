"""Training jobs: the container contract, statuses and outputs of CreateTrainingJob; runs in the server."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import Any

from local_cloud.jobs.container import Container
from local_cloud.jobs.execution import Execution, algorithm_error, failure_reason
from local_cloud.jobs.metrics import MetricLog
from local_cloud.jobs.process import Outcome
from local_cloud.jobs.records import Record
from local_cloud.jobs.running import RunningJob
from local_cloud.jobs.transfer import RoleClients
from local_cloud.jobs.workspace import Workspace
from local_cloud.sagemaker.api.context import Request
from local_cloud.sagemaker.api.errors import refuse
from local_cloud.sagemaker.api.kinds import TRAINING_JOB
from local_cloud.sagemaker.api.listing import matching, page, summary
from local_cloud.sagemaker.jobs import training_files
from local_cloud.sagemaker.jobs.checkpoints import Checkpoints
from local_cloud.sagemaker.jobs.container_jobs import ContainerJobs
from local_cloud.sagemaker.jobs.lifecycle import ENDED, stopping_seconds
from local_cloud.sagemaker.jobs.spot import Machine
from trainyard.errors import JobFailed

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
MESSAGES = {
    "Starting": "Starting the training job",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopping": "Stopping the training job",
    "Stopped": "Training job stopped",
    "Interrupted": "Training job interrupted: its spot machine was taken away",
    "MaxWaitTimeExceeded": "Training job wait time exceeded MaxWaitTimeInSeconds provided",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
}


class TrainingJobs(ContainerJobs):
    """SageMaker's training jobs."""

    kind = TRAINING_JOB

    def create(self, request: Request) -> Record:
        """CreateTrainingJob."""
        training_files.check(request)
        refuse(request, "ServerlessJobConfig", "ModelPackageConfig")
        self.start(request)
        return {"TrainingJobArn": self.kind.arn(request["TrainingJobName"])}

    def start(self, request: Request, **more: Any) -> RunningJob:
        """Store and start a job; `more` holds what a tuning job adds to its children's records."""
        output = request["OutputDataConfig"]["S3OutputPath"].rstrip("/")
        artifacts = f"{output}/{request['TrainingJobName']}/output/model.tar.gz"
        record = {"ModelArtifacts": {"S3ModelArtifacts": artifacts}, "SecondaryStatus": "Starting", **more}
        record["SecondaryStatusTransitions"] = [
            {"Status": "Starting", "StartTime": time.time(), "StatusMessage": MESSAGES["Starting"]}
        ]
        metrics = MetricLog(request["AlgorithmSpecification"].get("MetricDefinitions", ()))
        return self.begin(request, record, metrics=metrics, role_arn=request["RoleArn"])

    def _run(self, record: Record, job: RunningJob, *, execution: Execution) -> None:
        name, machine = record["TrainingJobName"], Machine(record, job)
        self.announce(name)
        outcome = self._train(record, job, execution=replace(execution, max_seconds=machine.max_seconds))
        while machine.taken_away(outcome):
            self._advance(name, "Interrupted")
            if not machine.wait():
                self._end_without_machine(name, machine)
                return
            self._advance(name, "Starting")
            execution.workspace.create()
            stream = f"{name}/algo-1-{int(time.time())}"
            again = replace(execution, max_seconds=machine.max_seconds, log_stream=stream)
            outcome = self._train(record, job, execution=again)
        self._finish(record, outcome, execution=execution, machine=machine)

    def _train(self, record: Record, job: RunningJob, *, execution: Execution) -> Outcome:
        """Run the container on one machine, from its image to its last checkpoint."""
        name = record["TrainingJobName"]
        execution.pull()
        self._advance(name, "Downloading")
        training_files.write_configuration(record, execution.workspace)
        training_files.download(record, execution)
        checkpoints = Checkpoints(record, execution)
        checkpoints.download()
        begun = self.require(record).get("TrainingStartTime", time.time())
        self._advance(name, "Training", TrainingStartTime=begun)
        with checkpoints:
            outcome = execution.run(job)
        self.records.update(name, FinalMetricDataList=job.metrics.final())
        return outcome

    def _end_without_machine(self, name: str, machine: Machine) -> None:
        """The end of a job while it waited for a machine; there is nothing to upload."""
        self.records.update(name, BillableTimeInSeconds=math.ceil(machine.seconds))
        self.final(name, "Stopped", secondary="MaxWaitTimeExceeded" if machine.waited_too_long else "")

    def _finish(self, record: Record, outcome: Outcome, *, execution: Execution, machine: Machine) -> None:
        """Upload what the job made. As in SageMaker a stopped job keeps its model, a failed one has none."""
        name = record["TrainingJobName"]
        self.records.update(name, BillableTimeInSeconds=math.ceil(machine.seconds))
        failed = outcome.exit_code != 0 and not outcome.stopped and not outcome.timed_out
        if not failed:
            self._advance(name, "Uploading")
        training_files.upload(record, execution, model=not failed)
        if failed:
            raise JobFailed(algorithm_error(outcome, execution.said("/opt/ml/output/failure")))
        if outcome.timed_out:
            late = "MaxWaitTimeExceeded" if machine.waited_too_long else "MaxRuntimeExceeded"
            self.final(name, "Stopped", secondary=late)
        else:
            self.final(name, "Stopped" if outcome.stopped else "Completed")

    def _execution(self, record: Record, *, clients: RoleClients, workspace: Workspace) -> Execution:
        algorithm = record["AlgorithmSpecification"]
        name = record["TrainingJobName"]
        identity = {"TRAINING_JOB_NAME": name, "TRAINING_JOB_ARN": record["TrainingJobArn"]}
        entrypoint = tuple(algorithm.get("ContainerEntrypoint", ()))
        return Execution(
            settings=self.context.settings,
            workspace=workspace,
            container=Container(
                name=name,
                image_uri=algorithm["TrainingImage"],
                entrypoint=entrypoint,
                # SageMaker runs `docker run IMAGE train` unless the request names another entry point.
                arguments=tuple(algorithm.get("ContainerArguments", () if entrypoint else ("train",))),
                environment={**record.get("Environment", {}), **identity},
            ),
            clients=clients,
            log_group=LOG_GROUP,
            log_stream=f"{name}/algo-1-{int(record['CreationTime'])}",
            max_seconds=stopping_seconds(record),
        )

    def stopping(self, name: str) -> None:
        self._advance(name, "Stopping", TrainingJobStatus="Stopping")

    def final(self, name: str, status: str, *, reason: str = "", secondary: str = "") -> None:
        now = time.time()
        begun = (self.records.get(name) or {}).get("TrainingStartTime")
        changes: dict[str, Any] = {"TrainingJobStatus": status, "TrainingEndTime": now}
        if begun is not None:
            changes["TrainingTimeInSeconds"] = math.ceil(now - begun)
        if reason:
            changes["FailureReason"] = failure_reason(reason)
        self._advance(name, secondary or status, **changes)

    def _advance(self, name: str, status: str, **changes: Any) -> None:
        """Go to another secondary status, closing the one before."""
        now = time.time()
        entry = {"Status": status, "StartTime": now, "StatusMessage": changes.get("FailureReason", MESSAGES[status])}
        if changes.get("TrainingJobStatus") in ENDED:
            entry["EndTime"] = now
        with self.deciding:
            transitions = self.require({"TrainingJobName": name})["SecondaryStatusTransitions"]
            transitions[-1].setdefault("EndTime", now)
            self.records.update(
                name,
                SecondaryStatus=status,
                SecondaryStatusTransitions=[*transitions, entry],
                LastModifiedTime=now,
                **changes,
            )
        self.announce(name)

    def list(self, request: Request) -> Record:
        """ListTrainingJobs."""
        found = matching(self.records, request, name="TrainingJobName", status="TrainingJobStatus")
        keys = {"CreationTime": "CreationTime", "Name": "TrainingJobName", "Status": "TrainingJobStatus"}
        shown, more = page(found, request, keys=keys)
        members = ("TrainingJobName", "TrainingJobArn", "CreationTime", "TrainingEndTime", "LastModifiedTime")
        summaries = [summary(each, *members, "TrainingJobStatus", "SecondaryStatus") for each in shown]
        return {"TrainingJobSummaries": summaries, **more}
