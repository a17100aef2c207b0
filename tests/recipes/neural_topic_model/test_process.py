"""Lemmas, vocabulary bounds, bags of words, word vectors from a file, and the sample."""

from __future__ import annotations

import csv

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from recipes.neural_topic_model import process, sample
from recipes.neural_topic_model.config import CONFIG
from recipes.neural_topic_model.documents import numbered_corpus
from recipes.neural_topic_model.documents.bags_of_words import BagsOfWords
from recipes.neural_topic_model.documents.numbered_corpus import NumberedCorpus
from recipes.neural_topic_model.features import Lemmatizer, Vocabulary
from recipes.neural_topic_model.topics.names import topic_names
from recipes.neural_topic_model.words.language import stop_words
from recipes.neural_topic_model.words.markup import plain
from recipes.neural_topic_model.words.phrases import phrases
from recipes.neural_topic_model.words.stop_words import EXTRA, STOP_WORDS
from recipes.neural_topic_model.words.word_vectors import WordVectors
from trainyard.errors import JobFailed
from trainyard.run.settings.overrides import override

LEMMATIZER = Lemmatizer(stop_words=frozenset({"the", "don"}), min_letters=3)


def write_documents(folder, texts_by_role):
    (folder / "documents").mkdir(parents=True)
    rows = [
        (f"{role}{number:04d}", role, "positive", text)
        for role, texts in texts_by_role.items()
        for number, text in enumerate(texts)
    ]
    names = ("document", "role", "sentiment", "text")
    pq.write_table(pa.table(dict(zip(names, zip(*rows, strict=True), strict=True))), folder / "documents" / "p.parquet")
    (folder / "language").mkdir()
    pq.write_table(pa.table({"code": ["en"], "share": [1.0]}), folder / "language" / "p.parquet")


def test_lemmas_leave_out_what_says_nothing():
    assert LEMMATIZER.lemmas(
        "The cats' TOYS, 3 of 4 don\N{RIGHT SINGLE QUOTATION MARK}t<br />work: http://x.y/z &quot;"
    ) == [
        "cat",
        "toy",
        "work",
    ]


def test_what_stands_between_words_is_none_of_them():
    text = (
        r"So\n\nbought&nbsp;it at www.shop.org/x?y for me@home.org &amp;amp; l'eau na&iuml;ve <br />café rock-and-roll"
    )
    lemmas = LEMMATIZER.lemmas(text)
    assert lemmas == ["buy", "for", "eau", "naïve", "café", "rock", "and", "roll"]


def test_only_what_may_be_a_name_is_looked_at_before_the_sign_of_an_address():
    """Otherwise a request of one word of 20,000 letters would take seconds."""
    assert plain("me" * 32 + "@home.org") == " "
    assert plain("z" * 6 + "me" * 32 + "@home.org") == "z" * 6 + " "


@pytest.mark.parametrize(
    ("language", "text", "lemmas"),
    [
        ("de", "Die Blüten im Gewächshaus", ["blüte", "gewächshaus"]),
        ("fr", "Les chevaux de l'écurie", ["cheval", "écurie"]),
        ("hi", "किताब अच्छी", ["किताब", "अच्छा"]),
        ("uk", "чудові книги", ["чудовий", "книга"]),
        ("xx", "some words", ["some", "words"]),
    ],
)
def test_words_of_a_language_get_its_lemmas(language, text, lemmas):
    lemmatizer = Lemmatizer(stop_words=stop_words(language), min_letters=3, language=language)
    assert lemmatizer.lemmas(text) == lemmas


def test_topics_are_named_by_their_words_and_phrases_and_no_two_alike(tmp_path):
    texts = [("", f"the battery life of this laptop: {'charger ' * (number % 3)}, works") for number in range(30)]
    words = ("battery", "charger", "laptop", "life", "work")
    found = phrases(texts, words, lemmatizer=LEMMATIZER)
    assert found[0] == ("battery", "life")
    topics = [
        ["charger", "life", "battery", "laptop"],
        ["laptop", "work", "charger"],
        ["laptop", "work", "charger", "life"],
    ]
    assert topic_names(topics, found) == [
        "battery life, charger",
        "laptop, work, charger",
        "laptop, work, charger, life",
    ]
    Vocabulary(words=words, lemmatizer=LEMMATIZER, phrases=found).save(tmp_path)
    assert Vocabulary.load(tmp_path).phrases == found


