"""What starts by the clock in an environment: schedules of its settings and those that recipes bring along."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.dead_letters import KEEP_TRYING, TRIES
from trainyard.contract.config import Schedule
from trainyard.errors import TrainyardError
from trainyard.run import recipe
from trainyard.stages.resolve.request import NO_DATASET, Request, parse

NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")


@dataclass(frozen=True, kw_only=True)
class RecipeSchedule:
    """When a recipe is started by the clock; people call it by its `name`. One that is off can be started by hand."""

    name: str
    recipe: str
    schedule: Schedule
    enabled: bool = True

    @property
    def input(self) -> dict[str, Any]:
        """What it starts the machine with."""
        wanted = self.schedule
        return Request(
            recipe=self.recipe,
            dataset=wanted.dataset or NO_DATASET,
            task=wanted.task,
            folder=wanted.folder,
            overrides=wanted.overrides,
        ).input

    @property
    def description(self) -> str:
        """What it starts, in words."""
        if self.schedule.task == "check_drift":
            return f"Checks the requests to {self.recipe} for drift"
        return f"Starts {self.recipe} on data set {self.schedule.dataset}"

    def problems(self) -> Iterator[str]:
        """What the machine would refuse: said when the app is synthesized, and not in the night when it is due."""
        if not NAME.fullmatch(self.name):
            yield (
                "expected a schedule's name of at most 40 lower case letters, digits and hyphens, a letter first, "
                f"found {self.name!r}."
            )
        try:
            parse(self.input)
            recipe.config(self.recipe, self.schedule.overrides)
        except TrainyardError as error:
            yield f"schedule {self.name}: {error}"


def of_recipes(*, enabled: bool) -> list[RecipeSchedule]:
    """The schedules that recipes bring along, called as these."""
    wanted = {each: recipe.schedule(each) for each in recipe.names()}
    return [
        RecipeSchedule(name=name.replace("_", "-"), recipe=name, schedule=schedule, enabled=enabled)
        for name, schedule in wanted.items()
        if schedule
    ]


class Schedules(Construct):
    """The group of an environment's schedules. All are made, so that one that is off can be switched on by hand."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        group_name: str,
        schedules: list[RecipeSchedule],
        live: sfn.IStateMachine,
        starter: iam.IRole,
        queue: sqs.IQueue,
    ) -> None:
        super().__init__(scope, name)
        # Kept by default, and then in the way of the next deployment, which makes one of the same name.
        group = scheduler.ScheduleGroup(
            self, "Group", schedule_group_name=group_name, removal_policy=cdk.RemovalPolicy.DESTROY
        )
        for each in schedules:
            scheduler.Schedule(
                self,
                each.name,
                schedule_name=each.name,
                schedule_group=group,
                description=each.description,
                enabled=each.enabled,
                schedule=scheduler.ScheduleExpression.expression(each.schedule.expression),
                target=targets.StepFunctionsStartExecution(
                    live,
                    role=starter,
                    dead_letter_queue=queue,
                    max_event_age=KEEP_TRYING,
                    retry_attempts=TRIES,
                    input=scheduler.ScheduleTargetInput.from_object(each.input),
                ),
            )
