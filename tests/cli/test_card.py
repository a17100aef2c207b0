"""The card of a model in the terminal: for people, and in SageMaker's schema."""

from __future__ import annotations

import json

import pytest

from tests.cli.story import FakeStepFunctions, Story
from tests.stages.test_model_card import KNOWN
from trainyard.cli.command import target
from trainyard.cli.main import main
from trainyard.client.deployment import Deployment
from trainyard.stages.model_card import model_card


@pytest.fixture
def deployed(deployment: Deployment, step_functions: FakeStepFunctions, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """With one execution that trains."""
    monkeypatch.setattr(target, "deployed", lambda **_: deployment)
    story = Story()
    story.resolved(
        {"outcome": "train", "reason": "all are there", "run_id": "r1", "prefix": "prod2vec/r1", "dataset": "d"}
    )
    step_functions.put("e1", story, input="{}")
    return deployment


@pytest.mark.usefixtures("deployed")
def test_a_run_without_a_card_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["card", "e1"]) == 4
    assert "the gate writes it" in " ".join(capsys.readouterr().err.split())


def test_the_card_is_shown_and_printed_as_the_registry_has_it(
    deployed: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    written = model_card(KNOWN)
    key = "prod2vec/r1/gate/model_card.json"
    deployed.target.client("s3").put_object(Bucket="artifacts-bucket", Key=key, Body=written.encode())
    assert main(["card", "e1"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for text in (
        "What it is for",
        KNOWN.config.card.purpose[:30],
        "EASE hit_rate_at_10 0.2 this model is better than it",
    ):
        assert text in shown
    assert main(["card", "e1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(written)
