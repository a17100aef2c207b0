"""Settings that cannot end in time are refused before any job, with the arithmetic."""

from __future__ import annotations

import pytest

from infra.glue import TIMEOUT
from state_machines.definition import definition
from trainyard.errors import BadRequest
from trainyard.run import recipe
from trainyard.stages.ingest.children import MAX_CHILDREN
from trainyard.stages.resolve import duration
from trainyard.stages.resolve.duration import longest, most_children, require_in_time, tuning_limit


def search(**tuning):
    return recipe.config("prod2vec", {"tune": True, "tuning": tuning})


def test_the_figures_are_those_of_machine_and_jobs():
    assert definition()["TimeoutSeconds"] == duration.EXECUTION_S
    assert definition()["States"]["Train every child"]["MaxConcurrency"] == duration.CHILDREN_AT_ONCE
    assert TIMEOUT.to_seconds() == duration.GLUE_JOB_S


@pytest.mark.parametrize("name", recipe.names())
def test_what_settings_allow_with_jobs_of_an_hour_fits(name):
    require_in_time(recipe.config(name), task="train")
    require_in_time(recipe.config(name, {"tune": True, "tuning": {"max_jobs": 500}}), task="train")


@pytest.mark.parametrize("name", recipe.names())
def test_as_many_children_as_there_may_be_fit(name):
    assert most_children(recipe.config(name)) >= MAX_CHILDREN


def test_children_of_a_database_fit_too():
    config = recipe.config("propensity", {"data": {"source": "database"}})
    assert config.fans_out
    assert most_children(config) >= MAX_CHILDREN


def test_a_search_that_cannot_end_is_refused_with_its_rounds():
    config = recipe.config(
        "prod2vec", {"tune": True, "tuning": {"max_jobs": 500}, "jobs": {"tune": {"max_runtime_s": 36_000}}}
    )
    rounds = r"tune \(500 jobs, 2 at a time: 250 rounds x 36,000 s x 2 for spot instances\) 18,000,000 s"
    with pytest.raises(
        BadRequest, match=rf"ends within 7,776,000 s \(90\.0 days\), found up to 18,086,400 s .*{rounds}"
    ):
        require_in_time(config, task="train")
    # No search is made for these, so its limits do not matter.
    require_in_time(config, task="score")
    require_in_time(config, task="deploy")


@pytest.mark.parametrize(("jobs", "parallel", "seconds"), [(10, 2, 36_000), (11, 2, 43_200), (3, 100, 7_200)])
def test_a_tuning_job_has_the_time_of_its_rounds(jobs, parallel, seconds):
    assert tuning_limit(search(max_jobs=jobs, parallel_jobs=parallel)) == seconds


def test_every_part_of_a_training_counts():
    config = recipe.config("propensity", {"data": {"source": "database", "product_id": 7}, "score": {"enabled": True}})
    assert list(longest(config)) == [
        "ingest and prepare",
        "process",
        "train (twice its limit, for a spot instance)",
        "evaluate",
        "register",
        "report",
        "score",
        "endpoint and pauses",
    ]
