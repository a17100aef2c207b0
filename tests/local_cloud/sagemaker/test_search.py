"""The search behind tuning jobs: scales, strategies, warm start, early stopping."""

from __future__ import annotations

import math
import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_cloud.sagemaker.api.errors import ServiceError
from local_cloud.sagemaker.tuning.ranges import grid_size, ranges
from local_cloud.sagemaker.tuning.search import Search, worse_than_median


def continuous(name: str, low: float, high: float, scale: str = "Linear") -> dict[str, str]:
    return {"Name": name, "MinValue": str(low), "MaxValue": str(high), "ScalingType": scale}


def config(strategy: str = "Bayesian", kind: str = "Minimize", **ranges: Any) -> dict[str, Any]:
    return {
        "Strategy": strategy,
        "HyperParameterTuningJobObjective": {"Type": kind, "MetricName": "m"},
        "ParameterRanges": ranges,
    }


def best_of(strategy: str, *, seed: int, budget: int = 30) -> float:
    """The smallest value of a known quadratic, best at x=0.3, math.log10(y)=-2, that a search finds."""
    both = [continuous("x", 0, 1), continuous("y", 1e-4, 1, "Logarithmic")]
    search = Search(config(strategy, ContinuousParameterRanges=both), budget=budget, seed=seed)
    found = []
    for _ in range(budget):
        trial, given = search.ask()
        value = (float(given["x"]) - 0.3) ** 2 + (math.log10(float(given["y"])) + 2) ** 2
        search.tell(trial, value, stopped=False)
        found.append(value)
    return min(found)


def test_bayesian_search_beats_random_search_on_a_known_quadratic() -> None:
    bayesian = [best_of("Bayesian", seed=seed) for seed in range(10)]
    random = [best_of("Random", seed=seed) for seed in range(10)]
    assert statistics.median(bayesian) < 0.5 * statistics.median(random)


def test_equal_seeds_give_equal_draws() -> None:
    assert best_of("Bayesian", seed=4) == best_of("Bayesian", seed=4)


def draws(low: float, high: float, scale: str, number: int = 200) -> list[float]:
    search = Search(
        config("Random", ContinuousParameterRanges=[continuous("x", low, high, scale)]), budget=number, seed=1
    )
    return [float(search.ask()[1]["x"]) for _ in range(number)]


def test_scales_put_half_of_the_draws_where_they_should() -> None:
    assert statistics.median(draws(1e-4, 1, "Linear")) == pytest.approx(0.5, abs=0.1)
    assert statistics.median(draws(1e-4, 1, "Logarithmic")) == pytest.approx(1e-2, rel=0.6)
    assert 1 - statistics.median(draws(0.0, 0.9999, "ReverseLogarithmic")) == pytest.approx(1e-2, rel=0.6)
    assert statistics.median(draws(1e-4, 1, "Auto")) < 0.05
    assert statistics.median(draws(0.1, 1, "Auto")) > 0.3


@given(low=st.floats(0, 0.9), width=st.floats(0, 0.09), scale=st.sampled_from(["Linear", "ReverseLogarithmic"]))
def test_draws_stay_inside_their_range(low: float, width: float, scale: str) -> None:
    for value in draws(low, low + width, scale, number=5):
        assert low - 1e-9 <= value <= low + width + 1e-9


@pytest.mark.parametrize(
    "wrong",
    [
        {"ContinuousParameterRanges": [continuous("x", 2, 1)]},
        {"ContinuousParameterRanges": [continuous("x", 0, 1, "Logarithmic")]},
        {"ContinuousParameterRanges": [continuous("x", 0, 1, "ReverseLogarithmic")]},
        {"ContinuousParameterRanges": [continuous("x", 0, 1), continuous("x", 0, 1)]},
        {"IntegerParameterRanges": [{"Name": "n", "MinValue": "1.5", "MaxValue": "3"}]},
        {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "nan", "MaxValue": "3"}]},
        {},
    ],
)
def test_impossible_ranges_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ServiceError):
        ranges(wrong)


def test_grid_visits_every_combination_once() -> None:
    values = [{"Name": "a", "Values": ["x", "y"]}, {"Name": "b", "Values": ["1", "2", "3"]}]
    search = Search(config("Grid", CategoricalParameterRanges=values), budget=6, seed=0)
    assert grid_size(search.ranges) == 6
    seen = set()
    for _ in range(6):
        trial, given = search.ask()
        seen.add((given["a"], given["b"]))
        search.tell(trial, 0.0, stopped=False)
    assert len(seen) == 6


def test_hyperband_ends_bad_trials_and_no_good_one() -> None:
    settings = config("Hyperband", ContinuousParameterRanges=[continuous("x", 0, 1)])
    settings["StrategyConfig"] = {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 9}}
    search = Search(settings, budget=30, seed=0)
    ended = {True: 0, False: 0}
    for number in range(30):
        trial, _given = search.ask()
        bad = number % 3 > 0
        values: list[float] = []
        for step in range(1, 10):
            values.append(10.0 + number if bad else 1.0 / step)
            if search.report(trial, values, known=len(values) - 1):
                ended[bad] += 1
                search.tell(trial, values[-1], stopped=True)
                break
        else:
            search.tell(trial, values[-1], stopped=False)
    assert ended[True] >= 5
    assert ended[False] <= 1


def test_a_search_that_learnt_from_parents_starts_near_their_best() -> None:
    def first_draws(*, warm: bool) -> float:
        search = Search(config(ContinuousParameterRanges=[continuous("x", 0, 1)]), budget=12, seed=3)
        if warm:
            for step in range(40):
                assert search.learn({"x": str(step / 40)}, (step / 40 - 0.7) ** 2)
            assert not search.learn({"x": "2"}, 0.0)
            assert not search.learn({"other": "0.5"}, 0.0)
        return statistics.fmean(abs(float(search.ask()[1]["x"]) - 0.7) for _ in range(3))

    assert first_draws(warm=True) < 0.15 < first_draws(warm=False)


def test_the_median_rule_compares_with_running_averages_of_finished_jobs() -> None:
    others = [[1.0, 2.0, 3.0], [2.0, 2.0, 2.0], [3.0, 2.0, 1.0]]
    assert worse_than_median([0.0, 1.9], others, maximize=True)
    assert not worse_than_median([0.0, 2.1], others, maximize=True)
    assert worse_than_median([0.0, 2.1], others, maximize=False)
    assert not worse_than_median([0.0], others[:2], maximize=True)
    assert not worse_than_median([0.0, 0.0, 0.0, 0.0], others, maximize=True)
