"""Stacked networks learn as Keras's network does, the search keeps its promises, and a killed training resumes."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from recipes.propensity import batches, training_data
from recipes.propensity.batches import effective_batch_size
from recipes.propensity.config import CONFIG, Grid
from recipes.propensity.inference import Ensemble, network_logits
from recipes.propensity.networks import combinations
from recipes.propensity.networks.combinations import COMBINATIONS_FILE
from recipes.propensity.training_data import IN_NO_FOLD, INPUTS_FILE, LABELS_FILE, TrainingData
from tests.recipes.propensity.conftest import SMALL
from trainyard.errors import JobFailed
from trainyard.run.settings.overrides import override

tf = pytest.importorskip("tensorflow")


from recipes.propensity import model as keras_model  # noqa: E402
from recipes.propensity import train as training  # noqa: E402
from recipes.propensity.networks import grid_search  # noqa: E402
from recipes.propensity.networks.stacked_networks import NetworkSettings, StackedNetworks  # noqa: E402
from recipes.propensity.networks.training_loop import fit  # noqa: E402

RANDOM = np.random.default_rng(0)


def settings(**changes):
    own = {"node1": 6, "node2": 4, "dropout1": 0.0, "dropout2": 0.0, "optimizer": "adam", "learning_rate": 0.01}
    return NetworkSettings(**{**own, "lr_annealing": 0.5, **changes})


def planted(rows=600, columns=5):
    inputs = RANDOM.normal(size=(rows, columns)).astype(np.float32)
    labels = (inputs[:, 0] + inputs[:, 1] > 0).astype(np.float32)
    return TrainingData(inputs=inputs, labels=labels, folds=np.arange(rows) % 5)


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop"])
def test_each_network_learns_as_keras_would_teach_it(optimizer):
    data = planted()
    networks = [settings(optimizer=optimizer), settings(node1=3, node2=2, optimizer=optimizer, learning_rate=0.003)]
    stacked = StackedNetworks(networks, 5, seed=1)
    models = [keras_model.build(each, 5, weights=stacked.weights_of(index)) for index, each in enumerate(networks)]
    import keras

    optimizers = {"adam": keras.optimizers.Adam, "rmsprop": keras.optimizers.RMSprop}
    for each, model in zip(networks, models, strict=True):
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        model.compile(optimizers[optimizer](each.learning_rate), loss)
    order = np.arange(600).reshape(12, 50)
    rates = tf.constant([each.learning_rate for each in networks])
    stacked.train_epoch(
        tf.constant(data.inputs),
        tf.constant(data.labels),
        train_mask=tf.ones((2, 600)),
        batches=tf.constant(order),
        rates=rates,
    )
    for index, model in enumerate(models):
        for batch in order:
            model.train_on_batch(data.inputs[batch], data.labels[batch])
        for ours, theirs in zip(stacked.weights_of(index), model.get_weights(), strict=True):
            assert ours == pytest.approx(theirs, abs=2e-4)
        logits = model(data.inputs).numpy()[:, 0]
        assert network_logits(stacked.weights_of(index), data.inputs) == pytest.approx(logits, abs=2e-3)


def test_a_network_learns_nothing_from_the_rows_it_validates():
    data = planted()
    spoilt = TrainingData(
        inputs=data.inputs,
        labels=np.where(data.folds == 0, 1 - data.labels, data.labels).astype(np.float32),
        folds=data.folds,
    )
    weights = []
    for each in (data, spoilt):
        stacked = StackedNetworks([settings()], 5, seed=1)
        tensors = (tf.constant(each.inputs), tf.constant(each.labels))
        train_mask = tf.constant((each.folds != 0)[None].astype(np.float32))
        batches = tf.constant(np.arange(600).reshape(12, 50))
        stacked.train_epoch(*tensors, train_mask=train_mask, batches=batches, rates=tf.constant([0.01]))
        weights.append(stacked.weights_of(0))
    assert all((a == b).all() for a, b in zip(*weights, strict=True))


def test_dropout_keeps_the_share_it_should_and_nothing_else():
    stacked = StackedNetworks([settings(dropout1=0.5), settings(dropout1=0.1)], 5, seed=1)
    first, second = (mask.numpy() for mask in stacked._dropout_masks(4000, tf.constant(3, tf.int64)))
    assert (first == 0).mean(axis=(1, 2)) == pytest.approx([0.5, 0.1], abs=0.02)
    assert first.mean(axis=(1, 2)) == pytest.approx([1, 1], abs=0.03)
    assert (second == 1).all()


def test_early_stopping_keeps_the_best_epoch_and_reduces_the_rate():
    data = planted(300)
    noise = TrainingData(inputs=data.inputs, labels=RANDOM.permutation(data.labels), folds=data.folds)
    stacked = StackedNetworks([settings(node1=32, node2=16, learning_rate=0.03)], 5, seed=1)
    state = fit(stacked, noise, validation_folds=np.array([0]), epochs=60, batch_size=16, seed=1)
    assert state.epochs[0] < 60
    assert state.rates[0] < 0.03
    judged = noise.folds == 0
    logits = stacked.logits(noise.inputs)[0]
    losses = np.logaddexp(0, logits) - noise.labels * logits
    assert losses[judged].mean() == pytest.approx(min(state.validation_loss), abs=1e-4)


def test_a_killed_training_ends_as_if_nothing_had_happened(tmp_path):
    data = planted()

    def run(path, epochs):
        stacked = StackedNetworks([settings(dropout1=0.3)] * 2, 5, seed=1)
        folds = np.array([0, 1])
        fit(stacked, data, validation_folds=folds, epochs=epochs, batch_size=32, seed=1, checkpoint_path=path)
        return [weight.numpy() for weight in stacked.weights]

    whole = run(tmp_path / "whole.npz", 6)
    run(tmp_path / "killed.npz", 3)
    resumed = run(tmp_path / "killed.npz", 6)
    assert all(a == pytest.approx(b, abs=1e-6) for a, b in zip(whole, resumed, strict=True))


def test_a_rate_far_too_large_is_named():
    data = planted()
    stacked = StackedNetworks([settings(learning_rate=1e30)], 5, seed=1)
    with pytest.raises(JobFailed, match=r"finite loss, found .* set a smaller hyperparameters.learning_rate than 1e"):
        fit(stacked, data, validation_folds=np.array([0]), epochs=3, batch_size=32, seed=1)


def test_the_documents_grid_has_32_combinations():
    assert len(combinations.of_grid(Grid())) == 32
    assert len({tuple(vars(each).items()) for each in combinations.of_grid(Grid())}) == 32


def test_model_tune_reports_what_its_combination_reached():
    combination = combinations.of_grid(Grid(node1=(16,), node2=(8,), batch_size=(16,)))[0]
    result = grid_search.model_tune(planted(2000), combination, learning_rate=0.01, seed=1)
    assert result.validation_accuracy > 0.93 and result.auc > 0.98
    assert result.precision > 0.9 and result.recall > 0.9
    assert 1 <= result.epochs_run <= 15


def test_small_data_gets_small_batches():
    assert [effective_batch_size(512, rows) for rows in (100, 2000, 100_000)] == [16, 32, 512]


def test_an_epoch_of_many_rows_takes_a_part_of_them_drawn_anew(monkeypatch):
    monkeypatch.setattr(batches, "MAX_STEPS", 3)
    first, second = (batches.epoch_batches(1000, batch_size=10, seed=1, epoch=epoch) for epoch in (0, 1))
    assert first.shape == second.shape == (3, 10)
    assert set(first.ravel()) != set(second.ravel())


def test_of_many_rows_a_part_judges_and_all_others_are_learned_from(tmp_path, monkeypatch):
    monkeypatch.setattr(training_data, "MAX_JUDGED_ROWS", 10)
    monkeypatch.setattr(training_data, "BLOCK_ROWS", 7)
    parts = {"train": planted(103), "validation": planted(31)}
    for name, part in parts.items():
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / INPUTS_FILE, part.inputs)
        np.save(tmp_path / name / LABELS_FILE, part.labels)
    data = TrainingData.load(tmp_path / "train", tmp_path / "validation", folds=5)
    for name in ("inputs", "labels"):
        both = [getattr(parts[each], name) for each in ("validation", "train")]
        assert (getattr(data, name) == np.concatenate(both)).all()
    judges = [np.flatnonzero(data.folds == fold) for fold in range(5)]
    assert max(map(len, judges)) <= 10 and min(map(len, judges)) >= 5
    assert judges[0].max() < 31 <= min(each.min() for each in judges[1:])
    assert (data.folds == IN_NO_FOLD).sum() == 134 - sum(map(len, judges))


def test_a_run_leaves_everything_that_serving_needs(trained, sampled):
    model_dir, metrics = trained
    root, _ = sampled
    with (model_dir / COMBINATIONS_FILE).open() as file:
        rows = list(csv.DictReader(file))
    losses = [float(row["validation_loss"]) for row in rows]
    assert len(rows) == 4 and losses == sorted(losses)
    assert {"loss", "accuracy", "precision", "recall"} <= set(rows[0])
    assert metrics["validation_auc"] > 0.74
    ensemble = Ensemble.load(model_dir)
    inputs = np.load(root / "process" / "validation" / "inputs.npy")
    import keras

    model = keras.models.load_model(model_dir / training.KERAS_FILE)
    keras_probability = model.predict(inputs, verbose=0)[:, 0]
    expected = 1 / (1 + np.exp(-ensemble.networks_logits(inputs)))
    assert expected == pytest.approx(keras_probability, abs=1e-5)


def test_without_a_search_the_given_hyperparameters_are_trained(sampled, tmp_path):
    root, _ = sampled
    channels = {name: root / "process" / name for name in ("train", "validation", "features")}
    changes = {"search": "none", "node1": 9, "node2": 5, "ensemble_size": 2, "epochs": 2, "boosting_rounds": 0}
    for name in ("model", "checkpoints"):
        (tmp_path / name).mkdir()
    training.train(
        channels,
        tmp_path / "model",
        checkpoints=tmp_path / "checkpoints",
        config=override(CONFIG, {"hyperparameters": changes}),
    )
    ensemble = Ensemble.load(tmp_path / "model")
    assert ensemble.networks[0][0].shape[1] == 9
    assert ensemble.trees is None and ensemble.linear is None
    with (tmp_path / "model" / COMBINATIONS_FILE).open() as file:
        (row,) = csv.DictReader(file)
    assert (row["node1"], row["epochs_run"]) == ("9", "2")


def test_a_finished_search_is_not_repeated(sampled, tmp_path, monkeypatch):
    root, _ = sampled
    channels = {name: root / "process" / name for name in ("train", "validation", "features")}
    config = override(override(CONFIG, SMALL), {"hyperparameters": {"epochs": 1, "boosting_rounds": 0}})
    for name in ("model", "checkpoints"):
        (tmp_path / name).mkdir()

    def killed(*_arguments, **_named):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(training, "fit", killed)
        training.train(channels, tmp_path / "model", checkpoints=tmp_path / "checkpoints", config=config)
    monkeypatch.setattr(grid_search, "search", killed)
    training.train(channels, tmp_path / "model", checkpoints=tmp_path / "checkpoints", config=config)
    assert Ensemble.load(tmp_path / "model").networks
