"""Training resumes, repeats itself, and is answered alike by Keras and by numpy; held-out labels never reach it."""

from __future__ import annotations

import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recipes.two_tower import evaluate
from recipes.two_tower.batches import RatingBatches
from recipes.two_tower.evaluate import Holdout
from recipes.two_tower.histories import Histories
from recipes.two_tower.inference import Recommender
from recipes.two_tower.ratings import RATINGS_FILE, Ratings
from recipes.two_tower.training_data import L2_STEPS, TrainingData
from tests.recipes.two_tower.conftest import trained_in
from trainyard.contract.training import curves
from trainyard.run.settings.overrides import override

pytest.importorskip("tensorflow")


def weights(model_dir):
    found = {}
    for name in ("rating_towers.npz", "retrieval_towers.npz", "statistics.npz"):
        with np.load(model_dir / name) as saved:
            found |= {f"{name} {key}": saved[key] for key in saved.files}
    return found


def assert_same(first, second):
    assert first.keys() == second.keys()
    for key in first:
        assert np.array_equal(first[key], second[key]), key


def test_scrambled_test_labels_leave_predictions_bit_identical(trained, tmp_path):
    table = pq.read_table(trained.root / "prepare" / "ratings" / "part-00000.parquet")
    held_out = np.asarray(table["role"].to_pylist()) == "holdout"
    values = table["rating"].to_numpy().copy()
    random = np.random.default_rng(1)
    values[held_out] = random.permutation(5.5 - values[held_out])
    scrambled = table.set_column(table.column_names.index("rating"), "rating", pa.array(values))
    shutil.copytree(trained.root / "prepare", tmp_path / "prepare")
    pq.write_table(scrambled, tmp_path / "prepare" / "ratings" / "part-00000.parquet")
    trained_in(tmp_path, trained.config)
    assert_same(weights(trained.model), weights(tmp_path / "model"))
    asked = Ratings.load(trained.holdout / RATINGS_FILE)
    predictions = []
    for root in (trained.root, tmp_path):
        recommender, data = Recommender.load(root / "model"), Holdout.load(root / "process" / "holdout")
        index = recommender.movies.encode(data.keys)
        predictions.append(evaluate.expected_ratings(recommender, data, index=index))
    assert np.array_equal(*predictions)
    assert not np.array_equal(asked.values, Ratings.load(tmp_path / "process" / "holdout" / RATINGS_FILE).values)


def test_a_killed_training_goes_on_as_if_nothing_had_happened(trained, tmp_path, monkeypatch):
    from recipes.two_tower import train as training
    from trainyard.contract.training import checkpoint

    saved, calls = checkpoint.save, []

    def dies(path, arrays):
        saved(path, arrays)
        calls.append(path.name)
        if len(calls) == 6:
            raise KeyboardInterrupt

    for name in ("model", "checkpoints"):
        (tmp_path / name).mkdir()
    channels = trained.channels
    monkeypatch.setattr(checkpoint, "save", dies)
    with pytest.raises(KeyboardInterrupt):
        training.train(channels, tmp_path / "model", checkpoints=tmp_path / "checkpoints", config=trained.config)
    assert calls[-1] == "trial_retrieval.npz"
    monkeypatch.setattr(checkpoint, "save", saved)
    metrics = training.train(channels, tmp_path / "model", checkpoints=tmp_path / "checkpoints", config=trained.config)
    assert metrics == trained.metrics
    assert_same(weights(trained.model), weights(tmp_path / "model"))


@pytest.mark.parametrize("name", ["rating", "retrieval"])
def test_keras_and_numpy_agree(trained, name):
    import keras

    recommender = Recommender.load(trained.model)
    histories = trained.holdout_histories(recommender).take(np.arange(20))
    featurizer = recommender.rating_featurizer if name == "rating" else recommender.featurizer
    towers = recommender.rating_towers if name == "rating" else recommender.retrieval_towers
    profiles = featurizer.profiles(histories)
    movies = np.arange(20)
    given = [
        towers.user.standardize(featurizer.user_features(profiles)),
        towers.movie.standardize(featurizer.movie_features(movies)),
    ]
    users, films = towers.user(featurizer.user_features(profiles)), towers.movie(featurizer.movie_features(movies))
    if name == "retrieval":
        base = featurizer.user_base_vectors(profiles), recommender.statistics.base_vectors[movies]
        given = [given[0], base[0], given[1], base[1]]
        users, films = users + base[0], films + base[1]
    model = keras.models.load_model(trained.model / f"{name}.keras")
    assert model.predict(given, verbose=0)[:, 0] == pytest.approx((users * films).sum(axis=1), rel=1e-4, abs=1e-4)


def test_epochs_of_large_data_see_a_part_drawn_anew(trained, tmp_path, capsys):
    from recipes.two_tower.train import train

    limits = {"max_ratings": 4_000, "max_users": 1_000, "retrieval_epochs": 20}
    config = override(trained.config, {"hyperparameters": limits})
    for name in ("model", "checkpoints"):
        (tmp_path / name).mkdir()
    train(trained.channels, tmp_path / "model", checkpoints=tmp_path / "checkpoints", config=config)
    told = capsys.readouterr().out
    ratings = Ratings.load(trained.channels["train"] / RATINGS_FILE)
    assert f"progress=0.000; rating, 1,000 of {len(ratings):,} in an epoch: hyperparameters.max_ratings" in told
    assert f"progress=0.300; retrieval, 50 of {len(ratings.users)} in an epoch: hyperparameters.max_users" in told