def test_words_in_too_many_or_too_few_documents_are_left_out(tmp_path):
    texts = [
        f"kitchen {'apple' if number % 2 else 'bread'} {'cherry ' * (number < 2)} {'the plate ' * (number < 25)}"
        for number in range(50)
    ]
    write_documents(tmp_path, {"train": texts, "validation": ["apple plate"], "holdout": ["apple unseen"]})
    config = override(
        CONFIG,
        {
            "data": {"min_df": 0.1, "max_df": 0.9, "top_words": 2, "vector_size": 4},
            "hyperparameters": {"topics": 2},
        },
    )
    figures = process.process(tmp_path, tmp_path / "out", config=config)
    words = Vocabulary.load(tmp_path / "out" / "features").words
    # `kitchen` is in every document, `cherry` in 4 %, `the` is a stop word.
    assert words == ("apple", "bread", "plate")
    assert figures["words"] == 3


@pytest.mark.parametrize(("min_df", "words"), [(0.2, 8), (0.055, 8), (0.03, 9)])
def test_rarer_words_make_up_two_for_each_place_in_the_lists_of_topics(tmp_path, min_df, words):
    # In so many of 100 documents; `stem` is in too many, `lamp` in too few to learn anything of it.
    documents = {"stem": 100, "apple": 40, "bread": 30, "cheese": 25, "dough": 19, "egg": 9, "fig": 7, "gin": 6}
    documents |= {"honey": 5, "lamp": 4}
    texts = [" ".join(word for word, count in documents.items() if number < count) for number in range(100)]
    write_documents(tmp_path, {"train": texts, "validation": texts[:9], "holdout": texts[:9]})
    data = {"min_df": min_df, "max_df": 0.9, "top_words": 2, "vector_size": 4}
    settings = {"data": data, "hyperparameters": {"topics": 2}}
    process.process(tmp_path, tmp_path / "out", config=override(CONFIG, settings))
    kept = sorted(documents, key=lambda word: -documents[word])[1:]
    assert Vocabulary.load(tmp_path / "out" / "features").words == tuple(sorted(kept[:words]))


def test_a_word_that_is_alone_is_refused(tmp_path):
    write_documents(tmp_path, {role: ["same words here"] * 5 for role in ("train", "validation", "holdout")})
    with pytest.raises(JobFailed, match="Expected at least two different words"):
        process.process(tmp_path, tmp_path / "out", config=CONFIG)


def test_where_few_words_are_left_the_most_widespread_of_the_others_stay(tmp_path):
    texts = [f"kettle {'kettles walks' * (number < 9)} walked {'lemon' * (number == 3)}" for number in range(10)]
    write_documents(tmp_path, dict.fromkeys(("train", "validation", "holdout"), texts))
    assert process.process(tmp_path, tmp_path / "out", config=CONFIG)["words"] == 3
    assert Vocabulary.load(tmp_path / "out" / "features").words == ("kettle", "lemon", "walk")


def test_the_stop_words_are_those_of_scikit_learn_and_some_more():
    assert ENGLISH_STOP_WORDS < STOP_WORDS
    assert frozenset(EXTRA.split()) == STOP_WORDS - ENGLISH_STOP_WORDS


