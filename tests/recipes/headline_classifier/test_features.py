"""Tokens, n-grams and their weights."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recipes.headline_classifier.features import FIRST_WORD, PADDING, UNKNOWN, Encoder, NgramBags, NgramVocabulary
from recipes.headline_classifier.ngrams.counts import NgramCounts
from recipes.headline_classifier.ngrams.hashing import NgramHasher
from recipes.headline_classifier.texts.tokenizer import tokens


def fitted(titles, labels, *, min_df=1):
    words, characters = NgramCounts.empty(2), NgramCounts.empty(2)
    words.add_word_ngrams(titles, np.asarray(labels))
    characters.add_character_ngrams(titles, np.asarray(labels))
    class_counts = np.bincount(labels, minlength=2)
    word_ngrams, first = words.vocabulary(class_counts, min_df=min_df, max_size=1000, smoothing=0.5)
    character_ngrams, second = characters.vocabulary(class_counts, min_df=min_df, max_size=1000, smoothing=0.5)
    return Encoder(
        classes=("b", "e"),
        words=("the", "bank"),
        word_ngrams=word_ngrams,
        character_ngrams=character_ngrams,
        log_odds=np.concatenate((first, second)),
        length=4,
    )


TITLES = ["the bank fails", "the singer wins", "bank profit", "singer tour"]
LABELS = [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fed\u2019s Yellen: 2% isn't a Café", ["fed's", "yellen", ":", "2", "%", "isn't", "a", "cafe"]),
        ("$1.5bn A&E?!", ["$", "1", ".", "5bn", "a", "&", "e", "?", "!"]),
        ("Straße \u0130stanbul", ["strasse", "istanbul"]),
        ("日本 株価", ["日本", "株価"]),
        (" \t\u00a0", []),
    ],
)
def test_tokens(text, expected):
    assert tokens(text) == expected


def test_sequences_pad_cut_and_mark_unknown_words():
    found = fitted(TITLES, LABELS).sequences(["the bank", "a the the the the bank", ""])
    the, bank = FIRST_WORD, FIRST_WORD + 1
    assert found.tolist() == [[the, bank, PADDING, PADDING], [UNKNOWN, the, the, the], [PADDING] * 4]


def brute_force(title):
    """All character n-grams of a title as text."""
    found = set()
    for word in tokens(title):
        padded = f" {word} "
        found |= {padded[i : i + size] for size in (2, 3, 4, 5) for i in range(len(padded) - size + 1)}
    return found


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(alphabet="ab é'\n\t5日", max_size=12), min_size=1, max_size=4))
def test_hashing_all_titles_at_once_finds_what_a_loop_finds(titles):
    rows, hashes = NgramHasher.of(titles).character_ngrams()
    for row, title in enumerate(titles):
        assert len(set(hashes[rows == row].tolist())) == len(brute_force(title))
    rows, hashes = NgramHasher.of(titles).word_ngrams()
    for row, title in enumerate(titles):
        words = tokens(title)
        expected = set(words) | set(pairwise(words))
        assert len(set(hashes[rows == row].tolist())) == len(expected)


def test_an_n_gram_hashes_alike_wherever_it_stands():
    rows, hashes = NgramHasher.of(["bank run", "the bank", "run"]).word_ngrams()
    of = [set(hashes[rows == row].tolist()) for row in range(3)]
    assert len(of[0] & of[1]) == 1
    assert len(of[0] & of[2]) == 1
    assert not of[1] & of[2]


def test_each_kind_of_n_gram_has_length_one():
    encoder = fitted(TITLES, LABELS)
    bags = encoder.ngrams([*TITLES, "xyz qqq"])
    for row in range(len(TITLES)):
        part = slice(bags.offsets[row], bags.offsets[row + 1])
        words = bags.indices[part] < len(encoder.word_ngrams)
        assert np.sum(bags.values[part][words] ** 2) == pytest.approx(1.0, abs=1e-5)
        assert np.sum(bags.values[part][~words] ** 2) == pytest.approx(1.0, abs=1e-5)
    assert bags.offsets[-1] == bags.offsets[-2]


def test_odds_tell_the_class():
    encoder = fitted(TITLES, LABELS)
    bags = encoder.ngrams(["bank", "singer"])
    for row, label in enumerate((0, 1)):
        part = slice(bags.offsets[row], bags.offsets[row + 1])
        scores = bags.values[part] @ encoder.log_odds[bags.indices[part]]
        assert scores.argmax() == label


def test_counting_in_blocks_equals_counting_at_once():
    together, blocks = NgramCounts.empty(2), NgramCounts.empty(2)
    together.add_character_ngrams(TITLES, np.asarray(LABELS))
    for title, label in zip(TITLES, LABELS, strict=True):
        blocks.add_character_ngrams([title], np.asarray([label]))
    for name in ("hashes", "counts"):
        for one, other in zip(getattr(together, name), getattr(blocks, name), strict=True):
            assert np.array_equal(one, other)


def test_the_commonest_n_grams_stay():
    counts = NgramCounts.empty(2)
    counts.add_word_ngrams(["bank", "bank", "bank run", "tour"], np.asarray([0, 0, 0, 1]))
    kept, log_odds = counts.vocabulary(np.asarray([3, 1]), min_df=1, max_size=1, smoothing=0.5)
    assert len(kept) == 1
    assert kept.idf[0] == pytest.approx(np.log(5 / 4) + 1)
    assert log_odds[0, 0] > 0 > log_odds[0, 1]


def test_saved_features_encode_alike(tmp_path):
    encoder = fitted(TITLES, LABELS, min_df=2)
    encoder.save(tmp_path)
    loaded = Encoder.load(tmp_path)
    titles = [*TITLES, "a new title"]
    assert np.array_equal(loaded.sequences(titles), encoder.sequences(titles))
    assert np.array_equal(loaded.ngrams(titles).values, encoder.ngrams(titles).values)
    assert loaded.classes == encoder.classes


def test_padding_a_batch_keeps_rows_in_order():
    bags = NgramBags(
        indices=np.array([5, 6, 7]), values=np.array([1.0, 2.0, 3.0], np.float32), offsets=np.array([0, 2, 2, 3])
    )
    indices, values = bags.padded(np.array([2, 1, 0]))
    assert indices.tolist() == [[7, 0], [0, 0], [5, 6]]
    assert values.tolist() == [[3.0, 0.0], [0.0, 0.0], [1.0, 2.0]]


def test_no_known_n_grams_is_no_error():
    none = NgramVocabulary(hashes=np.empty(0, np.uint64), idf=np.empty(0, np.float32))
    empty = Encoder(
        classes=("b", "e"), words=(), word_ngrams=none, character_ngrams=none, log_odds=np.empty((0, 2)), length=3
    )
    bags = empty.ngrams(["some title"])
    assert len(bags.indices) == 0
    assert bags.padded(np.array([0]))[1].tolist() == [[0.0]]


def test_unknown_words_are_counted_of_those_that_are_read():
    encoder = fitted(TITLES, LABELS)
    found = encoder.unknown_words(encoder.sequences(["the bank fails", ""]))
    assert {name: each.tolist() for name, each in found.items()} == {"unknown_words": [1, 0], "words": [3, 0]}
