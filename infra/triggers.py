"""What starts the machine, and what happens when it fails."""

from __future__ import annotations

from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.dead_letters import KEEP_TRYING, TRIES
from infra.permissions import Permission, acknowledge, role
from infra.schedules import Schedules, of_recipes
from infra.settings import REQUIRED, Settings
from trainyard.run.folders import RAW_PREFIX, TRUTH_PREFIX
from trainyard.run.registry import APPROVED, EVENT, REJECTED

# Folders of the raw bucket; files that are only to be scored start nothing.
STARTING = (RAW_PREFIX, TRUTH_PREFIX)
# What the CDK says of a rule whose target's ARN it cannot take apart, where the environment is pinned to an account.
UNRESOLVED = "Annotation::@aws-cdk/aws-events:ruleUnresolvedEnvironment"
SAME_STACK = "The alias is of the rule's own stack; its ARN is known when it has been made."


class Triggers(Construct):
    """Uploads, decisions on versions and schedules start the machine by its alias; its bad ends call the function that
    explains them.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        settings: Settings,
        raw_bucket: str,
        machine: sfn.StateMachine,
        live: sfn.IStateMachine,
        explain_failure: lambda_.Function,
        queue: sqs.Queue,
    ) -> None:
        super().__init__(scope, name)
        self._live = live
        self._queue = queue
        # Step Functions asks whether an alias may be started by the ARN of its machine.
        self._start = Permission(sid="Start", actions=["states:StartExecution"], resources=[machine.state_machine_arn])
        self._start_on_upload(raw_bucket)
        self._start_on_decision(settings)
        events.Rule(
            self,
            "Failure",
            description="A failed, timed out or stopped execution is explained to people",
            event_pattern=events.EventPattern(
                source=["aws.states"],
                detail_type=["Step Functions Execution Status Change"],
                detail={"stateMachineArn": [machine.state_machine_arn], "status": ["FAILED", "TIMED_OUT", "ABORTED"]},
            ),
            targets=[
                targets.LambdaFunction(
                    explain_failure, dead_letter_queue=queue, max_event_age=KEEP_TRYING, retry_attempts=TRIES
                )
            ],
        )
        starter = self._starter(
            "SchedulesRole",
            Permission(sid="KeepLostEvents", actions=["sqs:SendMessage"], resources=[queue.queue_arn]),
            service="scheduler.amazonaws.com",
            what="A schedule",
        )
        Schedules(
            self,
            "Schedules",
            group_name=settings.prefix,
            schedules=[*of_recipes(enabled=settings.schedules_enabled), *settings.schedules],
            live=self._live,
            starter=starter,
            queue=queue,
        )

    def _start_on_upload(self, raw_bucket: str) -> None:
        self._rule(
            "Upload",
            description="A file under raw/ or truth/ starts the training workflow",
            what="An upload",
            pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={
                    "bucket": {"name": [raw_bucket]},
                    "object": {"key": [{"prefix": f"{each}/"} for each in STARTING]},
                },
            ),
        )

    def _start_on_decision(self, settings: Settings) -> None:
        """A person decides on a registered version, wherever: in SageMaker, by the command, or on the console's page.

        Where nobody has to approve, versions are made approved; only a rejection is a decision there.
        """
        decisions = [REJECTED, *([APPROVED] if settings.approval == REQUIRED else [])]
        self._rule(
            "Decision",
            description="The approval or rejection of a registered version starts the training workflow",
            what="A decision",
            pattern=events.EventPattern(
                source=["aws.sagemaker"],
                detail_type=[EVENT],
                detail={
                    "ModelPackageGroupName": [{"prefix": f"{settings.prefix}-"}],
                    "ModelApprovalStatus": decisions,
                },
            ),
        )

    def _rule(self, name: str, *, description: str, what: str, pattern: events.EventPattern) -> None:
        """An event of this pattern starts the machine; one that cannot, for a day, goes to the dead letters."""
        rule = events.Rule(
            self,
            name,
            description=description,
            event_pattern=pattern,
            targets=[
                targets.SfnStateMachine(
                    self._live,
                    role=self._starter(f"{name}Role", service="events.amazonaws.com", what=what),
                    dead_letter_queue=self._queue,
                    max_event_age=KEEP_TRYING,
                    retry_attempts=TRIES,
                )
            ],
        )
        acknowledge(rule, UNRESOLVED, reason=SAME_STACK)

    def _starter(self, name: str, *others: Permission, service: str, what: str) -> iam.IRole:
        return role(
            self,
            name,
            service=service,
            description=f"{what} starts the training workflow",
            permissions=[self._start, *others],
        )
