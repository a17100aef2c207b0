"""Settings from `--set`, `--tune` and run.json are typed, merged and refused before anything is uploaded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trainyard.cli.dataset import settings
from trainyard.errors import BadRequest, ConfigError


def gather(*assignments: str, directory: Path | None = None, tune: bool = False) -> dict[str, object]:
    return settings.gather("prod2vec", directory, assignments=assignments, tune=tune)


def test_values_are_json_and_paths_nest() -> None:
    assert gather("hyperparameters.epochs=5", "hyperparameters.learning_rate=0.1", "seed=7", tune=True) == {
        "hyperparameters": {"epochs": 5, "learning_rate": 0.1},
        "seed": 7,
        "tune": True,
    }


def test_flags_go_over_the_file(tmp_path: Path) -> None:
    document = {"seed": 1, "hyperparameters": {"epochs": 3, "negatives": 4}}
    (tmp_path / "run.json").write_text(json.dumps(document), encoding="utf-8")
    assert gather("hyperparameters.epochs=9", directory=tmp_path) == {
        "seed": 1,
        "hyperparameters": {"epochs": 9, "negatives": 4},
    }


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("hyperparameters.epoch=5", "unknown setting"),
        ("hyperparameters.epochs=0", "expected a value from 1"),
        ("hyperparameters.epochs=many", "expected a whole number"),
        ("seed", "key=value"),
        ("a..b=1", "key=value"),
        ("=1", "key=value"),
    ],
)
def test_mistakes_are_refused_with_the_workflows_own_sentence(assignment: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        gather(assignment)


def test_a_setting_is_either_a_value_or_has_parts() -> None:
    with pytest.raises(ConfigError, match="one or the other"):
        gather("gate=1", "gate.confidence=0.9")
    with pytest.raises(ConfigError, match="one or the other"):
        gather("gate.confidence=0.9", "gate=1")


def test_a_broken_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{", encoding="utf-8")
    with pytest.raises(BadRequest, match="line 1"):
        gather(directory=tmp_path)


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("data.grid.node1=5", "data.grid.node1: expected a list of whole numbers, found 5."),
        ("data.grid.dropout1=high", "data.grid.dropout1: expected a list of numbers, found 'high'."),
        ("data.grid.optimizer=[1]", "data.grid.optimizer: expected a list of adam, rmsprop, found [1]."),
        ("data.drop=true", "data.drop: expected a list of texts, found True."),
    ],
)
def test_a_list_that_is_none_is_refused_in_words(assignment: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        settings.gather("propensity", None, assignments=[assignment], tune=False)
    assert str(refused.value) == said


def test_brackets_without_end_are_refused() -> None:
    with pytest.raises(ConfigError, match="expected JSON of at most 32 levels, found 9000 characters"):
        gather("seed=" + "[" * 9000)


def test_a_folder_in_place_of_the_file_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "run.json").mkdir()
    with pytest.raises(IsADirectoryError):
        gather(directory=tmp_path)
