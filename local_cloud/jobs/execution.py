"""One container run from pulling its image to its last log line, under the rights of the job's role; in the server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from local_cloud.images.registry import Registry, repository_and_tag
from local_cloud.jobs.container import Container, engine_command, process_command
from local_cloud.jobs.logs import LogStream
from local_cloud.jobs.process import Limits, Outcome, run
from local_cloud.jobs.running import RunningJob
from local_cloud.jobs.settings import Settings
from local_cloud.jobs.signals import killed_by, shell_code
from local_cloud.jobs.transfer import RoleClients, Storage
from local_cloud.jobs.workspace import Workspace
from trainyard.errors import JobFailed, NotFound

MAX_REASON = 1024


@dataclass(frozen=True, kw_only=True)
class Execution:
    """Everything one container job needs while it runs."""

    settings: Settings
    workspace: Workspace
    container: Container
    clients: RoleClients
    log_group: str
    log_stream: str
    max_seconds: float

    @property
    def storage(self) -> Storage:
        return Storage(self.clients)

    def pull(self) -> None:
        """Make sure that the image is there; raises `JobFailed`."""
        pull(self.container.image_uri, settings=self.settings, clients=self.clients)

    def run(self, job: RunningJob) -> Outcome:
        """Run the container until it ends or is ended; its lines go to the log and to the metrics."""
        log = LogStream(self.clients.client("logs"), group=self.log_group, stream=self.log_stream)

        def on_line(_stream: str, text: str) -> None:
            job.metrics.scan(text)
            log.add(text)

        limits = Limits(max_seconds=self.max_seconds, grace_seconds=self.settings.stop_grace_seconds)
        credentials: Mapping[str, str] = self.clients.credentials
        if self.settings.engine:
            command = engine_command(self.container, self.workspace, settings=self.settings, credentials=credentials)
        else:
            image = Registry(self.settings.images_dir).resolve(self.container.image_uri)
            command = process_command(
                self.container, image, workspace=self.workspace, settings=self.settings, credentials=credentials
            )
        try:
            return run(command, limits, stop=job, on_line=on_line)
        finally:
            log.close()

    def said(self, path: str) -> str:
        """What the container left in a message file such as /opt/ml/output/failure, cut as SageMaker cuts it."""
        file = self.workspace.local(path)
        return file.read_text(encoding="utf-8", errors="replace").strip()[:MAX_REASON] if file.is_file() else ""


def pull(image_uri: str, *, settings: Settings, clients: RoleClients) -> None:
    """Check that the role may pull the image and that it was pushed; raises `JobFailed` as SageMaker words it."""
    if settings.engine:
        return
    repository, tag = repository_and_tag(image_uri)
    reason = (
        f"ClientError: Cannot pull {image_uri}. Please check if your ECR repository and image exist and role "
        f"{clients.role_arn} has proper pull permissions for SageMaker: "
        "ecr:BatchCheckLayerAvailability, ecr:BatchGetImage, ecr:GetDownloadUrlForLayer."
    )
    ecr = clients.client("ecr")
    try:
        ecr.get_authorization_token()
        found = ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": tag}])
        image = Registry(settings.images_dir).resolve(image_uri)
        ecr.batch_check_layer_availability(repositoryName=repository, layerDigests=[image.digest])
        ecr.get_download_url_for_layer(repositoryName=repository, layerDigest=image.digest)
    except (ClientError, BotoCoreError, NotFound) as error:
        raise JobFailed(f"{reason} {error}") from error
    if not found["images"]:
        raise JobFailed(f"{reason} Nothing was pushed as {repository}:{tag}.")


def failure_reason(text: str) -> str:
    """A FailureReason as long as AWS allows."""
    return text[:MAX_REASON]


def algorithm_error(outcome: Outcome, said: str) -> str:
    """FailureReason of a container that ended with an error: the signal that killed it, what it said, its last lines.

    The exit code is the one that AWS tells: 137 for SIGKILL.
    """
    killed = killed_by(outcome.exit_code)
    told = said or f"{_silence(killed)}; its last lines: " + " | ".join(outcome.last_lines[-5:])
    text = f"the container was {killed}; {told}" if killed else told
    ending = f", exit code: {shell_code(outcome.exit_code)}"
    start = f"AlgorithmError: {text}"
    return start[: MAX_REASON - len(ending)] + ending


def _silence(killed: str) -> str:
    return "it could say nothing itself" if killed else "the container gave no reason"
