"""The Glue jobs, ingest, prepare and register: Spark machines whose code chooses the engine by the data's size."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from infra.access import RUN, TRUTH, UPLOADS, UPLOADS_TO_SCORE, leave_failure, read, replace, use_key, write
from infra.data import Data
from infra.database import connection, network_permissions, read_secret
from infra.permissions import Permission, acknowledge, role
from infra.settings import Settings
from infra.sources import ROOT, SHARED, staged
from infra.stage_code import GLUE_VERSION
from infra.wheels import modules
from trainyard.run.stage import Stage
from trainyard.stages.explain_failure.job_logs import glue_groups

SERVICE = "glue.amazonaws.com"
TIMEOUT = cdk.Duration.hours(8)
CONCURRENT_RUNS = 20
DATABASE_STAGES = (Stage.INGEST, Stage.REGISTER)


class GlueJobs(Construct):
    """`ingest`, `prepare` and `register`, each with its own role and logs; they share their packages and modules."""

    def __init__(
        self, scope: Construct, name: str, *, settings: Settings, data: Data, synthesizer: cdk.StackSynthesizer
    ) -> None:
        super().__init__(scope, name)
        self._settings = settings
        self._packages = assets.Asset(self, "Packages", path=staged(*SHARED, "glue_jobs"))
        # The same for all jobs and versions: what changes lies in the packages.
        self._script = assets.Asset(self, "Script", path=str(ROOT / "glue_jobs" / "start.py"))
        self._modules = modules(self, synthesizer=synthesizer, wheels=settings.glue_wheels)
        self._key = kms.Key.from_key_arn(self, "Key", data.key_arn) if data.key_arn else None
        self._encryption = self._security_configuration()
        self._database_secret = data.secret_arn
        self._leave_failure = leave_failure(data.artifacts_arn)
        connection_name = f"{settings.prefix}-database"
        self._connection = connection(self, settings.database, name=connection_name) if settings.database else None
        bucket = data.artifacts_arn
        reach_database = [
            read_secret(data.secret_arn),
            *use_key(data.key_arn, "s3", "secretsmanager"),
            *(network_permissions(self, settings.database, name=connection_name) if settings.database else ()),
        ]
        self.ingest = self._job(
            Stage.INGEST,
            [
                *_find_and_read(bucket, Stage.RESOLVE, Stage.INGEST),
                _read_uploads(data),
                write(bucket, Stage.INGEST),
                replace(bucket, Stage.INGEST),
                *reach_database,
            ],
        )
        self.prepare = self._job(
            Stage.PREPARE,
            [
                *_find_and_read(bucket, Stage.RESOLVE, Stage.INGEST, Stage.PREPARE),
                write(bucket, Stage.PREPARE),
                replace(bucket, Stage.PREPARE),
                *use_key(data.key_arn, "s3"),
            ],
        )
        outcome = (Stage.RESOLVE, Stage.TRAIN, Stage.TUNE, Stage.EVALUATE, Stage.GATE)
        self.register = self._job(Stage.REGISTER, [*read(bucket, *outcome), *reach_database])

    @property
    def packages_uri(self) -> str:
        """The code of this deployment; the state machine names it in every run, so that an execution keeps its own."""
        return self._packages.s3_object_url

    @property
    def modules_uri(self) -> str:
        """The locked modules of this deployment, likewise."""
        return self._modules.uri

    def _job(self, stage: Stage, permissions: Sequence[Permission]) -> glue.Job:
        name = f"{self._settings.prefix}-{stage}"
        self._log_groups(stage, name)
        job = glue.PySparkEtlJob(
            self,
            stage.title(),
            job_name=name,
            role=self._role(stage, permissions),
            script=_code(self._script),
            extra_python_files=[_code(self._packages)],
            glue_version=glue.GlueVersion[f"V{GLUE_VERSION.replace('.', '_')}"],
            worker_configuration=glue.WorkerConfiguration(
                worker_type=self._settings.glue_worker,
                number_of_workers=self._settings.glue_workers,
            ),
            continuous_logging=glue.ContinuousLoggingProps(enabled=True),
            connections=[self._connection] if self._connection and stage in DATABASE_STAGES else None,
            default_arguments={
                **({"--DATABASE_SECRET": self._database_secret} if stage in DATABASE_STAGES else {}),
                "--STAGE": stage,
                "--ENGINE": "auto",
                "--SPARK_THRESHOLD_GB": f"{self._settings.spark_threshold_gb:g}",
                "--custom-logGroup-prefix": glue_groups(name)[0].rpartition("/")[0],
                "--additional-python-modules": self._modules.uri,
                "--python-modules-installer-option": self._modules.installer_option,
            },
            security_configuration=self._encryption,
            max_concurrent_runs=CONCURRENT_RUNS,
            max_retries=0,  # the state machine retries what is worth it
            timeout=TIMEOUT,
        )
        _acknowledge_encryption(job)
        return job

    def _log_groups(self, stage: Stage, job_name: str) -> None:
        """Made here rather than by Glue, so that what is in them ends some day and lies under the customer's key."""
        for group in glue_groups(job_name):
            logs.LogGroup(
                self,
                f"{stage.title()}{group.rpartition('/')[2].title()}Logs",
                log_group_name=group,
                retention=self._settings.log_retention,
                encryption_key=self._key,
                removal_policy=cdk.RemovalPolicy.DESTROY,
            )

    def _security_configuration(self) -> glue.ISecurityConfiguration | None:
        """What Glue itself writes to S3, such as what Spark spills there, is under the customer's key too."""
        if self._key is None:
            return None
        kinds = glue.CfnSecurityConfiguration
        encryption = kinds.EncryptionConfigurationProperty(
            s3_encryptions=[kinds.S3EncryptionProperty(s3_encryption_mode="SSE-KMS", kms_key_arn=self._key.key_arn)]
        )
        made = kinds(self, "Encryption", name=self._settings.prefix, encryption_configuration=encryption)
        return glue.SecurityConfiguration.from_security_configuration_name(self, "Configuration", made.ref)

    def _role(self, stage: Stage, permissions: Sequence[Permission]) -> iam.IRole:
        return role(
            self,
            f"{stage.title()}Role",
            service=SERVICE,
            description=f"Glue job {stage} of the training workflow",
            permissions=[
                *permissions,
                self._leave_failure,
                Permission(
                    sid="ReadCode",
                    actions=["s3:GetObject"],
                    resources=[self._packages.bucket.arn_for_objects(f"{deployed_below(self._packages)}*")],
                    why="An execution runs the packages and modules that it began with, whatever was deployed since.",
                ),
                _write_logs(self, f"{self._settings.prefix}-{stage}"),
                PUT_METRICS,
            ],
        )


