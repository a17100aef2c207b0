"""What starts the machine, what happens when it fails, and where events go that could not be delivered."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as scheduler_targets
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.permissions import Permission, acknowledge, role
from infra.settings import REQUIRED, Settings
from trainyard.contract.config import Schedule
from trainyard.run import recipe
from trainyard.run.registry import APPROVED, EVENT, REJECTED

KEEP_TRYING = cdk.Duration.hours(24)
TRIES = 185
KEEP_LOST_EVENTS = cdk.Duration.days(14)
# What the CDK says of a rule whose target's ARN it cannot take apart, where the environment is pinned to an account.
UNRESOLVED = "Annotation::@aws-cdk/aws-events:ruleUnresolvedEnvironment"
SAME_STACK = "The alias is of the rule's own stack; its ARN is known when it has been made."


def dead_letters(scope: Construct) -> sqs.Queue:
    """The queue of events that reached nobody; an alarm watches its depth."""
    queue = sqs.Queue(
        scope,
        "DeadLetters",
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=KEEP_LOST_EVENTS,
    )
    acknowledge(
        queue, "SQS3", reason="This is the dead letter queue itself, of EventBridge targets, functions and a queue."
    )
    return queue


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
        for each in recipe.names():
            if wanted := recipe.schedule(each):
                self._schedule(each, wanted, starter=starter, enabled=settings.schedules_enabled)

    def _start_on_upload(self, raw_bucket: str) -> None:
        self._rule(
            "Upload",
            description="A file under raw/ starts the training workflow",
            what="An upload",
            pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={"bucket": {"name": [raw_bucket]}, "object": {"key": [{"prefix": "raw/"}]}},
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

    def _schedule(self, recipe_name: str, schedule: Schedule, *, starter: iam.IRole, enabled: bool) -> None:
        """Made in every environment, so that one that is off can be tried out and switched on by hand."""
        scheduler.Schedule(
            self,
            recipe_name.title().replace("_", ""),
            description=f"Starts {recipe_name} on data set {schedule.dataset}",
            enabled=enabled,
            schedule=scheduler.ScheduleExpression.expression(schedule.expression),
            target=scheduler_targets.StepFunctionsStartExecution(
                self._live,
                role=starter,
                dead_letter_queue=self._queue,
                max_event_age=KEEP_TRYING,
                retry_attempts=TRIES,
                input=scheduler.ScheduleTargetInput.from_object(
                    {"recipe": recipe_name, "dataset": schedule.dataset, "overrides": dict(schedule.overrides)}
                ),
            ),
        )
