"""Both environments, synthesized once; one worker runs all of these tests, so that it happens only once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from infra.app import build
from tests.infra.templates import Deployment, Stack

ROOT = Path(__file__).resolve().parents[2]
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


@pytest.fixture(scope="session", params=["dev", "prod"])
def deployment(request: pytest.FixtureRequest) -> Deployment:
    """Each environment in turn."""
    return request.getfixturevalue(request.param)
