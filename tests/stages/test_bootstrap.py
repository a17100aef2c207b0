"""Bootstrap intervals cover the truth as often as they promise, and noise has zero inside."""

from __future__ import annotations

import numpy as np
import pytest

from trainyard.contract.evaluation import OfCounts
from trainyard.stages.evaluate.bootstrap import interval, paired_difference

TRIALS = 200


def coverage(sample, truth, **options):
    covered = 0
    for trial in range(TRIALS):
        low, high = interval(sample(np.random.default_rng(trial)), resamples=400, seed=trial, **options)
        covered += low <= truth <= high
    return covered / TRIALS


def test_intervals_of_a_share_cover_the_truth_as_often_as_promised():
    def hits(random):
        return (random.random(300) < 0.2).astype(float)

    assert coverage(hits, 0.2) == pytest.approx(0.95, abs=0.04)
    assert coverage(hits, 0.2, confidence=0.8) == pytest.approx(0.8, abs=0.06)


def test_intervals_of_a_mean_of_many_values_cover_the_truth():
    assert coverage(lambda random: random.exponential(2.0, 200), 2.0) == pytest.approx(0.95, abs=0.05)


def test_intervals_of_another_statistic_cover_the_truth():
    def median(rows):
        return float(np.median(rows[:, 0]))

    def rows(random):
        return random.normal(1.0, 1.0, (150, 2))

    assert coverage(rows, 1.0, statistic=median) == pytest.approx(0.95, abs=0.05)


def test_the_fast_mean_agrees_with_the_plain_bootstrap():
    values = np.random.default_rng(0).normal(size=500)
    few = values.round()
    for sample in (values, few):
        fast = interval(sample, resamples=20_000, seed=1)
        plain = interval(sample, statistic=lambda rows: float(rows.mean()), resamples=20_000, seed=2)
        assert fast == pytest.approx(plain, abs=0.01)


def test_counting_distinct_rows_agrees_with_drawing_each():
    random = np.random.default_rng(6)
    truth = random.integers(0, 3, 600)
    first, second = (
        np.stack([truth, np.where(random.random(600) < share, truth, random.integers(0, 3, 600))], axis=1)
        for share in (0.8, 0.7)
    )

    def squared_share(rows, counts):
        return float((counts * (rows[:, 0] == rows[:, 1])).sum() / counts.sum()) ** 2

    def plain(rows):
        return squared_share(rows, np.ones(len(rows)))

    fast = OfCounts(squared_share)
    assert fast(first) == plain(first)
    found = interval(first, statistic=fast, resamples=4000, seed=1)
    assert found == pytest.approx(interval(first, statistic=plain, resamples=4000, seed=2), abs=0.006)
    one, other = (paired_difference(first, second, statistic=each, resamples=4000, seed=3) for each in (fast, plain))
    assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high), abs=0.006)


def test_two_equal_models_differ_by_nothing_and_noise_has_zero_inside():
    random = np.random.default_rng(3)
    truth = random.random(2000) < 0.3
    assert paired_difference(truth, truth, seed=1).value == 0
    missed = 0
    for trial in range(100):
        random = np.random.default_rng(trial)
        first, second = (np.where(random.random(500) < 0.1, random.random(500) < 0.3, 0.0) for _ in range(2))
        found = paired_difference(first, second, resamples=300, seed=trial)
        missed += not found.low <= 0 <= found.high
    assert missed <= 12


def test_pairing_sees_a_difference_that_unpaired_intervals_hide():
    random = np.random.default_rng(4)
    easy = (random.random(3000) < 0.3).astype(float)
    better = np.where((easy == 0) & (random.random(3000) < 0.012), 1.0, easy)
    found = paired_difference(better, easy, seed=1)
    assert found.low > 0
    assert found.value == pytest.approx(better.mean() - easy.mean())
    assert interval(better)[0] < easy.mean() < better.mean() < interval(easy)[1]


def test_a_paired_statistic_of_rows_uses_the_same_examples_for_both():
    random = np.random.default_rng(5)
    first = random.normal(size=(400, 2))
    found = paired_difference(first + 0.25, first, statistic=lambda rows: float(rows.max()), resamples=200, seed=1)
    assert (found.value, found.low, found.high) == pytest.approx((0.25, 0.25, 0.25))


def test_a_seed_repeats_and_shapes_are_checked():
    values = np.random.default_rng(0).normal(size=100)
    assert interval(values, seed=5) == interval(values, seed=5)
    assert interval(values, seed=5) != interval(values, seed=6)
    with pytest.raises(ValueError, match="at least one example"):
        interval(np.array([]))
    with pytest.raises(ValueError, match="found 3 and 2"):
        paired_difference(np.zeros(3), np.zeros(2))
