"""Intervals in reliability diagrams are Wilson's, also of weighted rows; the pictures of curves take what they show."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from recipes.neural_topic_model.early_stopping import EarlyStopping, kept_epoch
from trainyard.contract import charts
from trainyard.contract.intervals import wilson
from trainyard.contract.tabular.probabilities import reliability_bins


@pytest.mark.parametrize(("ones", "rows"), [(0, 5), (3, 10), (50, 100), (999, 1000)])
def test_shares_have_the_interval_of_wilson(ones: int, rows: int) -> None:
    expected = binomtest(ones, rows).proportion_ci(method="wilson")
    low, high = wilson(np.asarray(ones / rows), np.asarray(rows))
    assert (float(low), float(high)) == pytest.approx((expected.low, expected.high), abs=1e-6)


@pytest.mark.parametrize("others_drawn", [1.0, 0.1])
def test_the_interval_of_a_group_holds_the_truth_also_of_a_sample_drawn_by_the_label(others_drawn: float) -> None:
    random = np.random.default_rng(0)
    probabilities = random.random(20_000) * 0.2
    labels = random.random(20_000) < probabilities
    drawn = labels | (random.random(20_000) < others_drawn)
    weights = np.where(labels, 1.0, 1.0 / others_drawn)
    bins = reliability_bins(probabilities[drawn], labels[drawn].astype(np.float64), weights=weights[drawn])
    assert all(each.low <= each.observed <= each.high for each in bins)
    assert sum(each.low <= each.predicted <= each.high for each in bins) >= 8
    assert max(each.high - each.low for each in bins) < 0.06


def test_a_group_without_a_one_has_an_interval_from_zero() -> None:
    bins = reliability_bins(np.linspace(0, 1, 50), np.zeros(50), weights=np.ones(50))
    assert all(each.low < 1e-9 < each.high < 1.0 for each in bins)


def test_the_epoch_that_training_kept_is_found_in_its_curves() -> None:
    losses = [5.0, 4.0, 1.0, 3.0, 2.0, 2.5, 2.6]
    stopping = EarlyStopping(epochs=6, patience=2)
    for loss in losses:
        stopping.add({"validation_loss": loss, "loss": 0.0})
    found = kept_epoch({"loss": [0.0] * len(losses), "validation_loss": losses}, epochs=6)
    assert found == stopping.best_epoch == 4


def test_series_of_one_panel_share_its_axes_and_the_kept_place_changes_the_picture() -> None:
    panels = {"loss": {"training": [3.0, 2.0, 1.0], "validation": [3.0, 2.5, 2.7]}, "quality": {"quality": [0.1, 0.2]}}
    plain = charts.curves(panels, x_label="epoch")
    marked = charts.curves(panels, x_label="epoch", kept={"loss": 2})
    assert plain.startswith(b"\x89PNG")
    assert plain != marked
    assert plain == charts.curves(panels, x_label="epoch")
