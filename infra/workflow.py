"""The workflow stack: images, jobs, functions, the state machine, what starts it and what watches it."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from constructs import Construct

from infra.api import Api
from infra.budget import budget
from infra.data import Data
from infra.dead_letters import dead_letters
from infra.glue import GlueJobs
from infra.images import Images
from infra.jobs import JobRoles
from infra.lambdas import Functions
from infra.machine import Machine, machine_name
from infra.machine_role import Parts
from infra.observability import Observability
from infra.registry import Registry
from infra.settings import Settings
from infra.subscribers import Subscribers, webhook_queue
from infra.tidy_up import every_day
from infra.triggers import Triggers


class WorkflowStack(cdk.Stack):
    """Everything that turns an upload into a model; can be deleted and deployed anew without losing data."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        settings: Settings,
        data: Data,
        synthesizer: cdk.StackSynthesizer,
        **options: Any,
    ) -> None:
        super().__init__(scope, name, synthesizer=synthesizer, **options)
        images = Images(self, "Images", gpu=settings.gpu, mlflow=settings.mlflow is not None)
        queue = dead_letters(self)
        to_webhook = webhook_queue(self, settings=settings, dead_letters=queue)
        functions = Functions(
            self,
            "Functions",
            settings=settings,
            data=data,
            machine_name=machine_name(settings),
            dead_letters=queue,
            image_repository=images.training.repository,
            webhook_queue=to_webhook,
        )
        every_day(self, functions.tidy_up, dead_letters=queue)
        Subscribers(self, "Subscribers", functions=functions, queue=to_webhook, topic_arn=data.topic_arn)
        parts = Parts(
            data=data,
            images=images,
            roles=JobRoles(self, "Jobs", settings=settings, data=data, images=images),
            glue=GlueJobs(self, "Glue", settings=settings, data=data, synthesizer=synthesizer),
            functions=functions,
            registry=Registry(self, "Registry", settings=settings, empty_arn=data.empty_arn),
        )
        made = Machine(self, "Machine", settings=settings, parts=parts)
        machine = made.machine
        Triggers(
            self,
            "Triggers",
            settings=settings,
            raw_bucket=data.raw_bucket,
            machine=machine,
            live=made.live,
            explain_failure=functions.explain_failure,
            queue=queue,
        )
        api = None
        if functions.predict is not None:
            api = Api(self, "Api", settings=settings, key_arn=data.key_arn, predict=functions.predict)
            cdk.CfnOutput(self, "ApiUrl", value=api.url)
        budget(self, settings)
        watch = Observability(
            self,
            "Observability",
            settings=settings,
            machine=machine,
            functions=functions.by_name,
            queue=queue,
            topic_arn=data.topic_arn,
            api=api.stage if api is not None else None,
        )
        cdk.CfnOutput(self, "StateMachineArn", value=machine.state_machine_arn)
        cdk.CfnOutput(self, "DashboardUrl", value=watch.dashboard_url)
