"""Words of address and publisher: told apart from the text, learned from where they are read, and optional."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recipes.headline_classifier import prepare, score, serve
from recipes.headline_classifier.config import CONFIG
from recipes.headline_classifier.deciding_parts import DecidingParts
from recipes.headline_classifier.evaluate import read_headlines
from recipes.headline_classifier.features import FIRST_WORD, Encoder
from recipes.headline_classifier.inference import Classifier, Network
from recipes.headline_classifier.ngrams.counts import NgramCounts
from recipes.headline_classifier.one_headline import OneHeadline
from recipes.headline_classifier.process import process
from recipes.headline_classifier.texts.source_words import SEPARATOR, source_words, with_source, without_source
from recipes.headline_classifier.texts.tokenizer import tokens
from tests.recipes.headline_classifier.conftest import QUICK
from tests.recipes.headline_classifier.test_features import LABELS, TITLES, fitted
from tests.recipes.tables import stored

URLS = ["http://a.com/business/1", "https://www.b.com/film-2", "http://a.com/business/bank", "http://c.com/film"]
TEXTS = [with_source(title, (url, None)) for title, url in zip(TITLES, URLS, strict=True)]
READS = replace(CONFIG, data=replace(CONFIG.data, read_url=True, read_publisher=True, min_headlines=10))


def fitted_with_source() -> Encoder:
    counts = NgramCounts.empty(2)
    counts.add_source_words(TEXTS, np.asarray(LABELS))
    known, odds = counts.vocabulary(np.bincount(LABELS), min_df=1, max_size=1000, smoothing=0.5)
    encoder = fitted(TITLES, LABELS)
    return replace(encoder, source_words=known, log_odds=np.concatenate((encoder.log_odds, odds)))


def classifier() -> Classifier:
    """A network of random weights."""
    encoder, random = fitted_with_source(), np.random.default_rng(1)
    shapes = {
        "wide_table": (encoder.ngram_count, 2),
        "wide_bias": (2,),
        "embedding": (len(encoder.words) + FIRST_WORD, 3),
    }
    shapes |= {"hidden_kernel": (3, 4), "hidden_bias": (4,), "deep_kernel": (4, 2), "deep_bias": (2,)}
    weights = {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    return Classifier(
        encoder=encoder,
        network=Network(architecture="wide_and_deep", deep_weight=0.5, temperature=0.7, weights=weights),
    )


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=20), st.none() | st.text(max_size=20), st.none() | st.text(max_size=20))
def test_words_of_the_source_are_behind_the_text_and_never_in_it(title, url, publisher):
    text = with_source(title, (url, publisher))
    assert without_source(text) == title.replace(SEPARATOR, " ")
    assert tokens(text) == tokens(title.replace(SEPARATOR, " "))
    assert all(word.startswith(("u:", "p:")) for word in source_words(text))
    assert text == title.replace(SEPARATOR, " ") or url or publisher


def test_addresses_are_read_without_what_all_of_them_have():
    text = with_source("Rates", ("https://www.news.example/Business/2014/05/rates-rise_n_541.html?x=1", "The  POST"))
    found = ["u:news", "u:example", "u:business", "u:rates", "u:rise", "u:n", "u:x", "p:the post"]
    assert source_words(text) == found
    assert source_words("Rates") == []


def test_the_source_is_a_kind_of_n_grams_of_its_own():
    encoder = fitted_with_source()
    plain, found = encoder.ngrams(TITLES), encoder.ngrams(TEXTS)
    first = encoder.kind_starts[2]
    of_source = found.indices >= first
    assert np.array_equal(found.indices[~of_source], plain.indices)
    assert np.allclose(found.values[~of_source], plain.values)
    assert np.bincount(found.rows[of_source], weights=found.values[of_source] ** 2) == pytest.approx([1.0] * 4)


@pytest.mark.parametrize(
    "text", [*TEXTS, TITLES[0], with_source("", ("http://a.com/film", "x")), with_source("the", "x")]
)
def test_one_headline_with_a_source_has_the_probabilities_that_it_has_among_many(text):
    many = classifier()
    one = OneHeadline.of(many)
    assert one is not None
    assert one.probabilities(text) == pytest.approx(many.probabilities(["bank", text])[1].tolist(), abs=1e-6)


def test_models_from_before_know_no_source_and_few_signs(tmp_path):
    encoder = fitted(TITLES, LABELS)
    encoder.save(tmp_path)
    words = json.loads((tmp_path / "words.json").read_text())
    del words["signs"]
    (tmp_path / "words.json").write_text(json.dumps(words))
    with np.load(tmp_path / "grams.npz") as saved:
        arrays = {name: saved[name] for name in saved.files if not name.startswith("source")}
    np.savez(tmp_path / "grams.npz", **arrays)
    older = Encoder.load(tmp_path)
    assert older.ngram_count == encoder.ngram_count
    assert np.array_equal(older.ngrams(["bank, profit"]).indices, encoder.ngrams(["bank profit"]).indices)
    assert np.array_equal(older.ngrams(TEXTS).indices, encoder.ngrams(TITLES).indices)


def headlines(count: int) -> pa.Table:
    """Titles that say nothing of their class, and addresses that do; the last of them has neither."""
    random = np.random.default_rng(4)
    words = [f"word{number}" for number in range(60)]
    rows = [
        {
            "ID": number,
            "TITLE": " ".join(random.choice(words, 6)),
            "DESCRIPTION": "",
            "CATEGORY": "bt"[number % 2],
            "STORY": f"s{number}",
            "URL": f"http://www.site.com/{('business', 'tech')[number % 2]}/{number}" if number < count - 1 else None,
            "PUBLISHER": random.choice(["Reuters", "Post"]) if number < count - 1 else None,
        }
        for number in range(count)
    ]
    return pa.Table.from_pylist(rows)


def test_prepared_headlines_have_their_source_where_it_is_read():
    tables = stored({"headlines": headlines(60)})
    assert prepare.check(tables, READS).ok
    found = prepare.prepare(tables, READS)["headlines"].to_pyarrow()
    assert {"url", "publisher"} < set(found.column_names)
    assert sum("business" in (url or "") for url in found["url"].to_pylist()) == 30
    plain = prepare.prepare(tables, replace(READS, data=replace(READS.data, read_url=False)))["headlines"]
    assert "url" not in plain.columns
    assert "publisher" in plain.columns


def test_a_model_learns_from_addresses_and_answers_without_them(tmp_path):
    pytest.importorskip("tensorflow")
    from recipes.headline_classifier.train import train

    table = headlines(400)
    config = replace(READS, hyperparameters=replace(QUICK, epochs=2))
    for name, prepared in prepare.prepare(stored({"headlines": table}), config).items():
        (tmp_path / "prepare" / name).mkdir(parents=True)
        prepared.to_parquet(tmp_path / "prepare" / name / "part-00000.parquet")
    process(tmp_path / "prepare", tmp_path / "process", config=config)
    for name in ("model", "checkpoints", "ingest/headlines"):
        (tmp_path / name).mkdir(parents=True)
    channels = {name: tmp_path / "process" / name for name in ("train", "validation", "features")}
    train(channels, tmp_path / "model", checkpoints=tmp_path / "checkpoints", config=config)

    texts, categories = read_headlines(tmp_path / "process" / "holdout")
    model = Classifier.load(tmp_path / "model")
    right = model.probabilities(texts).argmax(axis=1) == [model.encoder.classes.index(each) for each in categories]
    assert right.mean() > 0.95
    parts = DecidingParts.of(model, texts)
    assert parts is not None
    assert np.bincount(parts.decisive(), minlength=len(parts.names)).argmax() == parts.names.index(
        "address and publisher"
    )

    pq.write_table(table.slice(390), tmp_path / "ingest" / "headlines" / "part-00000.parquet")
    scored = pa.concat_tables(score.score(tmp_path / "model", tmp_path / "ingest", config=config)).to_pylist()
    rows = [
        {"title": each["TITLE"], "url": each["URL"], "publisher": each["PUBLISHER"]}
        for each in table.slice(390).to_pylist()
    ]
    answers = serve.load(tmp_path / "model").predict(rows)
    assert [each["category"] for each in scored] == [each["category"] for each in answers]
    assert [each["category"] for each in scored[:-1]] == ["bt"[number % 2] for number in range(390, 399)]
    alone = serve.load(tmp_path / "model").predict([{"title": each["title"]} for each in rows])
    assert all(sum(each["probabilities"].values()) == pytest.approx(1.0) for each in alone)
