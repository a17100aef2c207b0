"""Every folder in `recipes/` keeps the contract of docs/recipes.md; folders are discovered, there is no list.

The rules are those of `trainyard check-recipe`; what takes a running service is only here.

A recipe may bring `tests/recipes/<recipe>/contract.py` with `SIZE` (lines of the sample), `CHANGES` (to its
configuration, to be quick), `requests(model_dir) -> rows` that its `serve.py` can answer,
`evaluated(model_dir, holdout) -> (rows, answers)`: what evaluation computes, as the service says it, and
`served_as(rows, model_dir, tables)` -> scored rows in the terms of the service's answers, and these answers.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.recipes.bulk import check_scoring
from tests.recipes.captured import check_captured
from tests.recipes.service import check_service
from trainyard.client.recipe import rules
from trainyard.client.recipe.sample_run import SampleRun
from trainyard.run import recipe as recipes

ROOT = Path(__file__).parents[2]

every_recipe = pytest.mark.parametrize("name", recipes.names())


@every_recipe
@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_the_recipe_keeps_the_rules(name, rule):
    assert list(rule(name)) == []


def contract_of(name):
    """What the recipe's own tests say about a quick run."""
    module = f"tests.recipes.{name}.contract"
    present = (ROOT / "tests" / "recipes" / name / "contract.py").is_file()
    found = importlib.import_module(module) if present else None
    return SimpleNamespace(
        size=getattr(found, "SIZE", 2000),
        changes=getattr(found, "CHANGES", {}),
        requests=getattr(found, "requests", lambda _model_dir: []),
        evaluated=getattr(found, "evaluated", lambda _model_dir, _holdout: ([], [])),
    )


@every_recipe
def test_a_run_from_sample_to_served_answers(name, tmp_path):
    """One walk, because each stage eats what the one before it wrote."""
    pytest.importorskip("tensorflow")
    contract = contract_of(name)
    config = recipes.config(name, contract.changes)
    run = SampleRun(name=name, config=config, root=tmp_path, size=contract.size)
    for step in run.steps:
        assert list(step()) == [], step.__name__

    serve = recipes.module(name, "serve")
    requests = contract.requests(run.model_dir)
    answers = serve.load(run.model_dir).predict(requests)
    assert len(answers) == len(requests)
    assert serve.load(run.model_dir).predict(requests) == answers
    json.dumps(answers, allow_nan=False)

    check_service(name, run.model_dir, contract.evaluated(run.model_dir, run.holdout))
    check_scoring(name, tmp_path / "raw", run.model_dir, tmp_path, config)
    if requests:
        check_captured(name, (requests, answers), model_dir=run.model_dir, root=tmp_path, config=config)
