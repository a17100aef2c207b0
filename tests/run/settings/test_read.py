"""What is noted of the settings that are read."""

from __future__ import annotations

import copy
import dataclasses
import pickle

from recipes.neural_topic_model.config import CONFIG
from trainyard.contract.config import to_mapping
from trainyard.run.settings.paths import by_path
from trainyard.run.settings.read import noting, value_of


def test_a_setting_is_noted_when_it_is_read_and_not_before() -> None:
    config, noted = noting(CONFIG)
    data = config.data
    assert noted.paths == set()
    assert (data.min_words, config.tuning.ranges) == (CONFIG.data.min_words, CONFIG.tuning.ranges)
    assert noted.document.paths == ("data.min_words", "tuning.ranges")


def test_what_a_property_or_method_reads_is_noted_too() -> None:
    config, noted = noting(CONFIG)
    config.data.document_frequencies(1000)
    assert noted.paths == {"data.min_df", "data.max_df"}


def test_it_is_of_the_recipes_own_class_and_can_be_changed() -> None:
    config, noted = noting(CONFIG)
    assert isinstance(config, type(CONFIG))
    assert type(config).__module__ == type(CONFIG).__module__
    assert dataclasses.replace(config, seed=3).data.min_words == CONFIG.data.min_words
    assert "data.min_words" in noted.paths


def test_it_equals_what_the_recipes_own_would_equal() -> None:
    """A recipe may ask whether anything was set."""
    config, noted = noting(CONFIG)
    assert config.data == CONFIG.data
    assert config == CONFIG
    assert config.data != dataclasses.replace(CONFIG.data, min_words=CONFIG.data.min_words + 1)
    assert {"data.min_words", "data.max_df", "seed"} <= noted.paths


def test_whoever_takes_all_of_it_along_has_read_all_of_it() -> None:
    everything = {path for path, _ in by_path(to_mapping(CONFIG))}
    for taken in (pickle.dumps, to_mapping):
        config, noted = noting(CONFIG)
        taken(config)
        assert [each for each in everything if not _is_noted(each, noted.paths)] == []
    config, noted = noting(CONFIG)
    assert vars(config.data)["min_words"] == copy.copy(config.data).min_words
    assert {"data.min_words", "data.max_df"} <= noted.paths
    assert pickle.loads(pickle.dumps(noting(CONFIG)[0])) == CONFIG


def _is_noted(path: str, noted: set[str]) -> bool:
    """Whether a setting, or the mapping that it is an entry of, was noted."""
    return any(path == each or path.startswith(f"{each}.") for each in noted)


def test_values_are_found_by_their_paths() -> None:
    plain = to_mapping(CONFIG)
    assert value_of(plain, "data.min_words") == CONFIG.data.min_words
    assert value_of(plain, "data.unheard_of") is value_of(plain, "seed.more") is None