def test_bags_count_known_words_and_survive_the_disk(tmp_path):
    vocabulary = Vocabulary(words=("apple", "bread", "cat"), lemmatizer=LEMMATIZER)
    bags = vocabulary.bags([["cat", "apple", "cat", "dog"], [], ["bread"]])
    expected = np.asarray([[1, 0, 2], [0, 0, 0], [0, 1, 0]], dtype=np.float32)
    assert np.array_equal(bags.dense(np.arange(3)), expected)
    assert np.array_equal(bags.dense(np.asarray([2, 0])), expected[[2, 0]])
    assert np.array_equal(vocabulary.counts([["cat", "apple", "cat", "dog"], [], ["bread"]]), expected)
    bags.save(tmp_path)
    again = BagsOfWords.load(tmp_path)
    assert np.array_equal(np.concatenate(list(again.dense_blocks(2))), expected)
    assert again.document_frequency.tolist() == [1, 1, 1]
    assert again.word_frequency.tolist() == [1, 1, 2]


def test_bags_of_numbered_lemmas_are_those_of_lemmas(tmp_path, monkeypatch):
    monkeypatch.setattr(numbered_corpus, "BLOCK_DOCUMENTS", 2)
    texts = ["cat apple cat dog", "the", "bread dog", "apple", "cats"]
    corpus = NumberedCorpus.lemmatize([("", each) for each in texts], lemmatizer=LEMMATIZER, scratch=tmp_path)
    assert corpus.document_frequency() == {"cat": 2, "apple": 2, "dog": 2, "bread": 1}
    assert corpus.documents(np.asarray([2, 4])) == [["bread", "dog"], ["cat"]]
    vocabulary = Vocabulary(words=("apple", "bread", "cat"), lemmatizer=LEMMATIZER)
    expected = vocabulary.bags([LEMMATIZER.lemmas(each) for each in texts]).dense(np.arange(5))
    parts = [each.dense(np.arange(len(each))) for each in corpus.bags(vocabulary)]
    assert np.array_equal(np.concatenate(parts), expected)


def test_of_many_documents_some_are_judged(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "JUDGED_DOCUMENTS", 3)
    texts = [f"kettle {'walked' * (number % 2)} lemon {'plate' * (number % 3 == 0)}" for number in range(12)]
    write_documents(tmp_path, dict.fromkeys(("train", "validation", "holdout"), texts))
    figures = process.process(tmp_path, tmp_path / "out", config=CONFIG)
    assert figures["validation_documents"] == figures["holdout_documents"] == 12
    assert len(BagsOfWords.load(tmp_path / "out" / "validation")) == 3
    assert pq.read_metadata(tmp_path / "out" / "holdout" / "lemmas.parquet").num_rows == 3


def test_word_vectors_may_come_as_a_file(tmp_path):
    texts = [f"{'coffee bean roast' if number % 2 else 'puppy leash kennel'} {number}" for number in range(20)]
    write_documents(tmp_path, dict.fromkeys(("train", "validation", "holdout"), texts))
    (tmp_path / "vectors").mkdir()
    pq.write_table(
        pa.table({"word": ["bean", "coffee"], "v0": [1.0, 0.0], "v1": [0.0, 2.0]}), tmp_path / "vectors" / "p.parquet"
    )
    config = override(
        CONFIG,
        {"data": {"word_vectors": "file", "vector_size": 2, "top_words": 2}, "hyperparameters": {"topics": 2}},
    )
    process.process(tmp_path, tmp_path / "out", config=config)
    vectors = WordVectors.load(tmp_path / "out" / "holdout")
    assert vectors.unit_vectors(["coffee", "unknown", "bean"]).tolist() == [[0.0, 1.0], [1.0, 0.0]]


def test_the_sample_has_the_lines_asked_for_and_is_repeatable(tmp_path):
    planted = sample.write(tmp_path / "a", size=301, seed=5)
    sample.write(tmp_path / "b", size=301, seed=5)
    assert (tmp_path / "a" / "Reviews.csv").read_bytes() == (tmp_path / "b" / "Reviews.csv").read_bytes()
    with (tmp_path / "a" / "Reviews.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 301
    assert {"Score", "Summary", "Text"} <= set(rows[0])
    assert len(planted["topics"]) == 20
    lemmatizer = Lemmatizer(stop_words=frozenset(), min_letters=3)
    assert all(lemmatizer.lemmas(word) == [word] for theme in planted["topics"] for word in theme)
