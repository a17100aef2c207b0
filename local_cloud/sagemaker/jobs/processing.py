"""Processing jobs: the container contract, statuses and outputs of CreateProcessingJob; runs in the server."""

from __future__ import annotations

import time
from typing import Any

from local_cloud.jobs.container import Container
from local_cloud.jobs.execution import Execution, algorithm_error, failure_reason
from local_cloud.jobs.metrics import MetricLog
from local_cloud.jobs.process import Outcome
from local_cloud.jobs.records import Record
from local_cloud.jobs.running import RunningJob
from local_cloud.jobs.transfer import RoleClients, Storage
from local_cloud.jobs.workspace import Workspace
from local_cloud.sagemaker.api.context import Request
from local_cloud.sagemaker.api.errors import invalid, not_implemented
from local_cloud.sagemaker.api.kinds import PROCESSING_JOB
from local_cloud.sagemaker.api.listing import matching, page, summary
from local_cloud.sagemaker.jobs.container_jobs import ContainerJobs
from local_cloud.sagemaker.jobs.lifecycle import stopping_seconds
from trainyard.errors import JobFailed

LOG_GROUP = "/aws/sagemaker/ProcessingJobs"
CONFIGURATION = "/opt/ml/config/processingjobconfig.json"
RESOURCES = "/opt/ml/config/resourceconfig.json"
DOWNLOADS = {"S3Prefix": Storage.download_prefix, "ManifestFile": Storage.download_manifest}


class ProcessingJobs(ContainerJobs):
    """SageMaker's processing jobs."""

    kind = PROCESSING_JOB

    def create(self, request: Request) -> Record:
        """CreateProcessingJob."""
        _check(request)
        self.begin(request, {}, metrics=MetricLog(()), role_arn=request["RoleArn"])
        return {"ProcessingJobArn": self.kind.arn(request["ProcessingJobName"])}

    def _run(self, record: Record, job: RunningJob, *, execution: Execution) -> None:
        name = record["ProcessingJobName"]
        self.announce(name)
        execution.pull()
        _write_configuration(record, execution.workspace)
        for each in record.get("ProcessingInputs", ()):
            source = each["S3Input"]
            fetch = DOWNLOADS[source["S3DataType"]]
            fetch(execution.storage, source["S3Uri"], execution.workspace.local(source["LocalPath"]))
        for each in _outputs(record):
            execution.workspace.local(each["LocalPath"]).mkdir(parents=True, exist_ok=True)
        self.records.update(name, ProcessingStartTime=time.time())
        outcome = execution.run(job)
        self._finish(record, outcome, execution=execution)

    def _finish(self, record: Record, outcome: Outcome, *, execution: Execution) -> None:
        """Upload the outputs of a job that succeeded: nothing half-written is left for later readers."""
        name = record["ProcessingJobName"]
        message = execution.said("/opt/ml/output/message")
        if message:
            self.records.update(name, ExitMessage=message)
        if outcome.stopped or outcome.timed_out:
            late = f"The job ran longer than MaxRuntimeInSeconds ({stopping_seconds(record):.0f} s)."
            self.final(name, "Stopped", reason=late if outcome.timed_out else "")
        elif outcome.exit_code != 0:
            raise JobFailed(algorithm_error(outcome, message))
        else:
            for each in _outputs(record):
                execution.storage.upload_directory(execution.workspace.local(each["LocalPath"]), each["S3Uri"])
            self.final(name, "Completed")

    def _execution(self, record: Record, *, clients: RoleClients, workspace: Workspace) -> Execution:
        application = record["AppSpecification"]
        name = record["ProcessingJobName"]
        return Execution(
            settings=self.context.settings,
            workspace=workspace,
            container=Container(
                name=name,
                image_uri=application["ImageUri"],
                entrypoint=tuple(application.get("ContainerEntrypoint", ())),
                arguments=tuple(application.get("ContainerArguments", ())),
                environment=record.get("Environment", {}),
            ),
            clients=clients,
            log_group=LOG_GROUP,
            log_stream=f"{name}/algo-1-{int(record['CreationTime'])}",
            max_seconds=stopping_seconds(record),
        )

    def final(self, name: str, status: str, *, reason: str = "") -> None:
        now = time.time()
        changes: dict[str, Any] = {"ProcessingJobStatus": status, "ProcessingEndTime": now, "LastModifiedTime": now}
        if reason:
            changes["FailureReason"] = failure_reason(reason)
        with self.deciding:
            self.records.update(name, **changes)
        self.announce(name)

    def list(self, request: Request) -> Record:
        """ListProcessingJobs."""
        found = matching(self.records, request, name="ProcessingJobName", status="ProcessingJobStatus")
        keys = {"CreationTime": "CreationTime", "Name": "ProcessingJobName", "Status": "ProcessingJobStatus"}
        shown, more = page(found, request, keys=keys)
        members = ("ProcessingJobName", "ProcessingJobArn", "CreationTime", "ProcessingEndTime", "LastModifiedTime")
        summaries = [summary(each, *members, "ProcessingJobStatus", "FailureReason", "ExitMessage") for each in shown]
        return {"ProcessingJobSummaries": summaries, **more}


def _check(request: Request) -> None:
    if request["ProcessingResources"]["ClusterConfig"]["InstanceCount"] != 1:
        raise not_implemented("processing on more than one instance")
    for each in request.get("ProcessingInputs", ()):
        source = each.get("S3Input")
        if source is None or each.get("AppManaged") or source["S3DataType"] not in DOWNLOADS:
            raise not_implemented(f"the input {each['InputName']!r}, which is neither {' nor '.join(DOWNLOADS)}")
        if source.get("S3InputMode", "File") != "File" or source.get("S3CompressionType", "None") != "None":
            raise not_implemented("S3InputMode Pipe and S3CompressionType Gzip")
        if source.get("S3DataDistributionType", "FullyReplicated") != "FullyReplicated":
            raise not_implemented("S3DataDistributionType ShardedByS3Key")
        _check_path(source.get("LocalPath", ""))
    for each in (request.get("ProcessingOutputConfig") or {}).get("Outputs", ()):
        target = each.get("S3Output")
        if target is None or each.get("AppManaged") or target["S3UploadMode"] != "EndOfJob":
            raise not_implemented(f"the output {each['OutputName']!r}, which is not S3Output with EndOfJob")
        _check_path(target.get("LocalPath", ""))


def _check_path(path: str) -> None:
    if not path.startswith("/opt/ml/processing/") or ".." in path.split("/"):
        raise invalid(f"LocalPath must lie below /opt/ml/processing, found {path!r}.")


def _outputs(record: Record) -> list[dict[str, str]]:
    return [each["S3Output"] for each in (record.get("ProcessingOutputConfig") or {}).get("Outputs", ())]


def _write_configuration(record: Record, workspace: Workspace) -> None:
    members = (
        "ProcessingJobArn", "ProcessingJobName", "AppSpecification", "Environment", "ProcessingInputs",
        "ProcessingOutputConfig", "ProcessingResources", "NetworkConfig", "RoleArn", "StoppingCondition",
    )  # fmt: skip
    workspace.write_json(CONFIGURATION, {name: record[name] for name in members if name in record})
    workspace.write_json(RESOURCES, {"current_host": "algo-1", "hosts": ["algo-1"]})
