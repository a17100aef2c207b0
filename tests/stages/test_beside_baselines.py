"""Stage evaluate beside baselines: differences in pairs, on the examples that both were measured on."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from trainyard.contract.config import to_mapping
from trainyard.contract.evaluation import Evaluation, Reference
from trainyard.errors import JobFailed
from trainyard.run import recipe
from trainyard.run.model_archive import ModelCard
from trainyard.run.run import Run
from trainyard.stages.evaluate import per_example
from trainyard.stages.evaluate.evaluate import evaluate
from trainyard.stages.gate import decide

CONFIG = recipe.config("prod2vec")
PRIMARY = CONFIG.gate.primary
HITS = np.tile([1.0, 0.0, 1.0, 1.0], 100)


def compared(monkeypatch, tmp_path, references):
    """What the stage finds for a model that hits three in four, beside `references`."""
    own = Evaluation(metrics={PRIMARY: HITS.mean()}, examples=HITS)
    module = SimpleNamespace(CONFIG=CONFIG, evaluate=lambda *_, **__: own, references=lambda *_, **__: references)
    monkeypatch.setattr(recipe, "module", lambda *_: module)
    run = Run(
        recipe="prod2vec",
        run_id="r1",
        dataset="d",
        execution_arn="",
        raw_bucket="",
        artifacts_bucket="",
        fingerprint="",
        code_version="",
        files=(),
        config=to_mapping(CONFIG),
    )
    ModelCard(recipe="prod2vec", run_id="r1").write(tmp_path)
    return evaluate(run, tmp_path, challenger=tmp_path, champion=None, output=tmp_path)


def reference(examples, rows=None):
    return Reference(metrics={PRIMARY: float(examples.mean())}, examples=examples, rows=rows)


def test_each_difference_is_drawn_on_the_examples_that_both_were_measured_on(monkeypatch, tmp_path):
    some = np.arange(0, 400, 4)
    found = compared(
        monkeypatch,
        tmp_path,
        {
            "never": reference(np.zeros(400)),
            "some": reference(np.ones(100), rows=some),
            "better": reference(np.ones(400)),
            "without": Reference(metrics={"mrr": 0.5}),
        },
    )
    assert set(found.differences) == {"never", "some", "better"}
    assert found.differences["never"].value == 0.75
    # The model hits all of these four hundred's first in four, as the baseline does.
    assert found.differences["some"].value == found.differences["some"].high == 0.0
    assert found.differences["better"].high < 0
    decision = decide(found, CONFIG.gate)
    assert not decision.promote
    assert decision.standing == "worse than better"


def test_a_baseline_on_other_examples_is_a_fault(monkeypatch, tmp_path):
    with pytest.raises(JobFailed, match="the baseline short to be scored on the same 400 examples, found 3"):
        compared(monkeypatch, tmp_path, {"short": reference(np.ones(3))})


def test_the_rows_of_the_model_are_kept_with_the_digest_of_their_holdout(monkeypatch, tmp_path):
    (tmp_path / "holdout").mkdir()
    (tmp_path / "holdout" / "queries.parquet").write_bytes(b"queries")
    found = compared(monkeypatch, tmp_path, {})
    assert found.holdout == per_example.fingerprint(tmp_path / "holdout")
    kept = per_example.read((tmp_path / per_example.PER_EXAMPLE_FILE).read_bytes())
    assert np.array_equal(kept, HITS)
