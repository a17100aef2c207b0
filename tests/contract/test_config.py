"""Overriding a configuration: everything wrong is named at once, and what comes back is the same type."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainyard.contract.config import Gate, Range, RecipeConfig, Tuning, bounded, settings, to_mapping
from trainyard.errors import ConfigError
from trainyard.run import recipe
from trainyard.run.settings.overrides import override


@dataclass(frozen=True, kw_only=True)
class Data:
    top: int = bounded(100, minimum=1, maximum=1000, help="how many")
    layout: str = "wide"
    names: tuple[str, ...] = ("a",)
    cap: float | None = None


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    rate: float = bounded(0.1, minimum=0.001, maximum=1.0)
    shuffle: bool = True


CONFIG = RecipeConfig(
    title="example",
    data=Data(),
    hyperparameters=Hyperparameters(),
    tuning=Tuning(
        objective="validation_hits",
        direction="Maximize",
        ranges={"rate": Range(type="continuous", minimum=0.01, maximum=0.5, scaling="Logarithmic")},
    ),
    gate=Gate(primary="hits", minimum={"hits": 0.1}),
)


GRID = {"type": "categorical", "values": ["0.1", "0.2", "0.3"]}


def test_values_of_any_depth_change_and_the_rest_stays():
    changed = override(
        CONFIG, {"data": {"top": 7, "names": ["x", "y"], "cap": 2}, "tuning": {"ranges": {"rate": {"maximum": 0.4}}}}
    )
    assert changed.data == Data(top=7, names=("x", "y"), cap=2.0)
    assert changed.tuning.ranges["rate"].maximum == 0.4
    assert changed.hyperparameters == CONFIG.hyperparameters


def test_text_from_a_job_becomes_the_right_type():
    changed = override(CONFIG, {"hyperparameters": {"rate": "0.25", "shuffle": "false"}})
    assert changed.hyperparameters == Hyperparameters(rate=0.25, shuffle=False)


def test_a_configuration_survives_json():
    changed = override(CONFIG, {"data": {"top": 9}, "gate": {"minimum": {"hits": 0.2}}})
    assert override(CONFIG, json.loads(json.dumps(to_mapping(changed)))) == changed


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"top": 1}, "top: unknown setting; known here are"),
        ({"data": {"top": 0}}, "data.top: expected a value from 1 to 1000, found 0."),
        ({"data": {"top": 1.5}}, "data.top: expected a whole number, found 1.5."),
        ({"data": {"top": True}}, "data.top: expected a whole number, found True."),
        ({"data": {"names": "x"}}, "data.names: expected"),
        ({"data": {"cap": "much"}}, "data.cap: expected a number or null, found 'much'."),
        ({"data": 3}, "data: expected an object, found 3."),
        ({"hyperparameters": {"rate": float("nan")}}, "hyperparameters.rate: expected a number, found nan."),
        ({"hyperparameters": {"shuffle": 1}}, "hyperparameters.shuffle: expected true or false, found 1."),
        ({"tuning": {"direction": "Up"}}, "tuning.direction: expected one of Maximize, Minimize, found 'Up'."),
        ({"tuning": {"ranges": {"rate": {"minimum": 0.9}}}}, "expected minimum < maximum"),
        ({"tuning": {"ranges": {"other": {}}}}, "tuning.ranges.other: unknown setting"),
        ({"tuning": {"ranges": {"rate": {"minimum": "low"}}}}, "tuning.ranges.rate.minimum: expected a number"),
        (
            {"tuning": {"strategy": "Hyperband"}},
            "tuning.strategy: expected one of Bayesian, Random, Grid, found 'Hyperband'.",
        ),
        (
            {"tuning": {"strategy": "Grid"}},
            "tuning: expected only categorical ranges for the strategy Grid, found rate (continuous); "
            "name the values to try, or choose Bayesian or Random.",
        ),
        (
            {"tuning": {"strategy": "Grid", "max_jobs": 2, "ranges": {"rate": GRID}}},
            "tuning: expected max_jobs of at least 3, for the strategy Grid trains every combination; found 2.",
        ),
        ({"tuning": {"strategy": "Grid", "max_jobs": "few", "ranges": {"rate": GRID}}}, "tuning.max_jobs: expected"),
        ({"gate": {"minimum": {"hits": "high"}}}, "gate.minimum.hits: expected a number, found 'high'."),
        ({"jobs": {"train": {"max_runtime_s": 1}}}, "jobs.train.max_runtime_s: expected a value from 60 to 432000"),
    ],
)
def test_each_mistake_is_named(changes, problem):
    with pytest.raises(ConfigError) as caught:
        override(CONFIG, changes)
    assert problem in str(caught.value)


def test_all_mistakes_are_named_at_once():
    with pytest.raises(ConfigError) as caught:
        override(CONFIG, {"x": 1, "data": {"top": 0}, "gate": {"minimum": {"y": 1}}})
    assert len(caught.value.problems) == 3


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["data", "top", "gate", "rate", "jobs", "train", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["data", "hyperparameters", "gate", "tuning", "jobs", "seed", "x"]), JSON))
def test_any_document_is_either_applied_or_refused_in_words(changes):
    try:
        changed = override(CONFIG, changes)
    except ConfigError as error:
        assert all(": " in problem for problem in error.problems)
    else:
        assert isinstance(changed, RecipeConfig)
        assert isinstance(changed.data.top, int)


def test_settings_list_every_leaf_with_its_help():
    listed = {name: (value, text) for name, value, text in settings(CONFIG)}
    assert listed["data.top"] == (100, "how many")
    assert listed["gate.minimum.hits"] == (0.1, "")
    assert "jobs.train.instance_type" in listed


SAID = {
    "file": "plays-*.tsv",
    "columns": {"userId": "user", "movieId": 2},
    "delimiter": ";",
    "quote": "",
    "header": False,
}


def test_what_is_said_about_files_is_kept_by_table_and_comes_back_from_json():
    changed = recipe.config("two_tower", {"files": {"ratings": SAID}, "model": "shop-north"})
    said = changed.files["ratings"]
    assert (said.file, said.columns["movieId"], said.quote, said.header) == ("plays-*.tsv", "2", "", False)
    assert recipe.config("two_tower", json.loads(json.dumps(to_mapping(changed)))) == changed
    more = recipe.config("two_tower", {"files": {"ratings": SAID}}, {"files": {"ratings": {"encoding": "cp1252"}}})
    assert (more.files["ratings"].encoding, more.files["ratings"].delimiter) == ("cp1252", ";")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"files": {"rating": {}}}, "files.rating: unknown table; known here are ratings, movies, tags, links, truth."),
        (
            {"files": {"ratings": {"columns": {"user": "x"}}}},
            "files.ratings.columns.user: unknown column; known here are",
        ),
        (
            {"files": {"ratings": {"columns": {"userId": 1.5}}}},
            "files.ratings.columns.userId: expected text, found 1.5.",
        ),
        (
            {"files": {"ratings": {"decimal": ";"}}},
            "files.ratings.decimal: expected one of '.', ',' or null, found ';'.",
        ),
        ({"files": {"ratings": {"colums": {}}}}, "files.ratings.colums: unknown setting; known here are file, columns"),
        ({"files": {"ratings": []}}, "files.ratings: expected an object, found []."),
        (
            {"files": {"ratings": {"repeats": "last"}}},
            "files.ratings.repeats: expected one of latest, first, sum, refuse",
        ),
        ({"model": "Shop"}, "model: expected 1 to 32 lower case letters, digits and inner dashes, such as shop-north"),
    ],
)
def test_what_cannot_be_said_about_files_and_models_is_refused_in_one_sentence(changes, said):
    with pytest.raises(ConfigError) as refusal:
        recipe.config("two_tower", changes)
    assert str(refusal.value).startswith(said)


def test_everything_that_can_be_said_about_files_is_listed():
    listed = {name: said for name, _, said in settings(recipe.config("prod2vec"))}
    assert listed["files.<table>.delimiter"] == "what separates the fields, such as ; or ::"
    assert "column of the file by column of the table" in listed["files.<table>.columns.<column>"]
    assert listed["model"] == "name of one of several models of the recipe"
