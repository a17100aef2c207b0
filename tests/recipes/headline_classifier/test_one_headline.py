"""One headline gets what many get, and the table of words stays small."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recipes.headline_classifier.features import FIRST_WORD
from recipes.headline_classifier.inference import Classifier, Network
from recipes.headline_classifier.ngrams import word_table
from recipes.headline_classifier.one_headline import OneHeadline
from tests.recipes.headline_classifier.test_features import LABELS, TITLES, fitted

SIZE, UNITS, CLASSES = 5, 6, 2


def classifier(**options) -> Classifier:
    """A network of random weights on the words and n-grams of four headlines."""
    encoder, random = fitted(TITLES, LABELS), np.random.default_rng(1)
    shapes = {
        "wide_table": (encoder.ngram_count, CLASSES),
        "wide_bias": (CLASSES,),
        "embedding": (len(encoder.words) + FIRST_WORD, SIZE),
        "hidden_kernel": (SIZE, UNITS),
        "hidden_bias": (UNITS,),
        "deep_kernel": (UNITS, CLASSES),
        "deep_bias": (CLASSES,),
    }
    weights = {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()} | options
    network = Network(architecture="wide_and_deep", deep_weight=0.5, temperature=0.7, weights=weights)
    return Classifier(encoder=encoder, network=network)


MANY = classifier()
ONE = OneHeadline.of(MANY)
WORDS = st.sampled_from(["the", "bank", "fails", "singer", "wins", "profit", "tour", "unheard", "bankers", "\u2121"])


@settings(max_examples=60, deadline=None)
@given(st.lists(WORDS, max_size=12).map(" ".join) | st.text(max_size=30))
def test_one_headline_has_the_probabilities_that_it_has_among_many(title):
    assert ONE is not None
    assert ONE.probabilities(title) == pytest.approx(MANY.probabilities(["bank", title])[1].tolist(), abs=1e-6)


@pytest.mark.parametrize("title", ["", "!!!", "the " * 250, "x" * 9_000, "bank of " + "singers " * 1_500])
def test_headlines_at_the_limits(title):
    assert ONE is not None
    assert ONE.probabilities(title) == pytest.approx(MANY.probabilities([title])[0].tolist(), abs=1e-6)


def test_a_network_that_counts_no_n_grams_has_no_quick_way():
    network = Network(architecture="convolution", deep_weight=0.5, temperature=1.0, weights={})
    assert OneHeadline.of(Classifier(encoder=MANY.encoder, network=network)) is None


def test_words_that_were_asked_for_take_no_more_room_than_they_may(monkeypatch):
    monkeypatch.setattr(word_table, "OTHER_WORDS", 10)
    table = word_table.WordTable(MANY.encoder)
    for number in range(50):
        assert len(table[["bank", f"new{number}", f"other{number}", "y" * 1_000]]) == 4
        assert len(table._others) <= 10
    assert "y" * 1_000 not in table._others
