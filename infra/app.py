"""The CDK app: `cdk deploy -c env=dev|prod` synthesizes the two stacks of an environment; runs where one deploys."""

from __future__ import annotations

import dataclasses
import os
import sys
from typing import Any

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from infra.data import DataStack
from infra.settings import Settings, settings
from infra.workflow import WorkflowStack
from trainyard.errors import ConfigError, TrainyardError
from trainyard.run.tracking import Mlflow
from trainyard.run.watch.capture import CaptureRules

DEFAULT_ENVIRONMENT = "dev"
CLI_CREDENTIALS = "cli-credentials"


def build(app: cdk.App) -> cdk.App:
    """Add the stacks that the app's context asks for.

    `env`, `api`, `settling_seconds`, `approval`, `capture`, `mlflow`, `alarm_email`, `webhook_url`, `laptop` for a
    cloud on this machine, and `synthesizer` where bootstrap roles are no use. Raises ConfigError for values that do not
    exist, and for an environment that may not be deployed as it is or where it would be.
    """
    chosen = _with_api(app, settings(app.node.try_get_context("env") or DEFAULT_ENVIRONMENT))
    chosen = _with_mlflow(app, _with_capture(app, chosen))
    chosen = _with_wheels(app, _on_laptop(app, _with_alarms(app, _with_settling(app, _with_approval(app, chosen)))))
    check(chosen, account=os.environ.get("CDK_DEFAULT_ACCOUNT"), region=os.environ.get("CDK_DEFAULT_REGION"))
    where = cdk.Environment(account=chosen.account, region=chosen.region)

    def stack_options() -> dict[str, Any]:
        return {"settings": chosen, "synthesizer": _synthesizer(app, prefix=chosen.prefix), "env": where}

    data = DataStack(app, f"{chosen.prefix}-data", **stack_options())
    workflow = WorkflowStack(app, f"{chosen.prefix}-workflow", data=data.data, **stack_options())
    workflow.add_stack_dependency(data)
    for name, value in chosen.tags.items():
        cdk.Tags.of(app).add(name, value)
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


def _with_approval(app: cdk.App, chosen: Settings) -> Settings:
    """The environment with approval asked for, or not, in this deployment, if the context says so."""
    wanted = app.node.try_get_context("approval")
    return chosen if wanted is None else dataclasses.replace(chosen, approval=str(wanted))


def _with_capture(app: cdk.App, chosen: Settings) -> Settings:
    """The environment keeping another share of requests in this deployment, if the context gives one."""
    wanted = app.node.try_get_context("capture")
    if wanted is None:
        return chosen
    try:
        share = float(wanted)
    except ValueError:
        raise ConfigError([f"Expected capture to be a share from 0 to 1 or not given, found {wanted!r}."]) from None
    return dataclasses.replace(chosen, capture=dataclasses.replace(chosen.capture or CaptureRules(), share=share))


def _with_mlflow(app: cdk.App, chosen: Settings) -> Settings:
    """The environment logging runs to another server of MLflow's in this deployment, if the context gives one."""
    wanted = app.node.try_get_context("mlflow")
    return chosen if wanted is None else dataclasses.replace(chosen, mlflow=Mlflow(uri=str(wanted)))


def _with_settling(app: cdk.App, chosen: Settings) -> Settings:
    """The environment with another settling time for this deployment, if the context gives one."""
    wanted = app.node.try_get_context("settling_seconds")
    if wanted is None:
        return chosen
    if not str(wanted).isdecimal():
        raise ConfigError([f"Expected settling_seconds to be a whole number or not given, found {wanted!r}."])
    return dataclasses.replace(chosen, settling_seconds=int(wanted))


def _with_alarms(app: cdk.App, chosen: Settings) -> Settings:
    """The environment with other addresses for messages, if the context gives any."""
    email, webhook = (app.node.try_get_context(each) for each in ("alarm_email", "webhook_url"))
    return dataclasses.replace(
        chosen,
        alarm_email=chosen.alarm_email if email is None else str(email),
        webhook_url=chosen.webhook_url if webhook is None else str(webhook),
    )


def _on_laptop(app: cdk.App, chosen: Settings) -> Settings:
    """The environment on a laptop: whoever uses it looks on, it is no account, and its jobs use installed packages.

    Nobody there shows messages in chat, which only a service of AWS does.
    """
    wanted = str(app.node.try_get_context("laptop") or "false").lower()
    if wanted not in {"true", "false"}:
        raise ConfigError([f"Expected laptop to be true, false or not given, found {wanted!r}."])
    if wanted == "false":
        return chosen
    return dataclasses.replace(
        chosen, must_tell=False, account=None, region=None, glue_wheels=False, slack=None, teams=None, gpu=False
    )


def _with_wheels(app: cdk.App, chosen: Settings) -> Settings:
    """The environment without a zip of wheels for a deployment with the caller's credentials.

    Its key needs an ending of its own, which only the CDK's ordinary synthesizer lets us give.
    """
    return dataclasses.replace(chosen, glue_wheels=chosen.glue_wheels and not _by_caller(app))


def check(chosen: Settings, *, account: str | None, region: str | None) -> None:
    """Raise ConfigError for an environment without anybody to tell, and for any place but the one it is pinned to.

    `account` and `region` are those of whoever deploys, None where the CDK could not find them out.
    """
    problems = []
    if chosen.must_tell and not chosen.tells:
        problems.append(
            f"Environment {chosen.name} needs somebody who hears of failures: set alarm_email, slack, teams or "
            "webhook_url in infra/settings.py, or pass -c alarm_email=you@example.com."
        )
    for kind, pinned, found in (("account", chosen.account, account), ("region", chosen.region, region)):
        if pinned and found and pinned != found:
            problems.append(
                f"Environment {chosen.name} belongs to {kind} {pinned}, found {found}: use the credentials and the "
                "region that belong to it, or change infra/settings.py."
            )
    if problems:
        raise ConfigError(problems)


def _synthesizer(app: cdk.App, *, prefix: str) -> cdk.StackSynthesizer:
    """Deploy with the bootstrap's roles, or with the caller's own credentials.

    Bucket and repository of the bootstrap are shared by an account's apps: keys and tags of ours begin with `prefix`.
    """
    ours: dict[str, Any] = {"bucket_prefix": f"{prefix}/", "docker_tag_prefix": f"{prefix}-"}
    return cdk.CliCredentialsStackSynthesizer(**ours) if _by_caller(app) else cdk.DefaultStackSynthesizer(**ours)


def _by_caller(app: cdk.App) -> bool:
    wanted = app.node.try_get_context("synthesizer")
    if wanted not in (None, CLI_CREDENTIALS):
        raise ConfigError([f"Expected synthesizer to be {CLI_CREDENTIALS} or not given, found {wanted!r}."])
    return wanted is not None


if __name__ == "__main__":
    try:
        build(cdk.App()).synth()
    except TrainyardError as error:
        sys.exit(str(error))
