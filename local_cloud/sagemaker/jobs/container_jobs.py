"""The kinds of jobs that run one container: in a workspace of their own, which is gone when they end."""

from __future__ import annotations

from abc import abstractmethod

from local_cloud.jobs.execution import Execution
from local_cloud.jobs.records import Record
from local_cloud.jobs.running import RunningJob
from local_cloud.jobs.transfer import RoleClients
from local_cloud.jobs.workspace import Workspace
from local_cloud.sagemaker.jobs.lifecycle import Jobs


class ContainerJobs(Jobs):
    """Jobs of one container, such as processing and training jobs."""

    @abstractmethod
    def _execution(self, record: Record, *, clients: RoleClients, workspace: Workspace) -> Execution:
        """The container to run for a job."""

    @abstractmethod
    def _run(self, record: Record, job: RunningJob, *, execution: Execution) -> None:
        """Bring the inputs, run the container, take the outputs away, and leave the final status."""

    def run(self, name: str, *, job: RunningJob, clients: RoleClients) -> None:
        record = self.require({self.kind.name_member: name})
        workspace = Workspace(self.context.settings.jobs_dir / self.kind.name / name)
        workspace.create()
        try:
            self._run(record, job, execution=self._execution(record, clients=clients, workspace=workspace))
        finally:
            workspace.remove()
