"""The card of a model in the terminal: for people, and in SageMaker's schema."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.cli.story import FakeStepFunctions, Story
from tests.cli.test_truth import found
from tests.stages.test_model_card import KNOWN, RUN
from trainyard.cli.command import target
from trainyard.cli.main import main
from trainyard.client.deployment import Deployment
from trainyard.client.yard import Yard
from trainyard.pages.formats import moment
from trainyard.run.naming import began
from trainyard.run.watch.observed import ObservedQuality
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


def put(deployment: Deployment, key: str, text: str) -> None:
    deployment.target.client("s3").put_object(Bucket="artifacts-bucket", Key=key, Body=text.encode())


def told(dataset: str, told_by: str, *, model: str = "prod2vec") -> ObservedQuality:
    """What labels say of the version of the card, and of another one."""
    document = found(told_by, dataset)
    other, own = document.models
    return replace(document, recipe="prod2vec", model=model, models=(other, replace(own, run_id=RUN.run_id)))


def test_what_became_true_of_the_version_stands_beside_the_card_and_when_that_was_told(
    deployed: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    card = model_card(KNOWN)
    put(deployed, "prod2vec/r1/gate/model_card.json", card)
    put(deployed, "prod2vec/r1/resolve/request.json", RUN.to_json())
    assert Yard(deployed).find("e1").truth == []
    earlier, later = "20261130-080000-cccccccc", "20261205-080000-dddddddd"
    documents = [
        told("november", earlier),
        told("december", later),
        told("january", later, model="prod2vec--of-others"),
        replace(told("of another version", later), models=found().models),
    ]
    for each in documents:
        put(deployed, f"truth/prod2vec/model={each.model}/dataset={each.dataset}/{each.FILE}", each.to_json())
    put(deployed, "truth/prod2vec/model=prod2vec/dataset=november/rows.parquet", "no document")
    assert main(["card", "e1"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    as_of = f"data set november as of {moment(began(earlier))}, "
    assert f"{as_of}worse than promised: auc 0.75 (0.73 to 0.77) by 1,740 labels" in shown
    assert shown.index("data set december") < shown.index("data set november") < shown.index("Where it comes from")
    assert "january" not in shown
    assert "another version" not in shown
    assert main(["card", "e1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(card)
    run = Yard(deployed).find("e1")
    assert [(each.dataset, each.told) for each in run.truth] == [
        ("december", began(later)),
        ("november", began(earlier)),
    ]
    assert run.card == json.loads(card)
