"""What the benchmarks print: verdicts, baselines under their figure, growth; and that every recipe has one."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from benchmarks import growth
from benchmarks.figures import DATA, Figure, Measured, Rival, Skipped, conclude, over_seeds, required, table
from trainyard.run import recipe
from trainyard.stages.evaluate.bootstrap import Difference

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("value", "lower_is_better", "verdict"),
    [
        (0.5, False, "MISSED"),
        (0.6, False, "met"),
        (0.8, False, "met, stretch too"),
        (0.9, True, "MISSED"),
        (0.6, True, "met, stretch too"),
    ],
)
def test_a_figure_tells_which_bar_it_reaches(value, lower_is_better, verdict):
    bar, stretch = (0.8, 0.6) if lower_is_better else (0.6, 0.8)
    figure = Figure(
        recipe="r", metric="m", measured=Measured(value), bar=bar, stretch=stretch, lower_is_better=lower_is_better
    )
    assert figure.verdict == verdict
    assert conclude([figure]) == int(verdict == "MISSED")


def test_baselines_stand_under_their_figure_with_the_paired_difference():
    rival = Rival(name="popularity", value=0.05, difference=Difference(value=0.2, low=0.1, high=0.3))
    measured = over_seeds([0.2, 0.3])
    lines = table([Figure(recipe="r", metric="hit rate", measured=measured, rivals=(rival,), bar=0.2)]).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert "0.2500" in lines[2]
    assert "0.2000 to 0.3000, 2 seeds" in lines[2]
    assert "popularity" in lines[3]
    assert "+0.2000 (+0.1000 to +0.3000)" in lines[3]


def test_data_that_are_not_there_are_skipped_by_name():
    with pytest.raises(Skipped, match=r"no nothing/at_all\.csv"):
        required(DATA / "nothing" / "at_all.csv")


@pytest.mark.parametrize("name", recipe.names())
def test_every_recipe_has_a_benchmark_that_the_table_can_call(name):
    tree = ast.parse((ROOT / "benchmarks" / f"{name}.py").read_text(encoding="utf-8"))
    found = [each for each in tree.body if isinstance(each, ast.FunctionDef) and each.name == "figures"]
    assert found
    assert "quick" in {each.arg for each in found[0].args.kwonlyargs}


def test_growth_beyond_linear_is_missed():
    small = growth.Cost(cpu=1.0, memory=100.0)
    for seconds, verdict in ((10.0, "at most linear"), (15.0, "MISSED")):
        large = growth.Cost(cpu=seconds, memory=300.0)
        rows = growth._rows("r", "train", sizes=(1000, 10_000), small=small, large=large)
        assert rows[1][-1] == verdict
        assert rows[1][-3:-1] == ("x 3.0", "2,222")


def test_growth_measures_a_stage_in_a_process_of_its_own(tmp_path):
    cost = growth._measured("two_tower", "sample", folder=str(tmp_path), size=500)
    assert (tmp_path / "raw" / "ratings.csv").read_text(encoding="utf-8").count("\n") >= 500
    assert cost.cpu > 0
    assert 10 < cost.memory < 2000
