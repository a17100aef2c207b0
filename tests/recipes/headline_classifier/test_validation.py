"""What validation headlines may say while they choose, and complement naive Bayes, which they choose the share of."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from recipes.headline_classifier.config import batch_size, wide_l2
from recipes.headline_classifier.features import NgramBags
from recipes.headline_classifier.inference import weighted_sums
from recipes.headline_classifier.ngrams import complement_naive_bayes, linear_svm, word_naive_bayes
from recipes.headline_classifier.ngrams.seen import as_new, counted
from recipes.headline_classifier.texts.encoded import EncodedHeadlines
from tests.recipes.headline_classifier.test_features import fitted

TRAIN, OWN = ["the bank fails", "the singer wins", "bank profit"], [0, 1, 0]
VALIDATION, OTHERS = ["singer tour", "bank tour starts"], [1, 1]


def encoded():
    encoder = fitted(TRAIN + VALIDATION, OWN + OTHERS)
    parts = ((TRAIN, OWN), (VALIDATION, OTHERS))
    return encoder, *(EncodedHeadlines.of(encoder, titles, labels=np.asarray(labels)) for titles, labels in parts)


def test_validation_headlines_look_as_new_ones_will():
    encoder, train, validation = encoded()
    known, seen = as_new(validation, train, encoder=encoder, smoothing=0.5)
    alone = fitted(TRAIN, OWN)
    for kind, first, own in (("word_ngrams", 0, 0), ("character_ngrams", len(encoder.word_ngrams), None)):
        every, few = getattr(encoder, kind).hashes, getattr(alone, kind).hashes
        start = len(alone.word_ngrams) if own is None else 0
        odds = known.log_odds[first + np.searchsorted(every, few)]
        assert np.allclose(odds, alone.log_odds[start : start + len(few)])
    unseen = counted(train, encoder).sum(axis=1) == 0
    assert unseen[validation.ngrams.indices].any()
    assert not unseen[seen.ngrams.indices].any()
    words = seen.ngrams.indices < len(encoder.word_ngrams)
    for kind in (words, ~words):
        lengths = np.bincount(seen.ngrams.rows[kind], weights=seen.ngrams.values[kind] ** 2)
        assert lengths == pytest.approx([1.0, 1.0])


def test_headlines_that_follow_others_keep_their_n_grams():
    _, train, validation = encoded()
    both = train.followed_by(validation)
    rows = np.arange(len(train), len(both))
    assert np.array_equal(both.ngrams.padded(rows)[1], validation.ngrams.padded(rows - len(train))[1])
    assert both.labels.tolist() == OWN + OTHERS


def test_complement_naive_bayes_is_scikit_learns():
    from scipy.sparse import csr_matrix
    from sklearn.naive_bayes import ComplementNB

    encoder, train, validation = encoded()
    shape = (encoder.ngram_count, 2)
    bags = train.ngrams
    matrix = csr_matrix((bags.values, bags.indices, bags.offsets), shape=(len(train), shape[0]))
    weights = np.asarray([1.0, 0.5, 0.75], np.float32)
    learned = ComplementNB(alpha=complement_naive_bayes.SMOOTHING).fit(matrix, OWN, sample_weight=weights)
    expected = learned.feature_log_prob_.T
    table = complement_naive_bayes.table(replace(train, weights=weights), shape=shape)
    # Of two classes, the magnitudes are the same in any case.
    assert np.allclose(table, expected - expected.mean(axis=1, keepdims=True), atol=1e-5)
    alike = complement_naive_bayes.table(train, shape=shape)
    assert weighted_sums(validation.ngrams, alike).argmax(axis=1).tolist() == [1, 0]


def test_naive_bayes_on_words_is_scikit_learns():
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.naive_bayes import MultinomialNB

    titles = [*TRAIN, "the bank of the singer"]
    encoder, labels = replace(fitted(titles, [*OWN, 1]), words=("the", "bank", "singer", "of")), [*OWN, 1]
    train = EncodedHeadlines.of(encoder, titles, labels=np.asarray(labels))
    seen = CountVectorizer(binary=True, vocabulary=encoder.words)
    learned = MultinomialNB(alpha=word_naive_bayes.SMOOTHING, fit_prior=False).fit(seen.transform(titles), labels)
    expected = seen.transform(titles) @ learned.feature_log_prob_.T
    bags = train.ngrams
    words = bags.indices < len(encoder.word_ngrams)
    lengths = np.bincount(bags.rows[words], weights=encoder.word_ngrams.idf[bags.indices[words]] ** 2) ** 0.5
    table = word_naive_bayes.table(train, encoder)
    found = weighted_sums(bags, table) * lengths[:, None]
    assert np.allclose(found, expected - expected.mean(axis=1, keepdims=True), atol=1e-5)
    assert np.count_nonzero(table.any(axis=1)) <= len(encoder.words)


def test_naive_bayes_on_words_gives_nothing_to_a_class_without_headlines():
    encoder, train, _ = encoded()
    three = replace(encoder, classes=("b", "t", "e"), words=("bank", "singer", "the"))
    rows = weighted_sums(train.ngrams, word_naive_bayes.table(train, three))
    assert (rows[:, 2] <= rows[:, :2].min(axis=1) + 1e-6).all()


def test_every_class_has_the_same_magnitudes_in_naive_bayes():
    labels = np.repeat([0, 1, 2], [100, 10, 1])
    random = np.random.default_rng(1)
    indices = (random.integers(0, 20, len(labels)) + 10 * labels).astype(np.int32)
    bags = NgramBags(indices=indices, values=np.ones(len(labels), np.float32), offsets=np.arange(len(labels) + 1))
    ones = np.ones(len(labels), np.float32)
    headlines = EncodedHeadlines(sequences=np.zeros((len(labels), 1)), ngrams=bags, labels=labels, weights=ones)
    magnitudes = np.abs(complement_naive_bayes.table(headlines, shape=(40, 3))).sum(axis=0)
    assert magnitudes == pytest.approx([magnitudes[0]] * 3)


@pytest.mark.parametrize("labels", [[0, 1, 0], [0, 1, 2]])
def test_the_support_vector_machine_is_scikit_learns(labels):
    from scipy.sparse import csr_matrix
    from sklearn.svm import LinearSVC

    encoder, train, validation = encoded()
    own = np.asarray([1.0, 0.5, 0.75], np.float32)
    headlines = replace(train, labels=np.asarray(labels), weights=own)
    # The last class has no headline.
    shape = (encoder.ngram_count, max(labels) + 2)
    table, bias = linear_svm.table(headlines, shape=shape)
    found = weighted_sums(validation.ngrams, table) + bias

    def matrix(bags):
        return csr_matrix((bags.values, bags.indices, bags.offsets), shape=(len(bags), shape[0]))

    machine = LinearSVC(C=linear_svm.PENALTY, random_state=0)
    machine.fit(matrix(train.ngrams), labels, sample_weight=own / own.mean())
    expected = machine.decision_function(matrix(validation.ngrams))
    if expected.ndim == 1:
        expected = np.stack([-expected, expected], axis=1)
    assert np.allclose(found[:, :-1], expected, atol=1e-4)
    assert (found[:, -1] == -1.0).all()


def test_one_class_alone_has_no_support_vector_machine():
    encoder, train, _ = encoded()
    table, bias = linear_svm.table(replace(train, labels=np.zeros(3, int)), shape=(encoder.ngram_count, 2))
    assert not table.any()
    assert not bias.any()


def test_so_much_is_added_as_validation_headlines_gain_by():
    pytest.importorskip("tensorflow")
    from recipes.headline_classifier.network.linear_parts import COMPLEMENT, WORDS, fitted_factor

    random = np.random.default_rng(3)
    labels = random.integers(0, 3, 4000)
    right, noise = np.eye(3)[labels] + random.normal(size=(4000, 3)), random.normal(size=(4000, 3))
    factor = partial(fitted_factor, unit=float(noise.std()))
    assert factor(noise, right, labels=labels, shares=COMPLEMENT) > 1.6
    assert factor(right, noise, labels=labels, shares=COMPLEMENT) == 0.0
    # Where headlines are few, chance does not choose: as nothing can be told of two models that are alike.
    few, same = labels[:12], right[:12]
    spread = float((same - same.mean(axis=1, keepdims=True)).std())
    usual = fitted_factor(same, same, labels=few, unit=spread, shares=COMPLEMENT)
    assert usual == pytest.approx(COMPLEMENT.usual)
    assert factor(right, 0 * noise, labels=labels, shares=COMPLEMENT) == 0.0
    # What is taken as an exception only has to prove its gain.
    assert fitted_factor(same, same, labels=few, unit=spread, shares=WORDS) == 0.0
    assert factor(noise, right, labels=labels, shares=WORDS) > 1.6
    assert factor(right, noise, labels=labels, shares=WORDS) == 0.0


def test_a_simple_part_that_gains_is_taken_as_far_as_validation_does_not_speak_against_it():
    pytest.importorskip("tensorflow")
    from recipes.headline_classifier.network.linear_parts import WORDS, Shares, fitted_factor

    random = np.random.default_rng(4)
    labels = random.integers(0, 3, 1000)
    simple = 2.0 * np.eye(3)[labels] + random.normal(size=(1000, 3))
    spread = float((simple - simple.mean(axis=1, keepdims=True)).std())
    own = 0.3 * random.normal(size=(1000, 3))

    def share(known: float, shares: Shares) -> float:
        """Of the simple part, beside one that knows so much that the simple part does not know."""
        other = simple / spread + own + known * np.eye(3)[labels]
        return spread * fitted_factor(other, simple, labels=labels, unit=1.0, shares=shares)

    best = share(0.1, replace(WORDS, simple=False))
    assert best < share(0.1, WORDS)
    assert best > 0.0
    assert share(1.0, WORDS) == 0.0


def test_temperature_is_found_in_any_unit_of_the_logits():
    pytest.importorskip("tensorflow")
    from recipes.headline_classifier.network.calibration import fit_temperature

    random = np.random.default_rng(5)
    logits = random.normal(size=(3000, 4))
    labels = (logits + random.gumbel(size=logits.shape)).argmax(axis=1)
    assert fit_temperature(logits, labels) == pytest.approx(1.0, rel=0.1)
    assert fit_temperature(40.0 * logits, labels) == pytest.approx(40.0 * fit_temperature(logits, labels), rel=0.01)


def test_fewer_headlines_have_a_stronger_penalty_within_bounds():
    assert [wide_l2(each) for each in (1, 500, 8_000, 10**6)] == pytest.approx([6e-5, 6e-5, 2e-6, 2e-6])
    assert 2e-6 < wide_l2(2_000) < 6e-5


def test_steps_hold_more_headlines_where_there_are_many():
    assert [batch_size(each) for each in (1, 20_000, 72_000, 10**7)] == [64, 64, 256, 2048]
    steps = [each / batch_size(each) for each in range(10_000, 500_000, 1_000)]
    assert max(steps) < 500
