"""Training, its checkpoints, and the trained network in numpy."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from recipes.headline_classifier import score
from recipes.headline_classifier.classes import UCI_NAMES
from recipes.headline_classifier.evaluate import read_headlines
from recipes.headline_classifier.features import Encoder, NgramBags
from recipes.headline_classifier.inference import Classifier
from recipes.headline_classifier.ngrams.seen import counted
from recipes.headline_classifier.texts.encoded import EncodedHeadlines
from tests.recipes.headline_classifier.conftest import QUICK

pytest.importorskip("tensorflow")


def folders(root, *names):
    for name in names:
        (root / name).mkdir()
    return [root / name for name in names]


@pytest.mark.parametrize("architecture", ["wide_and_deep", "convolution"])
def test_numpy_gives_what_keras_gives(architecture, channels, quick, tmp_path, monkeypatch):
    import keras

    from recipes.headline_classifier import train as training

    once = architecture == "convolution"
    if once:
        # More headlines than a second training is worth.
        monkeypatch.setattr(training, "MAX_TRAINED_AGAIN", 10)
    config = replace(quick, hyperparameters=replace(QUICK, architecture=architecture, epochs=1))
    model_dir, checkpoints = folders(tmp_path, "model", "checkpoints")
    training.train(channels, model_dir, checkpoints=checkpoints, config=config)
    model = keras.saving.load_model(model_dir / training.KERAS_FILE)
    titles = ["Bank profit beats", "Singer and Movie tour", "Unheardof wordz", ""]
    encoder = Encoder.load(model_dir)
    ngrams, values = encoder.ngrams(titles).padded(np.arange(len(titles)))
    inputs = {"words": encoder.sequences(titles), "grams": ngrams, "values": values}
    expected = np.asarray(
        model({name: inputs[name] for name in model.input} if isinstance(model.input, dict) else inputs)
    )
    found = Classifier.load(model_dir).probabilities(titles)
    assert np.allclose(found, expected, atol=1e-5)
    assert np.allclose(found.sum(axis=1), 1.0)
    learned = sum(json.loads((model_dir / "class_counts.json").read_text()).values())
    train, validation = (len(EncodedHeadlines.load(channels[role])) for role in ("train", "validation"))
    assert learned == (train if once else train + validation)
    # Where a model has not learned from validation headlines, it knows none of their n-grams.
    assert once == (encoder.ngram_count < Encoder.load(channels["features"]).ngram_count)


def test_a_model_that_learned_once_knows_the_n_grams_it_learned_from_alone(channels):
    from recipes.headline_classifier.network.trainer import Trainer

    encoder, headlines = Encoder.load(channels["features"]), EncodedHeadlines.load(channels["train"])
    vectors = np.zeros((len(encoder.words) + 2, 8), np.float32)
    trainer = Trainer(encoder, vectors, hyperparameters=QUICK, seed=1)
    added = np.random.default_rng(0).normal(size=encoder.log_odds.shape).astype(np.float32)
    trainer.add_to_wide(added, bias=np.float32([0.1, 0.2, 0.3, 0.4]))
    kept = counted(headlines, encoder).any(axis=1)
    before = trainer.network().part_logits(headlines.sequences, headlines.ngrams)
    trainer.forget(kept)
    assert trainer.encoder.ngram_count == kept.sum() < len(kept)
    again = EncodedHeadlines.of(trainer.encoder, read_headlines(channels["train"])[0], labels=headlines.labels)
    after = trainer.network().part_logits(again.sequences, again.ngrams)
    assert np.allclose(after, before, atol=1e-4)


def test_the_same_seed_gives_the_same_model_and_a_stopped_training_goes_on(
    channels, quick, trained, tmp_path, monkeypatch
):
    from recipes.headline_classifier import train as training

    model_dir, checkpoints = folders(tmp_path, "model", "checkpoints")
    epoch = training._epoch

    ran = []

    def until_the_third_of_the_second_training(*given, **named):
        if ran == [0, 1, 2, 3, 0, 1]:
            raise KeyboardInterrupt
        ran.append(named["epoch"])
        return epoch(*given, **named)

    monkeypatch.setattr(training, "_epoch", until_the_third_of_the_second_training)
    with pytest.raises(KeyboardInterrupt):
        training.train(channels, model_dir, checkpoints=checkpoints, config=quick)
    ran.clear()
    monkeypatch.setattr(
        training, "_epoch", lambda *given, **named: ran.append(named["epoch"]) or epoch(*given, **named)
    )
    training.train(channels, model_dir, checkpoints=checkpoints, config=quick)
    assert ran == [2, 3]
    with np.load(model_dir / "weights.npz") as found, np.load(trained / "weights.npz") as expected:
        for name in expected.files:
            assert np.allclose(found[name], expected[name], atol=1e-5), name


def test_a_batch_is_learnt_by_heart_and_forgotten(channels, quick):
    from recipes.headline_classifier.batches import Batch, batch_of
    from recipes.headline_classifier.network.trainer import Trainer

    encoder, headlines = Encoder.load(channels["features"]), EncodedHeadlines.load(channels["train"])
    vectors = np.random.default_rng(0).normal(0, 0.1, (len(encoder.words) + 2, 8)).astype(np.float32)
    trainer = Trainer(encoder, vectors, hyperparameters=replace(QUICK, learning_rate=5e-3, dropout=0.0), seed=1)
    batch = batch_of(headlines, np.arange(32), class_weights=np.ones(4, np.float32))
    start = trainer.state()
    for _ in range(150):
        trainer.train_steps(Batch(*(each[None] for each in batch)), [5e-3])
    parts = trainer.model({"words": batch.words, "grams": batch.ngrams, "values": batch.values}, training=False)
    for name, logits in parts.items():
        assert (logits.numpy().argmax(axis=1) == batch.labels).all(), name
    trainer.restart(encoder)
    assert all(np.array_equal(array, start[name]) for name, array in trainer.state().items())


def test_steps_of_one_call_are_those_of_calls_of_their_own(channels):
    from recipes.headline_classifier.batches import Batch, epoch_batches
    from recipes.headline_classifier.network.trainer import Trainer

    encoder, headlines = Encoder.load(channels["features"]), EncodedHeadlines.load(channels["train"])
    vectors = np.random.default_rng(0).normal(0, 0.1, (len(encoder.words) + 2, 8)).astype(np.float32)
    trainer = Trainer(encoder, vectors, hyperparameters=replace(QUICK, dropout=0.0), seed=1)
    groups = list(epoch_batches(headlines, np.ones(4, np.float32), batch_size=300, seed=1, epoch=0))
    order = np.random.default_rng([1, 0]).permutation(len(headlines))
    assert np.array_equal(np.concatenate([each.labels.ravel() for each in groups]), headlines.labels[order])
    assert groups[0].labels.shape == (3, 300)
    rates = np.float32([3e-3, 2e-3, 1e-3])
    losses = trainer.train_steps(groups[0], rates).numpy()
    together = trainer.state()
    trainer.restart(encoder)
    alone = [trainer.train_steps(Batch(*(e[s : s + 1] for e in groups[0])), rates[s : s + 1]) for s in range(3)]
    assert np.allclose(losses, np.concatenate(alone), atol=1e-6)
    assert all(np.allclose(array, together[name], atol=1e-6) for name, array in trainer.state().items())


def test_a_learning_rate_without_bounds_fails_with_a_reason(channels, quick, tmp_path, monkeypatch):
    from recipes.headline_classifier import train as training
    from trainyard.errors import JobFailed

    model_dir, checkpoints = folders(tmp_path, "model", "checkpoints")
    monkeypatch.setattr(training.Trainer, "train_steps", lambda *_: [np.nan])
    with pytest.raises(JobFailed, match="finite loss, found nan in epoch 1"):
        training.train(channels, model_dir, checkpoints=checkpoints, config=quick)


@pytest.mark.parametrize(("of_first", "expected"), [(1.0, 3.0), (0.25, 1.5)])
def test_class_weights_average_one_and_lift_the_rare(of_first, expected):
    from recipes.headline_classifier.batches import batch_of, class_weights

    labels = np.repeat([0, 1], [90, 10])
    none = NgramBags(indices=np.empty(0, np.int32), values=np.empty(0, np.float32), offsets=np.zeros(101, np.int64))
    # Those of the first class are of larger stories, and count less.
    own = np.where(labels == 0, of_first, 1.0).astype(np.float32)
    headlines = EncodedHeadlines(sequences=np.zeros((100, 1)), ngrams=none, labels=labels, weights=own)
    weights = class_weights(headlines, 2, exponent=0.5)
    batch = batch_of(headlines, np.arange(100), class_weights=weights)
    assert batch.weights.mean() == pytest.approx(1.0)
    assert batch.weights[-1] / batch.weights[0] == pytest.approx(expected / of_first)
    alike = class_weights(headlines, 2, exponent=0.0)
    assert alike[0] == pytest.approx(alike[1])


def test_the_model_folder_holds_vectors_and_curves(trained):
    from recipes.headline_classifier.network import word_vectors

    words, vectors = word_vectors.load(trained, 10)
    assert list(Encoder.load(trained).words[:10]) == words
    assert vectors.shape == (10, QUICK.vector_size)
    lines = (trained / "curves.csv").read_text().splitlines()
    assert lines[0] == "epoch,loss,validation_loss,validation_accuracy,validation_macro_f1"
    assert len(lines) == 1 + QUICK.epochs
    assert not list(trained.glob("*.pkl"))
    assert json.loads((trained / "network.json").read_text())["temperature"] > 0


def test_the_model_knows_how_many_headlines_of_each_class_it_learned_from(trained, channels, tmp_path):
    tables = [pq.read_table(channels[role] / "headlines.parquet") for role in ("train", "validation")]
    counted = Counter(UCI_NAMES[each] for table in tables for each in table["category"].to_pylist())
    assert score.seen(trained) == {"category_name": dict(counted)}
    # A model from before the counts were kept.
    assert score.seen(tmp_path) == {}


def test_mapped_files_are_given_up_again_and_again(monkeypatch):
    from recipes.headline_classifier import batches

    count = 8 * batches.HEADLINES_BETWEEN_RELEASES
    offsets = np.zeros(count + 1, np.int64)
    none = NgramBags(indices=np.empty(0, np.int32), values=np.empty(0, np.float32), offsets=offsets)
    ones = np.ones(count, np.float32)
    headlines = EncodedHeadlines(
        sequences=np.zeros((count, 1), np.int32), ngrams=none, labels=ones.astype(int), weights=ones
    )
    released = []
    monkeypatch.setattr(EncodedHeadlines, "release", lambda self: released.append(len(self)))

    def epoch(batch_size):
        released.clear()
        for _ in batches.epoch_batches(headlines, np.ones(2, np.float32), batch_size=batch_size, seed=1, epoch=0):
            pass
        return len(released)

    assert epoch(64) == 0
    monkeypatch.setattr(batches, "KEPT_BYTES", 1000)
    # However large a step is: with large steps, all of the files would be in memory before a thousand of them.
    assert epoch(64) == 7
    assert epoch(2048) == 3


def test_few_headlines_have_a_support_vector_machine_beside_naive_bayes(channels, monkeypatch):
    from recipes.headline_classifier.network import linear_parts
    from recipes.headline_classifier.network.trainer import Trainer

    encoder = Encoder.load(channels["features"])
    train, validation = (EncodedHeadlines.load(channels[role]) for role in ("train", "validation"))
    vectors = np.random.default_rng(0).normal(0, 0.1, (len(encoder.words) + 2, 8)).astype(np.float32)

    def added():
        trainer = Trainer(encoder, vectors, hyperparameters=QUICK, seed=1)
        factors = linear_parts.add_chosen(trainer, train, validation=validation)
        network = trainer.network()
        again = Trainer(encoder, vectors, hyperparameters=QUICK, seed=1)
        linear_parts.add(again, train, factors=factors)
        assert np.array_equal(again.network().weights["wide_table"], network.weights["wide_table"])
        found = network.probabilities(validation.sequences, validation.ngrams).argmax(axis=1)
        return factors, network, (found == validation.labels).mean()

    few, network, right = added()
    assert right > 0.9
    assert few.svm > 0.0
    assert few.naive_bayes > 0.0
    # Commoner classes have more of the bias that the frequencies are given back by.
    assert few.frequency > 0.0
    counts = np.bincount(train.labels)
    monkeypatch.setattr(linear_parts, "FREQUENCY_SHARE", 0.0)
    without = added()[1].weights["wide_bias"]
    assert (np.diff((network.weights["wide_bias"] - without)[np.argsort(counts)]) > 0.0).all()
    monkeypatch.setattr(linear_parts, "FEW_HEADLINES", 10)
    many, _, right = added()
    assert many.svm == many.frequency == 0.0
    assert few.words == 0.0
    assert right > 0.9
    # Words alone are taken where validation headlines say so, here whatever they say.
    monkeypatch.setattr(linear_parts, "WORDS", replace(linear_parts.WORDS, usual=0.5))
    many, _, right = added()
    assert many.words > 0.0
    assert right > 0.9
