"""The state machine: the complete definition from `state_machines/`, filled in, traced and logged."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra import mlflow
from infra.machine_role import Parts, machine_role
from infra.settings import Settings
from infra.sources import code_version
from state_machines.definition import definition_text
from trainyard.run.naming import LIVE
from trainyard.run.watch.metrics import namespace


def machine_name(settings: Settings) -> str:
    """Known before the machine exists, so that the function that explains failures can be limited to it."""
    return f"{settings.prefix}-training"


class Machine(Construct):
    """`machine`, with tracing, complete logs, and a role that has what the definition needs and no more.

    Every deployment publishes a version of it, and `live` is the alias that stands for the newest one.
    """

    def __init__(self, scope: Construct, name: str, *, settings: Settings, parts: Parts) -> None:
        super().__init__(scope, name)
        key_arn = parts.data.key_arn
        log_group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=f"/aws/vendedlogs/states/{machine_name(settings)}",
            retention=settings.log_retention,
            encryption_key=kms.Key.from_key_arn(self, "Key", key_arn) if key_arn else None,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        self.machine = sfn.StateMachine(
            self,
            "Training",
            state_machine_name=machine_name(settings),
            definition_body=sfn.DefinitionBody.from_string(definition_text()),
            definition_substitutions=substitutions(settings, parts),
            logs=sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ALL, include_execution_data=True),
            tracing_enabled=True,
            role=machine_role(self, parts, machine_name=machine_name(settings), job_prefix=settings.job_prefix),
        )
        self.live = self._published()

    def _published(self) -> sfn.IStateMachine:
        """A version of the machine as it is now, under the alias. Earlier versions stay: executions run them."""
        version = sfn.CfnStateMachineVersion(
            self,
            "Version",
            state_machine_arn=self.machine.state_machine_arn,
            state_machine_revision_id=self.machine.state_machine_revision_id,
            description=f"Code {code_version()}",
        )
        # One that a failed update has published goes with the rollback.
        version.apply_removal_policy(cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        route = sfn.CfnStateMachineAlias.RoutingConfigurationVersionProperty(
            state_machine_version_arn=version.attr_arn, weight=100
        )
        alias = sfn.CfnStateMachineAlias(self, "Alias", name=LIVE, routing_configuration=[route])
        return sfn.StateMachine.from_state_machine_arn(self, "Live", alias.attr_arn)


def substitutions(settings: Settings, parts: Parts) -> dict[str, str]:
    """A value for every `${...}` of the definition."""
    return {
        "ResolveFunctionArn": parts.functions.resolve.current_version.function_arn,
        "ReuseFunctionArn": parts.functions.reuse.current_version.function_arn,
        "GateFunctionArn": parts.functions.gate.current_version.function_arn,
        "CompareScoresFunctionArn": parts.functions.compare_scores.current_version.function_arn,
        "SmokeTestFunctionArn": parts.functions.smoke_test.current_version.function_arn,
        "IngestJobName": parts.glue.ingest.job_name,
        "PrepareJobName": parts.glue.prepare.job_name,
        "RegisterJobName": parts.glue.register.job_name,
        "GluePackagesUri": parts.glue.packages_uri,
        "GlueModulesUri": parts.glue.modules_uri,
        "ProcessingImageUri": parts.images.processing.image_uri,
        "TrainingImageUri": parts.images.training.image_uri,
        # Without one of its own Resolve refuses whoever asks for a GPU.
        "GpuTrainingImageUri": (parts.images.gpu_training or parts.images.training).image_uri,
        "ProcessRoleArn": parts.roles.process.role_arn,
        "TrainRoleArn": parts.roles.train.role_arn,
        "EvaluateRoleArn": parts.roles.evaluate.role_arn,
        "ReportRoleArn": parts.roles.report.role_arn,
        "AnalyseRoleArn": parts.roles.analyse.role_arn,
        "ScoreRoleArn": parts.roles.score.role_arn,
        "VerifyRoleArn": parts.roles.verify.role_arn,
        "ModelRoleArn": parts.roles.model.role_arn,
        # Without a server no execution comes to the state that names it.
        "MlflowRoleArn": (parts.roles.mlflow or parts.roles.report).role_arn,
        **mlflow.substitutions(settings),
        "ScoresDatabase": parts.data.scores_database,
        "ArtifactsBucket": parts.data.artifacts_bucket,
        "LedgerTable": parts.data.ledger_table,
        "TopicArn": parts.data.topic_arn,
        "GroupPrefix": parts.registry.group_prefix,
        "JobPrefix": settings.job_prefix,
        "MetricPrefix": namespace(settings.prefix, ""),
        "UseSpot": str(settings.use_spot).lower(),
        "KeyArn": parts.data.key_arn or "none",
    }
