"""A run of a recipe's sample says which promise each of its modules breaks."""

from __future__ import annotations

import importlib
import sys

import pytest

import recipes
from tests.recipes import tabular_table
from trainyard.client.recipe import new_recipe
from trainyard.client.recipe.check_recipe import check_recipe
from trainyard.client.recipe.columns import understand
from trainyard.client.recipe.profile import profile
from trainyard.client.recipe.sample_run import SampleRun
from trainyard.run import recipe

# By module of the recipe that stands before the shared one, what is put after `from shared import *`, and the sentence.
BROKEN = {
    "train": (
        "def train(channels, model_dir, *, checkpoints, config):\n"
        "    shared.train(channels, model_dir, checkpoints=checkpoints, config=config)\n"
        "    return {'validation_auc': float('nan')}\n",
        "train.py: expected validation_loss among the metrics, found validation_auc.",
    ),
    "evaluate": (
        "import random\n"
        "def evaluate(model_dir, holdout, *, config):\n"
        "    found = shared.evaluate(model_dir, holdout, config=config)\n"
        "    return replace(found, metrics={**found.metrics, 'negative_rmse': random.random()})\n"
        "def references(channels, holdout, *, config): return {}\n",
        "evaluate.py: expected two evaluations of one model to be equal, found others; seed what is drawn.",
    ),
    "report": ("def report(inputs, outputs, *, config): return []\n", "report.py: expected a list of Sections"),
    "serve": (
        "class Predictor(shared.Predictor):\n"
        "    def routes(self): return super().routes()[1:]\n"
        "    def predict(self, rows): return super().predict(rows)[1:]\n"
        "def load(model_dir): return Predictor(shared.load_trained(model_dir))\n",
        "serve.py: expected /invocations as the first route, found /predictions.",
    ),
    "score": ("def count(tables, config): return 7\n", "score.py: expected as many rows as count() says, found 300."),
}


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """A recipe for a table, with a module of its own for each of `BROKEN`."""
    monkeypatch.setattr(recipes, "__path__", [str(tmp_path)])
    tabular_table.write(tmp_path / "customers.csv", "revenue", rows=300)
    found = understand(profile(tmp_path / "customers.csv"), target="revenue")
    new_recipe.new_tabular("mine", found, folder=tmp_path)
    for name, (text, _) in BROKEN.items():
        shared = f"trainyard.contract.tabular.{name}"
        head = f"from dataclasses import replace\nimport {shared} as shared\nfrom {shared} import *\n"
        (tmp_path / "mine" / f"{name}.py").write_text(head + text, encoding="utf-8")
    importlib.invalidate_caches()
    yield "mine"
    for name in [each for each in sys.modules if each.startswith("recipes.mine")]:
        del sys.modules[name]
    vars(recipes).pop("mine", None)


def test_each_step_names_what_is_broken(broken, tmp_path):
    run = SampleRun(name=broken, config=recipe.config(broken), root=tmp_path / "run", size=300)
    said = {step.__name__: list(step()) for step in run.steps}
    assert (said["ingest"], said["process"]) == ([], [])
    for name, (_, sentence) in BROKEN.items():
        assert any(each.startswith(sentence) for each in said[name]), said[name]
    assert "train.py: train(): expected a number in validation_auc, found nan." in said["train"]
    assert any("to be the statistic of its examples" in each for each in said["evaluate"])
    assert any(each.startswith("metrics.py: expected STATISTICS") for each in said["evaluate"])
    assert any("expected a baseline with examples" in each for each in said["evaluate"])
    assert any("expected an answer for each example row, found 1 for 2" in each for each in said["serve"])


def test_what_its_code_ends_with_is_told_by_its_own_line(broken, tmp_path, monkeypatch):
    monkeypatch.setattr("trainyard.client.recipe.rules.RULES", ())
    (tmp_path / "mine" / "process.py").write_text(
        '"""Fails."""\nimport numpy as np\n\ndef process(inputs, outputs, *, config):\n    np.load(inputs / "no.npy")\n'
    )
    (problem,) = check_recipe(broken, size=300, settings={}, tell=lambda _: None)
    assert problem.startswith("process.py, line 5, in process: expected it to run, found FileNotFoundError: ")
