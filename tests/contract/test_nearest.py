"""Searches find what looking at every score finds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainyard.contract import nearest
from trainyard.contract.nearest import Neighbours, approximate_wanted
from trainyard.errors import ConfigError


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
    found, scores = Neighbours(vectors, offsets).best(query, count, hidden=hidden)
    expected, values = true_best(vectors, 0 if offsets is None else offsets, query, count, hidden)
    assert found.tolist() == expected
    assert scores == pytest.approx(values, abs=1e-5)


def test_equal_scores_come_in_the_order_of_their_places():
    vectors = np.ones((30, 4), dtype=np.float32)
    assert Neighbours(vectors).best(np.ones(4, np.float32), 30)[0].tolist() == list(range(30))


def test_many_hidden_vectors_change_nothing():
    random = np.random.default_rng(3)
    vectors, query = random.normal(size=(1000, 8)).astype(np.float32), random.normal(size=8).astype(np.float32)
    hidden = random.choice(1000, 456, replace=False).tolist()
    found, scores = Neighbours(vectors).best(query, 10, hidden=hidden)
    expected, values = true_best(vectors, 0, query, 10, set(hidden))
    assert found.tolist() == expected
    assert scores == pytest.approx(values, abs=1e-5)


def test_when_everything_is_hidden_nothing_is_found():
    exact = Neighbours(np.eye(4, dtype=np.float32))
    assert exact.best(np.ones(4, np.float32), 3, hidden=[0, 1, 2, 3])[0].size == 0
    many = Neighbours(np.ones((400, 2), dtype=np.float32))
    assert many.best(np.ones(2, np.float32), 3, hidden=list(range(400)))[0].size == 0


@pytest.mark.parametrize("size", [16, 33, 600])
def test_an_approximate_search_says_how_much_it_finds(monkeypatch, capsys, size):
    monkeypatch.setattr(nearest, "LEAST", 1000)
    random = np.random.default_rng(1)
    vectors, query = random.normal(size=(3000, size)).astype(np.float32), random.normal(size=size).astype(np.float32)
    exact, approximate = Neighbours(vectors, approximate=False), Neighbours(vectors, approximate=True)
    assert exact.recall() == 1.0
    assert 0.9 < approximate.recall() < 1.0 or size == 600
    assert f"3,000 vectors finds {approximate.recall():.2%} of the true ten best" in capsys.readouterr().out
    hidden = exact.best(query, 20)[0][::2]
    found, scores = approximate.best(query, 10, hidden=hidden)
    assert not set(found) & set(hidden)
    assert (np.diff(scores) <= 0).all()
    assert scores == pytest.approx((vectors[found] @ query).tolist(), abs=1e-4)
    assert len(set(found) & set(exact.best(query, 10, hidden=hidden)[0])) >= 9


def test_offsets_count_in_an_approximate_search_too():
    random = np.random.default_rng(2)
    vectors = random.normal(size=(nearest.LEAST, 8)).astype(np.float32)
    offsets = np.zeros(len(vectors), dtype=np.float32)
    offsets[[7, 70, 700]] = 100.0
    found, scores = Neighbours(vectors, offsets, approximate=True).best(vectors[0], 3)
    assert set(found) == {7, 70, 700}
    assert min(scores) > 50.0


def test_few_vectors_are_searched_exactly_whatever_is_wanted():
    vectors = np.random.default_rng(3).normal(size=(40, 4)).astype(np.float32)
    assert Neighbours(vectors, approximate=True).recall() == 1.0


@pytest.mark.parametrize(("setting", "expected"), [(None, "otherwise"), ("exact", False), ("approximate", True)])
@pytest.mark.parametrize("otherwise", [False, True])
def test_the_setting_wins_over_what_a_recipe_would_do(monkeypatch, setting, expected, otherwise):
    monkeypatch.delenv("TRAINYARD_NEIGHBOURS", raising=False)
    if setting:
        monkeypatch.setenv("TRAINYARD_NEIGHBOURS", setting)
    assert approximate_wanted(otherwise=otherwise) is (otherwise if expected == "otherwise" else expected)


def test_another_setting_is_refused(monkeypatch):
    monkeypatch.setenv("TRAINYARD_NEIGHBOURS", "sometimes")
    with pytest.raises(ConfigError, match="Expected exact or approximate in TRAINYARD_NEIGHBOURS, found 'sometimes'"):
        Neighbours(np.eye(2, dtype=np.float32))
