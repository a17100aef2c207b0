"""Shares, lift and cost by threshold are counted right, and what AUC depends on is all that resampling needs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipes.propensity.threshold_section import thresholds_section
from trainyard.contract.tabular.probabilities import auc, auc_of_places, places
from trainyard.contract.tabular.thresholds import MAX_POINTS, curve

# The others stand for three visits each.
PROBABILITIES = np.array([0.9, 0.2, 0.6, 0.6, 0.1])
LABELS = np.array([1.0, 1.0, 1.0, 0.0, 0.0])
WEIGHTS = np.array([1.0, 1.0, 1.0, 3.0, 3.0])


def test_shares_lift_and_cost_by_hand():
    found = curve(PROBABILITIES, LABELS, weights=WEIGHTS)
    assert found.thresholds.tolist() == [0.9, 0.6, 0.2, 0.1]
    assert found.called == pytest.approx([1 / 9, 5 / 9, 6 / 9, 1])
    assert found.recall == pytest.approx([1 / 3, 2 / 3, 1, 1])
    assert found.false_alarms == pytest.approx([0, 0.5, 0.5, 1])
    assert found.precision == pytest.approx([1, 2 / 5, 3 / 6, 3 / 9])
    assert found.lift == pytest.approx([3, 6 / 5, 3 / 2, 1])
    # Of nine visits, a missed sale costs two and a call in vain one.
    assert found.cost(2.0) == pytest.approx([4 / 9, 5 / 9, 3 / 9, 6 / 9])
    assert [found.at(share) for share in (0.0, 0.5, 0.6, 1.0)] == [0, 1, 2, 3]
    section = thresholds_section(found, 0.2)
    assert section.tables[1].rows[0] == pytest.approx([1.0, 0.9, 2 / 9, 3 / 9, 6 / 9])


def test_many_visits_become_few_points_that_end_with_everyone():
    random = np.random.default_rng(1)
    found = curve(random.random(5000), (random.random(5000) < 0.1).astype(float), weights=np.ones(5000))
    assert len(found.called) <= MAX_POINTS
    assert found.called[-1] == found.recall[-1] == found.false_alarms[-1] == 1


def test_visits_of_one_kind_have_a_curve():
    assert curve(PROBABILITIES, np.zeros(5), weights=WEIGHTS).recall.tolist() == [0, 0, 0, 0]
    assert curve(PROBABILITIES, np.ones(5), weights=WEIGHTS).false_alarms.tolist() == [0, 0, 0, 0]


@given(st.lists(st.tuples(st.integers(0, 8), st.booleans(), st.integers(0, 3)), min_size=1, max_size=30))
def test_places_give_the_area_under_the_curve_of_any_resampled_visits(visits):
    scores, labels, drawn = (np.array(each, dtype=float) for each in zip(*visits, strict=True))
    rows = np.repeat(np.arange(len(visits)), drawn.astype(int))
    above = np.subtract.outer(scores[rows][labels[rows] > 0], scores[rows][labels[rows] == 0])
    expected = ((above > 0) + (above == 0) / 2).mean() if above.size else 0.5
    assert auc_of_places(places(scores, labels)[rows]) == pytest.approx(expected)
    assert auc(scores, labels) == auc_of_places(places(scores, labels))
