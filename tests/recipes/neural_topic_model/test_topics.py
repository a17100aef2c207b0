"""Topics as mixtures, the words that stand for them, and what validation chooses: known answers."""

from __future__ import annotations

import numpy as np
import pytest

from recipes.neural_topic_model.metrics import Halves, completion_of_halves
from recipes.neural_topic_model.topics.mixture import MixtureTopics
from recipes.neural_topic_model.topics.refined_nmf import refined_nmf
from recipes.neural_topic_model.topics.selection import plateau
from recipes.neural_topic_model.topics.top_words import choose, ranking
from recipes.neural_topic_model.words.cooccurrence import document_npmi, expected_npmi

TWO = MixtureTopics(
    word_shares=np.asarray([[0.5, 0.49, 0.01, 1e-9], [1e-9, 0.01, 0.49, 0.5]], np.float32),
    prior=np.asarray([0.75, 0.25], np.float32),
    pseudo_words=1.0,
)


def test_a_document_is_folded_into_its_topics():
    counts = np.asarray([[5, 4, 0, 0], [0, 0, 1, 2], [3, 0, 0, 3], [0, 0, 0, 0]], np.float32)
    shares = TWO.topic_shares(counts)
    assert np.allclose(shares.sum(axis=1), 1.0, atol=1e-6)
    # Words that only one topic has are its own; the prior counts for one word.
    assert shares[0, 0] == pytest.approx(9.75 / 10, abs=2e-3)
    assert shares[1, 1] == pytest.approx(3.25 / 4, abs=1e-2)
    assert shares[2, 0] == pytest.approx(3.75 / 7, abs=1e-3)
    assert shares[3] == pytest.approx([0.75, 0.25])


def test_documents_are_folded_in_alike_alone_and_together():
    counts = np.random.default_rng(1).poisson(1.0, (150, 4)).astype(np.float32)
    alone = np.concatenate([TWO.topic_shares(each[None]) for each in counts])
    assert np.allclose(TWO.topic_shares(counts), alone, atol=1e-5)


def test_refined_nmf_finds_planted_topics_and_says_the_other_half():
    random = np.random.default_rng(2)
    planted = np.kron(np.eye(3), np.full((1, 5), 0.19)) + 0.005
    planted /= planted.sum(axis=1, keepdims=True)
    counts = np.asarray([random.multinomial(30, planted[row % 3]) for row in range(240)], np.float32)
    frequency = counts.sum(axis=0) / counts.sum()
    model = refined_nmf(counts[:200], frequency, topics=3, seed=0)
    assert sorted(model.word_shares.reshape(3, 3, 5).sum(axis=2).argmax(axis=1)) == [0, 1, 2]
    gains = completion_of_halves(model, Halves.of(counts[200:], seed=0), frequency=frequency)
    # To know which third of the words it is saves log 3 of each at most.
    assert 0.7 < gains.mean() < np.log(3)


def test_halves_share_out_every_word():
    counts = np.random.default_rng(3).poisson(2.0, (20, 9)).astype(np.float32)
    halves = Halves.of(counts, seed=4)
    assert np.array_equal(halves.given + halves.rest, counts)
    assert 0.4 < halves.given.sum() / counts.sum() < 0.6


def test_pairs_that_a_sample_would_not_show_count_as_never_together():
    counts = np.zeros((1000, 4), np.float32)
    counts[:500, :2] = 1
    counts[999, 2:] = 1
    table = expected_npmi(counts, documents=100)
    assert table[0, 1] == pytest.approx(document_npmi(counts)[0, 1], abs=1e-6)
    # Once in 1,000 documents: with exp(-0.1) not at all in 100.
    assert table[2, 3] == pytest.approx((1 - np.exp(-0.1)) * 1.0 - np.exp(-0.1), abs=1e-6)
    assert table[0, 2] == -1.0
    assert table[0, 0] == 0.0


def test_words_of_a_topic_are_relevant_found_together_and_its_own():
    relevant = np.asarray([[5.0, 4.9, 4.8, 4.7, 0.0], [5.0, 0.0, 0.1, 4.7, 4.9]])
    coherence = np.zeros((5, 5))
    # Word 0 is the first of both topics, and one of them has another that is almost as good.
    assert choose(relevant, coherence, weight=0.0, count=1).tolist() == [[1], [0]]
    coherence[1, 3] = coherence[3, 1] = 1.0
    chosen = choose(relevant, coherence, weight=4.0, count=2)
    assert chosen.tolist()[0] == [1, 3]
    assert ranking(relevant, chosen, count=4)[0].tolist() == [1, 3, 0, 2]
    assert choose(relevant, coherence, weight=1.0, count=9).shape == (2, 5)


def test_the_first_of_the_coherent_is_kept_as_long_as_topics_are_distinct():
    def figures(*pairs):
        return [{"validation_npmi": npmi, "topic_uniqueness": unique} for npmi, unique in pairs]

    assert plateau(figures((0.05, 0.9), (0.1, 0.85), (0.115, 0.8), (0.3, 0.5))) == 1
    # Less unique than 85 % of the first ones is not distinct, and neither are topics below 0.7.
    assert plateau(figures((0.05, 0.9), (0.1, 0.75))) == 0
    assert plateau(figures((0.05, 0.6), (0.1, 0.6))) == 0
