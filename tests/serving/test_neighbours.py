"""Searches find what looking at every score finds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainyard.errors import ConfigError
from trainyard.serving.neighbours import MOST_EXTRA, Neighbours


def true_best(vectors, offsets, query, count, hidden):
    scores = vectors @ query + offsets
    order = [each for each in np.lexsort((np.arange(len(scores)), -scores)).tolist() if each not in hidden]
    return order[:count], scores[order[:count]]


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(0, 20), st.booleans())
def test_a_search_finds_the_best(seed, count, hide, with_offsets):
    random = np.random.default_rng(seed)
    vectors, query = random.normal(size=(40, 5)).astype(np.float32), random.normal(size=5).astype(np.float32)
    offsets = random.normal(size=40).astype(np.float32) if with_offsets else None
    hidden = random.choice(40, hide, replace=False).tolist()
    found, scores = Neighbours(vectors, offsets).best(query, count, hidden)
    expected, values = true_best(vectors, 0 if offsets is None else offsets, query, count, hidden)
    assert found == expected
    assert scores == pytest.approx(values, abs=1e-5)


def test_equal_scores_come_in_the_order_of_their_places():
    vectors = np.ones((30, 4), dtype=np.float32)
    assert Neighbours(vectors).best(np.ones(4, np.float32), 30)[0] == list(range(30))


def test_many_hidden_vectors_change_nothing():
    random = np.random.default_rng(3)
    vectors, query = random.normal(size=(1000, 8)).astype(np.float32), random.normal(size=8).astype(np.float32)
    hidden = random.choice(1000, MOST_EXTRA + 200, replace=False).tolist()
    found, scores = Neighbours(vectors).best(query, 10, hidden)
    expected, values = true_best(vectors, 0, query, 10, set(hidden))
    assert found == expected
    assert scores == pytest.approx(values, abs=1e-5)


def test_when_everything_is_hidden_nothing_is_found():
    neighbours = Neighbours(np.eye(4, dtype=np.float32))
    assert neighbours.best(np.ones(4, np.float32), 3, [0, 1, 2, 3]) == ([], [])
    many = Neighbours(np.ones((400, 2), dtype=np.float32))
    assert many.best(np.ones(2, np.float32), 3, list(range(400))) == ([], [])


def test_an_approximate_search_says_how_much_it_finds():
    random = np.random.default_rng(1)
    vectors = random.normal(size=(3000, 16)).astype(np.float32)
    approximate = Neighbours(vectors, approximate=True)
    assert Neighbours(vectors).recall() == 1.0
    assert 0.9 < approximate.recall() <= 1.0
    assert approximate.best(vectors[7], 1)[0] == [7] or approximate.recall() < 1.0


def test_the_setting_chooses(monkeypatch):
    monkeypatch.setenv("TRAINYARD_NEIGHBOURS", "sometimes")
    with pytest.raises(ConfigError, match="Expected exact or approximate in TRAINYARD_NEIGHBOURS, found 'sometimes'"):
        Neighbours(np.eye(2, dtype=np.float32))
