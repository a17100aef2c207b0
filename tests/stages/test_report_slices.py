"""The report says how well the model does on parts of the held-out examples, from the scores that evaluate kept."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from recipes.prod2vec.config import CONFIG
from trainyard.contract.evaluation import Evaluation, mean
from trainyard.stages.evaluate import per_example
from trainyard.stages.report import slices
from trainyard.stages.report.slices import slice_sections, slices_of

SIZES = np.repeat([1.0, 2.0, 8.0, 30.0], 50)


@pytest.fixture
def evaluated(tmp_path: Path) -> Path:
    """Small baskets are answered well, large ones never."""
    hits = (SIZES < 8).astype(np.float64)
    found = Evaluation(metrics={"hit_rate_at_10": float(hits.mean())}, examples=hits)
    assert per_example.write(tmp_path, found, of=mean, metric="hit_rate_at_10")
    return tmp_path


def told_apart_by(monkeypatch: pytest.MonkeyPatch, **kinds: np.ndarray) -> None:
    module = SimpleNamespace(slices=lambda _holdout, *, config: kinds)
    monkeypatch.setattr(slices.recipe, "module", lambda *_: module)


def test_each_part_has_its_count_its_metric_and_an_interval(
    evaluated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told_apart_by(monkeypatch, size=SIZES)
    (section,) = slice_sections("prod2vec", CONFIG, holdout=tmp_path, evaluated=evaluated)
    rows = {row[0]: row[1:] for row in section.tables[0].rows}
    assert sum(int(row[0]) for row in rows.values()) == len(SIZES)
    assert rows["1"][:2] == (50, 1.0)
    assert rows["30"][:2] == (50, 0.0)
    assert all(low <= value <= high for _, value, low, high in rows.values())


def test_of_few_examples_nothing_is_said_but_how_many_they_are(
    evaluated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rare = np.where(np.arange(len(SIZES)) < 3, "rare", "frequent")
    told_apart_by(monkeypatch, kind=rare)
    (section,) = slice_sections("prod2vec", CONFIG, holdout=tmp_path, evaluated=evaluated)
    assert section.tables[0].rows[1] == ("rare", 3, None, None, None)


def test_without_scores_of_examples_there_is_no_section(tmp_path: Path) -> None:
    assert slice_sections("prod2vec", CONFIG, holdout=tmp_path, evaluated=tmp_path) == ()
    assert slice_sections("prod2vec", CONFIG, holdout=tmp_path, evaluated=None) == ()


@pytest.mark.parametrize(
    "values",
    [
        np.random.default_rng(0).normal(size=500),
        np.array([np.nan, 1.0, np.nan, 2.0]),
        np.full(7, np.nan),
        np.zeros(9),
        np.array(["", "x", "y", "x"]),
        np.array([f"label {each % 40}" for each in range(400)]),
    ],
)
def test_every_example_is_in_one_part(values: np.ndarray) -> None:
    found = slices_of(values)
    assert sorted(np.concatenate([each.rows for each in found]).tolist()) == list(range(len(values)))
    assert len({each.label for each in found}) == len(found) <= slices.MOST_LABELS + 1
    assert all(each.label for each in found)
