"""A shell completes recipes, settings and executions."""

from __future__ import annotations

import pytest

from tests.cli.story import FakeStepFunctions, Story
from trainyard.cli.command import target
from trainyard.cli.main import main
from trainyard.client.deployment import Deployment
from trainyard.errors import NotFound


def completed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: str) -> list[str]:
    """What bash is offered for the last of the words."""
    monkeypatch.setenv("_TRAINYARD_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split(" ")) - 1))
    assert main([]) == 0
    return capsys.readouterr().out.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("trainyard sample pro", ["prod2vec", "propensity"]),
        ("trainyard executions --recipe two", ["two_tower"]),
        ("trainyard run prod2vec --set hyperparameters.ep", ["hyperparameters.epochs="]),
        ("trainyard rerun --set hyperparameters.ep", []),
        ("trainyard recipes nonsense", []),
    ],
)
def test_recipes_and_their_settings(
    words: str, offered: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert completed(monkeypatch, capsys, words) == offered


def test_executions(
    deployment: Deployment,
    step_functions: FakeStepFunctions,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(target, "deployed", lambda **_: deployment)
    for name in ("first", "second", "fourth"):
        step_functions.put(name, Story())
    assert sorted(completed(monkeypatch, capsys, "trainyard show f")) == ["first", "fourth"]


def test_nothing_is_offered_and_nothing_said_where_there_is_no_deployment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(**_: object) -> None:
        raise NotFound("none")

    monkeypatch.setattr(target, "deployed", missing)
    assert completed(monkeypatch, capsys, "trainyard show f") == []
    assert capsys.readouterr().err == ""