PUT_METRICS = Permission(
    sid="PutMetrics",
    actions=["cloudwatch:PutMetricData"],
    resources=["*"],
    why="PutMetricData knows no resources; the condition limits it to Glue's own namespace.",
    conditions={"StringEquals": {"cloudwatch:namespace": "Glue"}},
)


def deployed_below(asset: assets.Asset) -> str:
    """The prefix below which the bucket of assets holds those of this environment."""
    return asset.s3_object_key.partition(asset.asset_hash)[0]


def _code(asset: assets.Asset) -> glue.Code:
    return glue.Code.from_bucket(asset.bucket, asset.s3_object_key)


def _find_and_read(bucket_arn: str, *stages: Stage) -> list[Permission]:
    """Read these stages, and look for files as Spark does.

    Before it writes, Spark asks for files that are not there, and for the folders above them. S3 answers such a
    question (it carries no prefix) with "not found" only to those who may list; to others it is "forbidden", which
    fails the job.
    """
    reading, listing = read(bucket_arn, *stages)
    look = {"StringLikeIfExists": {"s3:prefix": [f"{RUN}/*", RUN]}}
    return [reading, dataclasses.replace(listing, sid="FindFiles", conditions=look)]


def _read_uploads(data: Data) -> Permission:
    return Permission(
        sid="ReadUploads",
        actions=["s3:GetObject", "s3:GetObjectVersion"],
        resources=[f"{data.raw_arn}/{each}" for each in (UPLOADS, UPLOADS_TO_SCORE, TRUTH)],
        why="People upload files of any name below raw/, score/ and truth/.",
    )


def _write_logs(scope: Construct, job_name: str) -> Permission:
    return Permission(
        sid="WriteLogs",
        actions=["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
        resources=[
            cdk.Stack.of(scope).format_arn(
                service="logs",
                resource="log-group",
                resource_name=f"{each}:*",
                arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
            )
            for each in glue_groups(job_name)
        ],
        why="Streams of a job's log groups are named after its runs.",
    )


def _acknowledge_encryption(job: glue.Job) -> None:
    made_here = "The log groups are made here, under the customer's key where there is one: Glue need not encrypt them."
    acknowledge(job, "GL1", reason=made_here)
    acknowledge(job, "Annotation::@aws-cdk/aws-glue-alpha:unencryptedContinuousLogging", reason=made_here)
    acknowledge(job, "GL3", reason="The jobs keep no bookmarks: each run reads exact object versions.")
