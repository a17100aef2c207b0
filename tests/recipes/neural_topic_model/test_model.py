"""From the sample to topics: planted themes found, numpy as Keras, resumed as unbroken, collapse refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import ibis
import numpy as np
import pytest

from recipes.neural_topic_model import evaluate, features, process, sample, serve
from recipes.neural_topic_model.config import CONFIG, sources
from recipes.neural_topic_model.documents.bags_of_words import BagsOfWords
from recipes.neural_topic_model.documents.corpus import HOLDOUT_CORPUS_FILE, load_lemmas
from recipes.neural_topic_model.inference import ARRAYS, TopicModel, encoder_inputs, ranked_words
from recipes.neural_topic_model.metrics import completion_gains, load_unigram
from recipes.neural_topic_model.prepare import prepare
from recipes.neural_topic_model.topics.mixture import MixtureTopics
from tests.recipes.tables import read_sources
from trainyard.contract.training import curves
from trainyard.errors import BadRequest, JobFailed
from trainyard.run.documents import Comparison, Metric
from trainyard.run.settings.overrides import override
from trainyard.stages.evaluate.bootstrap import paired_difference
from trainyard.stages.gate import decide

pytest.importorskip("tensorflow")

SIZE = 1500
SMALL = override(
    CONFIG,
    {
        "data": {"vector_size": 20},
        "hyperparameters": {"topics": 20, "epochs": 12, "steps_per_epoch": 10, "hidden_units": 64},
    },
)


@pytest.fixture(scope="module")
def processed(tmp_path_factory):
    """Themes that were planted, and the examples made of the sample."""
    root = tmp_path_factory.mktemp("topics")
    planted = sample.write(root / "raw", size=SIZE, seed=7)["topics"]
    tables = read_sources(ibis.duckdb.connect(), root / "raw", sources(SMALL))
    for name, table in prepare(tables, SMALL).items():
        (root / "prepare" / name).mkdir(parents=True)
        table.to_parquet(root / "prepare" / name / "part-00000.parquet")
    process.process(root / "prepare", root / "process", config=SMALL)
    return planted, root / "process"


def trained(examples: Path, root: Path, config=SMALL, checkpoints: Path | None = None) -> Path:
    from recipes.neural_topic_model.train import train

    model_dir = root / "model"
    model_dir.mkdir(parents=True)
    checkpoints = checkpoints or root / "checkpoints"
    checkpoints.mkdir(exist_ok=True)
    train(
        {name: examples / name for name in ("train", "validation", "features")},
        model_dir,
        checkpoints=checkpoints,
        config=config,
    )
    return model_dir


def network_of(model: TopicModel) -> TopicModel:
    """A model as earlier versions saved it: the network alone, its words ranked by weight."""
    return replace(model, mixture=None, network_weight=1.0, word_order=None)


@pytest.fixture(scope="module")
def model_dir(processed, tmp_path_factory):
    return trained(processed[1], tmp_path_factory.mktemp("trained"))


def test_planted_themes_are_found(processed, model_dir):
    topics = [set(words) for words in TopicModel.load(model_dir).top_words(10)]
    found = [max(len(set(theme) & topic) for topic in topics) for theme in processed[0]]
    # Two words of ten would be chance; every theme has a topic of its own words.
    assert min(found) >= 7, found


def test_metrics_tell_a_good_model_from_a_collapsed_one(processed, model_dir, tmp_path):
    holdout = processed[1] / "holdout"
    good = evaluate.evaluate(model_dir, holdout, config=SMALL)
    assert good.metrics["completion_gain"] == pytest.approx(good.examples.mean())
    assert good.metrics["completion_gain"] > 0.2
    assert decide(_comparison(good), SMALL.gate).promote
    model = network_of(TopicModel.load(model_dir))
    collapsed = replace(model, topic_words=np.repeat(model.topic_words[:1], len(model.topic_words), axis=0))
    collapsed.save(tmp_path)
    bad = evaluate.evaluate(tmp_path, holdout, config=SMALL)
    assert bad.metrics["tu"] == pytest.approx(1 / 20)
    assert bad.metrics["completion_gain"] < good.metrics["completion_gain"] - 0.1
    decision = decide(_comparison(bad), SMALL.gate)
    assert not decision.promote
    assert any(each.startswith("tu >= 0.65") for each in decision.reasons)


def _comparison(evaluation):
    metrics = {name: Metric(value=value) for name, value in evaluation.metrics.items()}
    return Comparison(recipe="neural_topic_model", rows=len(evaluation.examples), metrics=metrics)


def test_a_model_of_another_vocabulary_is_evaluated_on_the_same_documents(processed, model_dir, tmp_path):
    model, holdout = network_of(TopicModel.load(model_dir)), processed[1] / "holdout"
    kept = np.arange(0, len(model.vocabulary), 2)
    words = tuple(model.vocabulary.words[index] for index in kept)
    older = replace(
        model,
        vocabulary=replace(model.vocabulary, words=(*words, "zzz")),
        idf=np.append(model.idf[kept], 1.0).astype(np.float32),
        hidden_kernel_1=np.vstack([model.hidden_kernel_1[kept], np.zeros((1, 64), np.float32)]),
        topic_words=np.hstack([model.topic_words[:, kept], np.full((len(model.topic_words), 1), -3.0, np.float32)]),
    )
    older.save(tmp_path)
    evaluation = evaluate.evaluate(tmp_path, holdout, config=SMALL)
    assert evaluation.examples.shape == evaluate.evaluate(model_dir, holdout, config=SMALL).examples.shape
    assert np.isfinite(evaluation.examples).all()


def test_knowing_only_frequencies_gains_nothing(processed, model_dir):
    model, unigram = network_of(TopicModel.load(model_dir)), load_unigram(processed[1] / "holdout")
    documents = load_lemmas(processed[1] / "holdout" / HOLDOUT_CORPUS_FILE)
    share = np.log([unigram[word] for word in model.vocabulary.words]) + np.log(model.idf)
    flat = replace(model, topic_words=np.tile(share, (len(model.topic_words), 1)))
    assert np.abs(completion_gains(flat, documents, unigram=unigram)).max() < 1e-5


def test_numpy_gives_what_keras_gives(processed, model_dir):
    import keras

    network = keras.models.load_model(model_dir / "model.keras")
    model = network_of(TopicModel.load(model_dir))
    counts = BagsOfWords.load(processed[1] / "validation").dense(np.arange(20))
    mean, _, logits = (np.asarray(each) for each in network(encoder_inputs(counts, model.idf), training=False))
    expected = np.exp(mean) / np.exp(mean).sum(axis=1, keepdims=True)
    assert np.allclose(model.topic_shares(counts), expected, atol=1e-5)
    assert np.allclose(model.topic_shares(counts) @ model.topic_words, logits, atol=1e-4)


def test_a_simple_model_on_the_same_documents_or_on_a_part_of_them_says_no_more(processed, model_dir, monkeypatch):
    monkeypatch.setattr(evaluate, "MAX_REFERENCE_DOCUMENTS", 10)
    monkeypatch.setattr(evaluate, "PROBABILISTIC", {"NMF, refined": evaluate.RefinedNmf})
    holdout, train = processed[1] / "holdout", processed[1] / "train"
    found = evaluate.references({"train": train}, holdout, config=SMALL)
    assert found["NMF (scikit-learn)"].examples is None
    refined = found["NMF, refined"]
    assert len(refined.examples) == len(refined.rows) == 10
    simple = evaluate.RefinedNmf.fit(
        BagsOfWords.load(train), features.Vocabulary.load(train), topics=20, seed=SMALL.seed
    )
    gains = completion_gains(simple, load_lemmas(holdout / HOLDOUT_CORPUS_FILE), unigram=load_unigram(holdout))
    assert np.allclose(gains[refined.rows], refined.examples, atol=1e-5)
    ours = evaluate.evaluate(model_dir, holdout, config=SMALL).examples
    assert paired_difference(ours, gains).high >= 0


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_what_validation_chose_survives_the_disk(model_dir, tmp_path, weight):
    model = replace(TopicModel.load(model_dir), network_weight=weight)
    counts = np.random.default_rng(0).poisson(0.1, (3, len(model.vocabulary))).astype(np.float32)
    mixture = MixtureTopics(
        word_shares=np.full((20, len(model.vocabulary)), 1 / len(model.vocabulary), np.float32),
        prior=np.full(20, 0.05, np.float32),
        pseudo_words=2.0,
    )
    model = replace(model, mixture=mixture)
    model.save(tmp_path)
    again = TopicModel.load(tmp_path)
    shares = again.topic_shares(counts)
    alone = network_of(model).topic_shares(counts)
    assert np.allclose(shares, weight * alone + (1 - weight) / 20, atol=1e-6)
    assert np.array_equal(again.word_probabilities(shares), model.word_probabilities(shares))
    assert again.top_words(50) == model.top_words(50)


def test_a_model_of_an_earlier_version_is_what_it_was(processed, model_dir, tmp_path):
    model = network_of(TopicModel.load(model_dir))
    model.save(tmp_path)
    with np.load(tmp_path / "weights.npz") as file:
        assert {"importance", "topic_words"} <= set(file) == {*ARRAYS, "importance"} - {"idf"}
    again = TopicModel.load(tmp_path)
    assert again.mixture is None
    ranked = ranked_words(model.topic_words, model.idf)
    assert again.top_words(3)[0] == [model.vocabulary.words[index] for index in ranked[0, :3]]
    assert evaluate.evaluate(tmp_path, processed[1] / "holdout", config=SMALL).metrics["completion_gain"] > 0.2
    assert serve.load(tmp_path).predict([{"text": "coffee roast and espresso"}])[0]["known_words"] == 3


def test_a_training_that_was_stopped_ends_as_an_unbroken_one(processed, tmp_path, monkeypatch):
    from recipes.neural_topic_model import train as module

    config = override(SMALL, {"hyperparameters": {"epochs": 4, "steps_per_epoch": 3}})
    unbroken = TopicModel.load(trained(processed[1], tmp_path / "unbroken", config))
    validate, calls = module._Training._validate, []

    def stopped(training):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return validate(training)

    monkeypatch.setattr(module._Training, "_validate", stopped)
    checkpoints = tmp_path / "checkpoints"
    with pytest.raises(KeyboardInterrupt):
        trained(processed[1], tmp_path / "stopped", config, checkpoints)
    monkeypatch.setattr(module._Training, "_validate", validate)
    resumed_dir = trained(processed[1], tmp_path / "resumed", config, checkpoints)
    resumed = TopicModel.load(resumed_dir)
    for name in ARRAYS:
        assert np.allclose(getattr(resumed, name), getattr(unbroken, name), atol=1e-5), name
    assert np.array_equal(resumed.word_order, unbroken.word_order)
    assert resumed.network_weight == unbroken.network_weight
    assert len(curves.read(resumed_dir)["loss"]) == 4


def test_too_few_documents_for_the_topics_are_refused(processed, tmp_path):
    config = override(SMALL, {"hyperparameters": {"topics": 200}})
    few = tmp_path / "few"
    few.mkdir()
    vocabulary = features.Vocabulary.load(processed[1] / "features")
    vocabulary.bags([["coffee", "bean"]] * 10).save(few)
    from recipes.neural_topic_model.train import train

    with pytest.raises(JobFailed, match=r"as many training documents as topics \(200\), found 10"):
        train(
            {"train": few, "validation": few, "features": processed[1] / "features"},
            tmp_path,
            checkpoints=tmp_path,
            config=config,
        )


def test_serving_lemmatizes_raw_text_as_training_did(processed, model_dir):
    model, predictor = TopicModel.load(model_dir), serve.load(model_dir)
    text = "These <b>PUPPIES</b> love the leash, the kennel &amp; dogs' collars!"
    assert model.vocabulary.lemmatizer.lemmas(text) == ["puppy", "love", "leash", "kennel", "dog", "collar"]
    answer, empty = predictor.predict([{"text": text, "count": 20}, {"text": "qqq"}])
    assert "puppy" in answer["topics"][0]["words"]
    assert sum(each["share"] for each in answer["topics"]) == pytest.approx(1.0)
    assert empty == {"topics": [], "known_words": 0}


@pytest.mark.parametrize(
    "row", [{}, {"text": 3}, {"text": "a", "count": 0}, {"text": "a", "count": True}, {"text": "a" * 100_001}, "text"]
)
def test_requests_of_another_form_are_refused(model_dir, row):
    with pytest.raises(BadRequest, match="Row 0: expected"):
        serve.load(model_dir).predict([row])