def test_epochs_of_a_part_are_repeated_and_differ():
    class Rows(RatingBatches):
        def batch(self, rows):
            return rows

    def rows(number, size):
        drawn = Rows(featurizer=None, ratings=np.empty(100), epoch_ratings=size, seed=3)
        return np.concatenate(list(drawn.epoch(number, 16)))

    assert len(set(rows(0, 40))) == 40
    assert np.array_equal(rows(1, 40), rows(1, 40))
    assert not np.array_equal(rows(0, 40), rows(1, 40))
    assert sorted(rows(0, 100)) == list(range(100))


def test_towers_begin_with_the_penalty_that_ranks_best_on_validation_ratings(trained, tmp_path):
    from recipes.two_tower.train import train

    weak = {"ease_l2": 4.0, "retrieval_epochs": 1, "rating_epochs": 1}
    config = override(trained.config, {"hyperparameters": weak})
    for name in ("model", "checkpoints"):
        (tmp_path / name).mkdir()
    train(trained.channels, tmp_path / "model", checkpoints=tmp_path / "checkpoints", config=config)
    recommender = Recommender.load(tmp_path / "model")
    known = Histories.load(tmp_path / "model", recommender.movies).ratings.encoded(
        np.arange(len(recommender.movies)), recommender.scale
    )
    data = TrainingData.from_ratings(recommender.movies, known, scale=recommender.scale, config=config)
    saved, size = recommender.statistics, config.hyperparameters.embedding_size
    begun = [
        l2
        for l2 in data.singular_vectors.squared_norms
        if np.allclose(data.singular_vectors.factors(l2).encoder[:, :size], saved.factors, atol=1e-6)
    ]
    # Of a few ratings, most of what a weak penalty leaves is noise.
    assert begun == [4.0 * L2_STEPS[-1]]
    decoder = data.singular_vectors.factors(*begun).decoder[:, :size]
    assert saved.base_vectors == pytest.approx(decoder / config.hyperparameters.temperature, rel=1e-5, abs=1e-6)


def test_towers_that_training_ruins_are_left_as_they_began(trained, tmp_path):
    from recipes.two_tower.train import train

    ruinous = {"retrieval_learning_rate": 0.1, "retrieval_epochs": 3, "rating_epochs": 1}
    config = override(trained.config, {"hyperparameters": ruinous})
    for name in ("model", "checkpoints"):
        (tmp_path / name).mkdir()
    metrics = train(trained.channels, tmp_path / "model", checkpoints=tmp_path / "checkpoints", config=config)
    after = curves.read(tmp_path / "model")["validation_ndcg_at_10"]
    assert max(after) < 0.9 * metrics["validation_ndcg_at_10"]
    untrained = Recommender.load(tmp_path / "model").retrieval_towers
    assert not any(
        array.any() for tower in (untrained.user, untrained.movie) for each in tower.layers for array in each
    )
    assert metrics["validation_ranked_ndcg_at_10"] > 0.9 * trained.metrics["validation_ranked_ndcg_at_10"]


@pytest.mark.parametrize(("total", "seen"), [(100, 100), (1_000, 1_000), (1_001, 1_000), (10**9, 1_000)])
def test_so_many_are_seen_in_all_epochs(total, seen):
    from recipes.two_tower.objectives import in_an_epoch

    assert in_an_epoch(total, most=10_000, epochs=10) == seen
    assert in_an_epoch(total, most=10_000, epochs=100_000) == 1


def test_towers_have_the_documented_widths(trained):
    recommender = Recommender.load(trained.model)
    for tower in (recommender.rating_towers.user, recommender.rating_towers.movie, recommender.retrieval_towers.user):
        assert [kernel.shape[1] for kernel, _ in tower.layers] == [256, 128, 32]


def test_a_batch_can_be_overfitted(trained):
    import tensorflow as tf

    from recipes.two_tower.model import build
    from recipes.two_tower.trainers import RatingTensors, RatingTrainer

    random = np.random.default_rng(0)
    user, movie = random.normal(size=(2, 64, 9)).astype(np.float32)
    wanted = random.normal(size=64).astype(np.float32)
    model = build(user_features=9, movie_features=9, embedding_size=8, seed=1, with_base_vectors=False)
    trainer = RatingTrainer(model, learning_rate=3e-3, weight_decay=0.0, steps=2000)
    batch = RatingTensors(*map(tf.constant, (user, movie, wanted)))
    losses = [float(trainer.step(batch)) for _ in range(200)]
    assert losses[-1] < 0.02 * losses[0]


def test_the_optimizer_moves_weights_as_the_one_of_keras():
    import keras
    import tensorflow as tf

    from recipes.two_tower.averaged_adamw import AveragedAdamW

    random = np.random.default_rng(4)
    start = [random.normal(size=shape).astype(np.float32) for shape in ((3, 2), (2,), ())]
    own, theirs = ([keras.Variable(each, name=f"v{place}") for place, each in enumerate(start)] for _ in range(2))
    optimizer = AveragedAdamW(own, weight_decay=0.1, momentum=0.8)
    expected = keras.optimizers.AdamW(0.05, weight_decay=0.1, use_ema=True, ema_momentum=0.8)
    expected.exclude_from_weight_decay(theirs[1:])
    expected.build(theirs)
    for _ in range(5):
        gradients = [tf.constant(random.normal(size=each.shape), tf.float32) for each in start]
        optimizer.apply(gradients, tf.constant(0.05))
        expected.apply(gradients)
    assert all(np.allclose(a.numpy(), b.numpy(), atol=1e-6) for a, b in zip(own, theirs, strict=True))
    expected.finalize_variable_values(theirs)
    assert all(np.allclose(a.numpy(), b.numpy(), atol=1e-6) for a, b in zip(optimizer.averages, theirs, strict=True))
