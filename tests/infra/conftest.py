"""Both environments, synthesized once; one worker runs all of these tests, so that it happens only once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.aws_logs import RetentionDays

from infra.app import build
from infra.channels import SlackChannel, TeamsChannel
from infra.schedules import RecipeSchedule
from infra.settings import ENVIRONMENTS, DatabaseNetwork, Settings
from tests.infra.templates import Deployment, Stack
from trainyard.contract.config import Schedule
from trainyard.run.tracking import Mlflow
from trainyard.run.watch.capture import CaptureRules

ROOT = Path(__file__).resolve().parents[2]
MLFLOW_APP = "arn:aws:sagemaker:us-east-1:111122223333:mlflow-app/app-ABC"
UUID = "01234567-89ab-cdef-0123-456789abcdef"
Synthesize = Callable[..., Deployment]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("infra"))


@pytest.fixture(scope="session")
def synthesize(tmp_path_factory: pytest.TempPathFactory) -> Synthesize:
    """Synthesize with the repository's own context and what is given; what the CDK CLI does, without starting it."""

    def _synthesize(environment: str = "dev", **context: Any) -> Deployment:
        context = {"alarm_email": "people@example.com"} | context if environment == "prod" else context
        given = json.loads((ROOT / "cdk.json").read_text())["context"] | {"env": environment} | context
        out = tmp_path_factory.mktemp(f"cdk-{environment}")
        with pytest.MonkeyPatch.context() as patch:
            # Wheels are 145 MB; what is packed is tested by itself.
            patch.setattr("infra.wheels.pack", lambda archive: archive.write_bytes(b"wheels"))
            build(cdk.App(outdir=str(out), context=given, analytics_reporting=False)).synth()
        read = {
            name: json.loads((out / f"trainyard-{environment}-{name}.template.json").read_text())
            for name in ("data", "workflow")
        }
        data = Stack(read["data"])
        return Deployment(environment, str(out), data, Stack(read["workflow"], [data]))

    return _synthesize


@pytest.fixture(scope="session")
def dev(synthesize: Synthesize) -> Deployment:
    """As a laptop deploys it; prod is what goes to an account."""
    return synthesize("dev", laptop="true")


@pytest.fixture(scope="session")
def prod(synthesize: Synthesize) -> Deployment:
    return synthesize("prod")


@pytest.fixture(scope="session")
def full(synthesize: Synthesize) -> Deployment:
    """An environment with everything that can be set, in an account of its own."""
    settings = Settings(
        name="full",
        alarm_email="people@example.com",
        database=DatabaseNetwork(
            subnet_id="subnet-0123456789abcdef0",
            availability_zone="us-east-1a",
            security_group_id="sg-0123456789abcdef0",
        ),
        run_schedules=True,
        schedules=(
            RecipeSchedule(
                name="shop-north",
                recipe="prod2vec",
                schedule=Schedule(expression="cron(0 3 ? * MON *)", dataset="north", overrides={"model": "shop-north"}),
            ),
            RecipeSchedule(
                name="scores",
                recipe="headline_classifier",
                schedule=Schedule(expression="rate(1 hour)", dataset="today", task="score", folder="score"),
                enabled=False,
            ),
            RecipeSchedule(
                name="drift", recipe="propensity", schedule=Schedule(expression="rate(1 day)", task="check_drift")
            ),
        ),
        account="111122223333",
        region="us-east-1",
        alarm_url="https://hooks.example.com/alarms",
        slack=SlackChannel(workspace_id="T0123456789", channel_id="C0123456789"),
        teams=TeamsChannel(tenant_id=UUID, team_id=UUID, channel_id="19%3a0123456789abcdef%40thread.tacv2"),
        webhook_url="https://hooks.example.com/trainyard",
        monthly_budget_usd=200,
        cost_tags={"cost-center": "4711"},
        gpu=True,
        customer_key=True,
        keep_intermediates_days=60,
        log_retention=RetentionDays.THREE_MONTHS,
        capture=CaptureRules(share=0.1, never_kept=("email",), id_fields=("user_id",), retention_days=14),
        mlflow=Mlflow(uri=MLFLOW_APP, secret="mlflow-login", artifact_store="s3://team-runs/trainyard"),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ENVIRONMENTS, "full", settings)
        return synthesize("full")


@pytest.fixture(scope="session", params=["dev", "prod"])
def deployment(request: pytest.FixtureRequest) -> Deployment:
    """Each environment in turn."""
    return request.getfixturevalue(request.param)
