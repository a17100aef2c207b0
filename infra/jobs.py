"""The roles of the SageMaker jobs: one per kind of job, each with its own stage's folders and nothing else."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ecr_assets as assets
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra import mlflow
from infra.access import (
    find_predictions,
    keep_requests,
    read,
    read_requests,
    use_key,
    write,
    write_scores,
    write_truth,
)
from infra.data import Data
from infra.endpoints import watch_roll_outs
from infra.images import Images
from infra.permissions import Permission, role
from infra.settings import Settings
from trainyard.run.stage import Stage
from trainyard.run.tracking import Mlflow
from trainyard.run.watch.metrics import namespace

SERVICE = "sagemaker.amazonaws.com"
ANALYSIS = f"{Stage.TUNE}/analysis"
CHECKPOINTS = (f"{Stage.TRAIN}/checkpoints", f"{Stage.TUNE}/checkpoints")


class JobRoles(Construct):
    """`process`, `train`, `evaluate`, `report`, `analyse`, `score`, `verify` and `model` (which serves one)."""

    def __init__(self, scope: Construct, name: str, *, settings: Settings, data: Data, images: Images) -> None:
        super().__init__(scope, name)
        self._data = data
        bucket = data.artifacts_arn
        self.process = self._role(
            "Process",
            images.processing,
            log_group="ProcessingJobs",
            permissions=[*read(bucket, Stage.RESOLVE, Stage.PREPARE), write(bucket, Stage.PROCESS)],
        )
        self.train = self._role(
            "Train",
            images.training,
            log_group="TrainingJobs",
            permissions=[
                *read(bucket, Stage.RESOLVE, Stage.PROCESS, *CHECKPOINTS),
                write(bucket, Stage.TRAIN, Stage.TUNE),
            ],
        )
        self.evaluate = self._role(
            "Evaluate",
            images.training,
            log_group="ProcessingJobs",
            permissions=[
                *read(bucket, Stage.RESOLVE, Stage.PROCESS, Stage.TRAIN, Stage.TUNE),
                write(bucket, Stage.EVALUATE),
            ],
        )
        self.report = self._role(
            "Report",
            images.processing,
            log_group="ProcessingJobs",
            permissions=[
                *read(
                    bucket,
                    *(Stage.RESOLVE, Stage.PREPARE, Stage.PROCESS),
                    *(Stage.TRAIN, Stage.TUNE, Stage.EVALUATE, Stage.GATE),
                ),
                write(bucket, Stage.REPORT),
            ],
        )
        self.analyse = self._role(
            "Analyse",
            images.processing,
            log_group="ProcessingJobs",
            permissions=[
                *read(bucket, Stage.RESOLVE),
                write(bucket, ANALYSIS),
                self._read_search(f"{settings.job_prefix}tune-*"),
            ],
        )
        self.score = self._role(
            "Score",
            images.training,
            log_group="ProcessingJobs",
            permissions=[
                *read(bucket, Stage.RESOLVE, Stage.INGEST, Stage.TRAIN, Stage.TUNE),
                write(bucket, Stage.SCORE),
                write_scores(bucket),
                *([read_requests(bucket)] if settings.capture else []),
            ],
        )
        self.verify = self._role(
            "Verify",
            images.processing,
            log_group="ProcessingJobs",
            permissions=[
                *read(bucket, Stage.RESOLVE, Stage.INGEST),
                *find_predictions(bucket),
                write(bucket, Stage.VERIFY),
                write_truth(bucket),
                Permission(
                    sid="MeasurePromise",
                    actions=["cloudwatch:PutMetricData"],
                    resources=["*"],
                    why="PutMetricData knows no resources; the condition limits it to this environment's namespaces.",
                    conditions={"StringLike": {"cloudwatch:namespace": namespace(settings.prefix, "*")}},
                ),
            ],
        )
        self.model = self._role(
            "Model",
            images.training,
            log_group="Endpoints",
            permissions=[
                *read(bucket, Stage.TRAIN, Stage.TUNE),
                watch_roll_outs(self, settings.prefix),
                *([keep_requests(bucket)] if settings.capture else []),
            ],
        )

        self.mlflow = self._log_to(settings.mlflow, images) if settings.mlflow else None

    def _log_to(self, server: Mlflow, images: Images) -> iam.IRole:
        """What logs runs to a server: it reads what is logged of them, and says it to nobody else."""
        return self._role(
            "Mlflow",
            images.processing,
            log_group="ProcessingJobs",
            permissions=[*mlflow.of_run(self._data.artifacts_arn), *mlflow.permissions(self, server)],
        )

    @property
    def all(self) -> list[iam.IRole]:
        """Every role that the state machine hands to SageMaker."""
        jobs = [self.process, self.train, self.evaluate, self.report, self.analyse, self.score, self.verify]
        return [*jobs, self.model, *([self.mlflow] if self.mlflow else [])]

    def _role(
        self, name: str, image: assets.DockerImageAsset, *, log_group: str, permissions: list[Permission]
    ) -> iam.IRole:
        return role(
            self,
            name,
            service=SERVICE,
            description=f"{name} jobs of the training workflow",
            permissions=[
                *permissions,
                *use_key(self._data.key_arn, "s3"),
                *pull(image),
                self._write_logs(log_group),
                PUT_METRICS,
            ],
        )

    def _write_logs(self, group: str) -> Permission:
        return Permission(
            sid="WriteLogs",
            actions=[
                "logs:CreateLogGroup",
                "logs:CreateLogStream",
                "logs:DescribeLogStreams",
                "logs:PutLogEvents",
            ],
            resources=[
                cdk.Stack.of(self).format_arn(
                    service="logs",
                    resource="log-group",
                    resource_name=f"/aws/sagemaker/{group}*",
                    arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
                )
            ],
            why="SageMaker names the log stream after the job, and shares one log group per kind of job.",
        )

    def _read_search(self, names: str) -> Permission:
        stack = cdk.Stack.of(self)
        return Permission(
            sid="ReadSearch",
            actions=[
                "sagemaker:DescribeHyperParameterTuningJob",
                "sagemaker:ListTrainingJobsForHyperParameterTuningJob",
                "sagemaker:DescribeTrainingJob",
            ],
            resources=[
                stack.format_arn(service="sagemaker", resource=kind, resource_name=names)
                for kind in ("hyper-parameter-tuning-job", "training-job")
            ],
            why="Tuning jobs are named by the state machine, always beginning with its environment and tune-.",
        )


PUT_METRICS = Permission(
    sid="PutMetrics",
    actions=["cloudwatch:PutMetricData"],
    resources=["*"],
    why="PutMetricData knows no resources; the condition limits it to SageMaker's own namespaces.",
    conditions={"StringLike": {"cloudwatch:namespace": "/aws/sagemaker/*"}},
)


def pull(image: assets.DockerImageAsset) -> list[Permission]:
    """Pull from the repository that holds the image."""
    return [
        Permission(
            sid="PullImage",
            actions=["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            resources=[image.repository.repository_arn],
        ),
        Permission(
            sid="LogInToRegistry",
            actions=["ecr:GetAuthorizationToken"],
            resources=["*"],
            why="GetAuthorizationToken knows no resources.",
        ),
    ]
