"""The CDK app: `cdk deploy -c env=dev|prod` synthesizes the two stacks of an environment; runs where one deploys."""

from __future__ import annotations

import dataclasses
import sys

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from infra.data import DataStack
from infra.settings import PROJECT, Settings, settings
from infra.workflow import WorkflowStack
from trainyard.errors import ConfigError

DEFAULT_ENVIRONMENT = "dev"
CLI_CREDENTIALS = "cli-credentials"


def build(app: cdk.App) -> cdk.App:
    """Add the stacks that the app's context asks for.

    `env`, `api`, `settling_seconds`, and `synthesizer` where bootstrap roles are no use. Raises ConfigError for values
    that do not exist.
    """
    chosen = _with_api(app, settings(app.node.try_get_context("env") or DEFAULT_ENVIRONMENT))
    chosen = _with_settling(app, chosen)
    data = DataStack(app, f"{chosen.prefix}-data", settings=chosen, synthesizer=_synthesizer(app))
    workflow = WorkflowStack(
        app, f"{chosen.prefix}-workflow", settings=chosen, data=data.data, synthesizer=_synthesizer(app)
    )
    workflow.add_stack_dependency(data)
    cdk.Tags.of(app).add("project", PROJECT)
    cdk.Tags.of(app).add("environment", chosen.name)
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    return app


def _with_api(app: cdk.App, chosen: Settings) -> Settings:
    """The environment with the HTTP API switched on or off for this deployment, if the context says so."""
    wanted = app.node.try_get_context("api")
    if wanted is None:
        return chosen
    if str(wanted).lower() not in {"true", "false"}:
        raise ConfigError([f"Expected api to be true, false or not given, found {wanted!r}."])
    return dataclasses.replace(chosen, api=str(wanted).lower() == "true")


def _with_settling(app: cdk.App, chosen: Settings) -> Settings:
    """The environment with another settling time for this deployment, if the context gives one."""
    wanted = app.node.try_get_context("settling_seconds")
    if wanted is None:
        return chosen
    if not str(wanted).isdecimal():
        raise ConfigError([f"Expected settling_seconds to be a whole number or not given, found {wanted!r}."])
    return dataclasses.replace(chosen, settling_seconds=int(wanted))


def _synthesizer(app: cdk.App) -> cdk.IStackSynthesizer:
    """Deploy with the bootstrap's roles, or with the caller's own credentials; the resources are the same."""
    wanted = app.node.try_get_context("synthesizer")
    if wanted not in (None, CLI_CREDENTIALS):
        raise ConfigError([f"Expected synthesizer to be {CLI_CREDENTIALS} or not given, found {wanted!r}."])
    return cdk.CliCredentialsStackSynthesizer() if wanted else cdk.DefaultStackSynthesizer()


if __name__ == "__main__":
    try:
        build(cdk.App()).synth()
    except ConfigError as error:
        sys.exit(str(error))
