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
from infra.settings import Settings
from trainyard.contract.config import Schedule
from trainyard.run import recipe

KEEP_TRYING = cdk.Duration.hours(24)
TRIES = 185
KEEP_LOST_EVENTS = cdk.Duration.days(14)


def dead_letters(scope: Construct) -> sqs.Queue:
    """The queue of events that reached nobody; an alarm watches its depth."""
    queue = sqs.Queue(
        scope,
        "DeadLetters",
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=KEEP_LOST_EVENTS,
    )
    acknowledge(queue, "SQS3", reason="This is the dead letter queue itself, of EventBridge targets and of a function.")
    return queue


class Triggers(Construct):
    """Uploads and schedules start the machine; its bad ends call the function that explains them."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        settings: Settings,
        raw_bucket: str,
        machine: sfn.StateMachine,
        explain_failure: lambda_.Function,
        queue: sqs.Queue,
    ) -> None:
        super().__init__(scope, name)
        self._machine = machine
        self._queue = queue
        self._start_on_upload(raw_bucket)
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
        for each in recipe.names():
            if wanted := recipe.schedule(each):
                self._schedule(each, wanted, enabled=settings.schedules_enabled)

    def _start_on_upload(self, raw_bucket: str) -> None:
        events.Rule(
            self,
            "Upload",
            description="A file under raw/ starts the training workflow",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={"bucket": {"name": [raw_bucket]}, "object": {"key": [{"prefix": "raw/"}]}},
            ),
            targets=[
                targets.SfnStateMachine(
                    self._machine,
                    role=self._starter(),
                    dead_letter_queue=self._queue,
                    max_event_age=KEEP_TRYING,
                    retry_attempts=TRIES,
                )
            ],
        )

    def _starter(self) -> iam.IRole:
        return role(
            self,
            "UploadRole",
            service="events.amazonaws.com",
            description="An upload starts the training workflow",
            permissions=[
                Permission(sid="Start", actions=["states:StartExecution"], resources=[self._machine.state_machine_arn])
            ],
        )

    def _schedule(self, recipe_name: str, schedule: Schedule, *, enabled: bool) -> None:
        """Made in every environment, so that one that is off can be tried out and switched on by hand."""
        scheduler.Schedule(
            self,
            recipe_name.title().replace("_", ""),
            description=f"Starts {recipe_name} on data set {schedule.dataset}",
            enabled=enabled,
            schedule=scheduler.ScheduleExpression.expression(schedule.expression),
            target=scheduler_targets.StepFunctionsStartExecution(
                self._machine,
                dead_letter_queue=self._queue,
                max_event_age=KEEP_TRYING,
                retry_attempts=TRIES,
                input=scheduler.ScheduleTargetInput.from_object(
                    {"recipe": recipe_name, "dataset": schedule.dataset, "overrides": dict(schedule.overrides)}
                ),
            ),
        )
