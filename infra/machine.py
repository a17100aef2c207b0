"""The state machine: the complete definition from `state_machines/`, filled in, traced and logged."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.machine_role import Parts, machine_role
from infra.settings import Settings
from state_machines.definition import definition_text


def machine_name(settings: Settings) -> str:
    """Known before the machine exists, so that the function that explains failures can be limited to it."""
    return f"{settings.prefix}-training"


class Machine(Construct):
    """`machine`, with tracing, complete logs, and a role that has what the definition needs and no more."""

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


def substitutions(settings: Settings, parts: Parts) -> dict[str, str]:
    """A value for every `${...}` of the definition."""
    return {
        "ResolveFunctionArn": parts.functions.resolve.function_arn,
        "GateFunctionArn": parts.functions.gate.function_arn,
        "SmokeTestFunctionArn": parts.functions.smoke_test.function_arn,
        "IngestJobName": parts.glue.ingest.job_name,
        "PrepareJobName": parts.glue.prepare.job_name,
        "RegisterJobName": parts.glue.register.job_name,
        "ProcessingImageUri": parts.images.processing.image_uri,
        "TrainingImageUri": parts.images.training.image_uri,
        "ProcessRoleArn": parts.roles.process.role_arn,
        "TrainRoleArn": parts.roles.train.role_arn,
        "EvaluateRoleArn": parts.roles.evaluate.role_arn,
        "ReportRoleArn": parts.roles.report.role_arn,
        "AnalyseRoleArn": parts.roles.analyse.role_arn,
        "ScoreRoleArn": parts.roles.score.role_arn,
        "ModelRoleArn": parts.roles.model.role_arn,
        "ScoresDatabase": parts.data.scores_database,
        "ArtifactsBucket": parts.data.artifacts_bucket,
        "LedgerTable": parts.data.ledger_table,
        "TopicArn": parts.data.topic_arn,
        "GroupPrefix": parts.registry.group_prefix,
        "JobPrefix": settings.job_prefix,
        "UseSpot": str(settings.use_spot).lower(),
        "KeyArn": parts.data.key_arn or "none",
    }
