"""Metrics of topics: values worked out by hand, gensim's figures, and a collapsed model."""

from __future__ import annotations

import numpy as np
import pytest

from recipes.neural_topic_model.metrics import embedding_coherence, npmi, topic_uniqueness
from recipes.neural_topic_model.words.cooccurrence import document_npmi
from recipes.neural_topic_model.words.word_vectors import WordVectors

VECTORS = WordVectors(words=("a", "b", "c"), vectors=np.asarray([[2.0, 0.0], [0.0, 1.0], [3.0, 3.0]], np.float32))


def test_uniqueness_by_hand():
    assert topic_uniqueness([["a", "b"], ["c", "d"]]) == 1.0
    assert topic_uniqueness([["a", "b"], ["a", "c"]]) == 0.75
    assert topic_uniqueness([["a", "b"]] * 10) == pytest.approx(0.1)


def test_embedding_coherence_by_hand():
    assert embedding_coherence([["a", "b"]], VECTORS) == pytest.approx(0.0, abs=1e-6)
    assert embedding_coherence([["a", "c"]], VECTORS) == pytest.approx(np.sqrt(0.5))
    assert embedding_coherence([["a", "b", "c"]], VECTORS) == pytest.approx(2 * np.sqrt(0.5) / 3)
    # Unknown words are left out; a single known word has no pair.
    assert embedding_coherence([["a", "c", "unknown"]], VECTORS) == pytest.approx(np.sqrt(0.5))
    assert embedding_coherence([["a", "unknown"]], VECTORS) == 0.0


def test_npmi_by_hand():
    documents = [["a", "b"], ["a", "b"], ["c"], ["d"]]
    # Always together in half of the windows: log(0.5 / 0.25) / -log 0.5 = 1.
    assert npmi([["a", "b"]], documents)[0] == pytest.approx(1.0)
    assert npmi([["a", "c"]], documents)[0] == -1.0
    assert npmi([["a", "unknown"]], documents)[0] == 0.0
    # p(a) = p(c) = 1/2 and together in 1/4 is what chance gives.
    assert npmi([["a", "c"]], [["a", "c"], ["a"], ["c"], ["x"]])[0] == pytest.approx(0.0)


def test_npmi_counts_sliding_windows():
    # Windows of two: (a x) (x b); the two never share one, though they share the document.
    assert npmi([["a", "b"]], [["a", "x", "b"], ["y"]], window=2)[0] == -1.0
    assert npmi([["a", "b"]], [["a", "x", "b"], ["y"]], window=3)[0] == pytest.approx(1.0)


def test_npmi_agrees_with_a_plain_count():
    random = np.random.default_rng(3)
    words = list("abcdefgh")
    documents = [random.choice(words, random.integers(0, 30)).tolist() for _ in range(60)]
    topic, windows = ["a", "b", "c", "d"], []
    for document in documents:
        windows += [set(document[i : i + 10]) for i in range(max(len(document) - 9, min(len(document), 1)))]
    values = []
    for i, first in enumerate(topic):
        for second in topic[i + 1 :]:
            both = np.mean([first in each and second in each for each in windows])
            one, two = (np.mean([word in each for each in windows]) for word in (first, second))
            values.append(np.log(both / (one * two)) / -np.log(both))
    assert npmi([topic], documents)[0] == pytest.approx(np.mean(values))


def test_document_npmi_agrees_with_windows_of_whole_documents():
    documents = [["a", "b"], ["a"], ["b", "c"], ["a", "b", "c"]]
    presence = np.asarray([[word in each for word in "abc"] for each in documents], dtype=np.float32)
    table = document_npmi(presence)
    for first, second in ((0, 1), (0, 2), (1, 2)):
        expected = npmi([["abc"[first], "abc"[second]]], documents, window=None)[0]
        assert table[first, second] == pytest.approx(expected, abs=1e-6)
