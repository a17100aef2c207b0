"""Each rule of the contract names the file, what was expected and what was found."""

from __future__ import annotations

import importlib
import sys

import pytest

import recipes
from trainyard.client.recipe import new_recipe, rules


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty recipe `mine`, the only one that there is."""
    monkeypatch.setattr(recipes, "__path__", [str(tmp_path)])
    new_recipe.new_empty("mine", folder=tmp_path)
    importlib.invalidate_caches()
    yield tmp_path / "mine"
    for name in [each for each in sys.modules if each.startswith("recipes.mine")]:
        del sys.modules[name]
    vars(recipes).pop("mine", None)


def test_files_that_are_missing(folder):
    for file in ("README.md", "serve.py"):
        (folder / file).unlink()
    first, second = rules.files_are_there("mine")
    assert first.startswith("README.md: expected it in")
    assert second.startswith("serve.py: expected it in")


def test_a_recipe_without_a_configuration(folder):
    (folder / "config.py").unlink()
    importlib.invalidate_caches()
    (sentence,) = rules.files_are_there("mine")
    assert sentence.startswith("config.py: expected it in")


def test_functions_that_are_missing_or_called_differently(folder):
    (folder / "score.py").write_text("def count(folder, config): ...\n", encoding="utf-8")
    docstring, parameters, missing = rules.modules_export_what_stages_call("mine")
    assert docstring.startswith("score.py: expected a first sentence")
    assert "expected count(tables, config), found count(folder, config)" in parameters
    assert missing.startswith("score.py: expected score, found none")


def test_a_configuration_that_needs_more_than_the_standard_library(folder):
    config = folder / "config.py"
    config.write_text("import numpy\n" + config.read_text().replace("from __future__ import annotations\n", ""))
    (sentence,) = rules.configuration_needs_the_standard_library_only("mine")
    assert "expected the standard library only, found numpy" in sentence


def test_a_module_beside_training_that_loads_a_framework(folder, tmp_path, monkeypatch):
    (tmp_path / "elsewhere" / "keras").mkdir(parents=True)
    (tmp_path / "elsewhere" / "keras" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path / "elsewhere")
    (folder / "features.py").write_text("import keras\n", encoding="utf-8")
    (sentence,) = rules.only_training_loads_a_framework("mine")
    assert "found keras" in sentence


@pytest.mark.parametrize(
    ("text", "changed", "sentence"),
    [
        ('unique=("id",)', 'unique=("key",)', "expected `unique` of rows to name its columns, found key"),
        ("validation_loss", "holdout_loss", "expected the objective of the search to be a validation metric"),
        ("bounded(0.2,", "bounded(0.7,", "data.holdout_fraction: expected a value from 0.01 to 0.5"),
        ("return (ROWS,)", "return ()", "expected a table in sources(config), found none"),
    ],
)
def test_a_configuration_that_is_not_sound(folder, text, changed, sentence):
    config = folder / "config.py"
    config.write_text(config.read_text().replace(text, changed))
    (found,) = rules.configuration_is_sound("mine")
    assert sentence in found


def test_truth_that_is_about_no_column_of_scores(folder):
    config = folder / "config.py"
    truth = "from trainyard.contract.truth import Truth\nTRUTH = Truth(key='nobody', predicted=('none',), label='id')\n"
    config.write_text(config.read_text(encoding="utf-8") + truth, encoding="utf-8")
    (folder / "truth.py").write_text('"""Judges."""\n\n\ndef judge(rows, config): ...\n', encoding="utf-8")
    unknown, parameters = rules.truth_is_about_scores("mine")
    assert "expected columns of SCORES in TRUTH, found nobody, none that are none" in unknown
    assert "expected judge(joined, config), found judge(rows, config)" in parameters
