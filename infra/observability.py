"""Alarms that reach people, and a dashboard that shows how the workflow has been doing."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as http
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.settings import Settings
from trainyard.run import recipe
from trainyard.run.naming import endpoint_name
from trainyard.run.watch.metrics import namespace
from trainyard.run.watch.observed import METRIC as WORSE_METRIC
from trainyard.stages.score.watch import METRIC, REQUESTS_METRIC

PERIOD = cdk.Duration.minutes(5)
SUM = cloudwatch.Stats.SUM
SLOWEST_HUNDREDTH = cloudwatch.Stats.percentile(99)
# Microseconds: what SageMaker measures in.
LATENCY_US = 2_000_000
# The function whose failures the receiver of others causes, and how many of them within an hour are worth an alarm.
WEBHOOK = "webhook"
WEBHOOK_FAILURES = 6
# What the state machine calls the one variant of an endpoint.
VARIANT = "model"


class Observability(Construct):
    """One alarm per way in which work can get lost, and one dashboard."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        settings: Settings,
        machine: sfn.StateMachine,
        functions: dict[str, lambda_.Function],
        queue: sqs.Queue,
        topic_arn: str,
        api: http.HttpStage | None = None,
    ) -> None:
        super().__init__(scope, name)
        self._action = actions.SnsAction(sns.Topic.from_topic_arn(self, "Topic", topic_arn))
        self._alarm(
            "Failed",
            machine.metric_failed(period=PERIOD, statistic=SUM),
            description="An execution failed: its message names the cause.",
        )
        self._alarm(
            "TimedOut",
            machine.metric_timed_out(period=PERIOD, statistic=SUM),
            description="An execution took longer than the machine allows.",
        )
        self._alarm(
            "Aborted",
            machine.metric_aborted(period=PERIOD, statistic=SUM),
            description="Somebody stopped an execution.",
        )
        self._alarm(
            "Throttled",
            machine.metric_throttled(period=PERIOD, statistic=SUM),
            description="Step Functions held executions back.",
        )
        lost = queue.metric_approximate_number_of_messages_visible(period=PERIOD, statistic=cloudwatch.Stats.MAXIMUM)
        self._alarm(
            "LostEvents",
            lost,
            description="An upload, a failure or a message reached nobody: look into the dead letter queue.",
        )
        self._watch_functions(functions, api)
        self._watch_data(settings)
        if settings.endpoint_alarms:
            self._watch_endpoints(settings)
        self.dashboard = cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=settings.prefix,
            default_interval=cdk.Duration.days(7),
            widgets=_widgets(machine, functions, lost=lost),
        )

    @property
    def dashboard_url(self) -> str:
        region = cdk.Stack.of(self).region
        home = f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}"
        return f"{home}#dashboards/dashboard/{self.dashboard.dashboard_name}"

    def _watch_functions(self, functions: dict[str, lambda_.Function], api: http.HttpStage | None) -> None:
        for each, function in functions.items():
            if each == WEBHOOK:
                self._watch_webhook(function)
                continue
            errors = function.metric_errors(period=PERIOD, statistic=SUM)
            self._alarm(f"{each.title().replace(' ', '')}Broken", errors, description=f"The function {each} failed.")
        if api is not None:
            refused = api.metric_server_error(period=PERIOD, statistic=SUM)
            self._alarm("ApiErrors", refused, description="The HTTP API answered with a fault of its own (5xx).")

    def _watch_data(self, settings: Settings) -> None:
        """Of every recipe, whichever of its models scored last; which models there will be is not known here.

        It rings until data are scored that have not moved: none at all say nothing.
        """
        for each in recipe.names():
            self._watch_moves(
                settings,
                each,
                metric=METRIC,
                name="Moved",
                description=f"Data that {each} scored last, or its answers, are not as when its model was trained.",
            )
            if recipe.truth(each):
                self._watch_moves(
                    settings,
                    each,
                    metric=WORSE_METRIC,
                    name="Worse",
                    description=f"The labels that came last say that a model of {each} is worse than promised.",
                )
            if settings.capture:
                self._watch_moves(
                    settings,
                    each,
                    metric=REQUESTS_METRIC,
                    name="RequestsMoved",
                    description=f"Requests to {each} or its answers are not as when its model was trained.",
                )

    def _watch_moves(self, settings: Settings, recipe_name: str, *, metric: str, name: str, description: str) -> None:
        moved = cloudwatch.Metric(
            namespace=namespace(settings.prefix, recipe_name),
            metric_name=metric,
            period=PERIOD,
            statistic=cloudwatch.Stats.MAXIMUM,
        )
        title = recipe_name.title().replace("_", "")
        self._alarm(f"{title}{name}", moved, description=description, missing=cloudwatch.TreatMissingData.IGNORE)

    def _watch_webhook(self, function: lambda_.Function) -> None:
        """One that fails is tried again in five minutes. An alarm on each would itself be a message that fails."""
        self._alarm(
            "WebhookDown",
            function.metric_errors(period=cdk.Duration.hours(1), statistic=SUM),
            description="The webhook's receiver has not taken a message for half an hour.",
            threshold=WEBHOOK_FAILURES,
        )

    def _watch_endpoints(self, settings: Settings) -> None:
        """The endpoint of every recipe; those of models that people name are made later, and are not known here.

        CloudWatch has no alarm over all endpoints whose names begin alike.
        """
        for each in recipe.names():
            title, endpoint = each.title().replace("_", ""), endpoint_name(settings.prefix, each)
            of_endpoint = {"EndpointName": endpoint, "VariantName": VARIANT}
            failed, latency = (
                cloudwatch.Metric(
                    namespace="AWS/SageMaker",
                    metric_name=name,
                    dimensions_map=of_endpoint,
                    period=PERIOD,
                    statistic=statistic,
                )
                for name, statistic in (("Invocation5XXErrors", SUM), ("ModelLatency", SLOWEST_HUNDREDTH))
            )
            self._alarm(f"{title}Errors", failed, description=f"Endpoint {endpoint} answered with a fault of its own.")
            self._alarm(
                f"{title}Latency",
                latency,
                description=f"One answer in a hundred of endpoint {endpoint} takes longer than two seconds.",
                threshold=LATENCY_US,
                periods=3,
            )

    def _alarm(
        self,
        name: str,
        metric: cloudwatch.Metric,
        *,
        description: str,
        threshold: float = 1,
        periods: int = 1,
        missing: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING,
    ) -> None:
        alarm = cloudwatch.Alarm(
            self,
            name,
            metric=metric,
            alarm_description=description,
            threshold=threshold,
            evaluation_periods=periods,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=missing,
        )
        alarm.add_alarm_action(self._action)


def _widgets(
    machine: sfn.StateMachine, functions: dict[str, lambda_.Function], *, lost: cloudwatch.Metric
) -> list[list[cloudwatch.IWidget]]:
    ends = [
        machine.metric_started(period=PERIOD, statistic=SUM),
        machine.metric_succeeded(period=PERIOD, statistic=SUM),
        machine.metric_failed(period=PERIOD, statistic=SUM),
        machine.metric_timed_out(period=PERIOD, statistic=SUM),
        machine.metric_aborted(period=PERIOD, statistic=SUM),
    ]
    return [
        [
            cloudwatch.GraphWidget(title="Executions", left=ends, width=12),
            cloudwatch.GraphWidget(title="Duration of executions", left=[machine.metric_time()], width=12),
        ],
        [
            cloudwatch.GraphWidget(
                title="Errors of functions",
                left=[each.metric_errors(label=name, period=PERIOD, statistic=SUM) for name, each in functions.items()],
                width=12,
            ),
            cloudwatch.GraphWidget(title="Events that reached nobody", left=[lost], width=12),
        ],
    ]
