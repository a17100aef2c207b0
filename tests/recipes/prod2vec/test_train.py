"""The training step is the gradient of the Keras model, draws are fair, and a killed training resumes."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from recipes.prod2vec.config import CONFIG
from recipes.prod2vec.features import RaggedArray
from recipes.prod2vec.inference import ProductVectors
from recipes.prod2vec.process import process
from tests.recipes.prod2vec.conftest import queries_of, vocabulary_of, write_prepared
from trainyard.contract.training import checkpoint
from trainyard.contract.training.curves import CURVES_FILE
from trainyard.errors import JobFailed
from trainyard.run.settings.overrides import override

tf = pytest.importorskip("tensorflow")

from recipes.prod2vec import train as training  # noqa: E402
from recipes.prod2vec.batches import (  # noqa: E402
    NEGATIVES_PER_BASKET,
    SLOTS,
    BasketSampler,
    alias_table,
    expected_pairs,
    products_per_basket,
)
from recipes.prod2vec.model import SkipGramTrainer, build, pair_gradients, pair_labels  # noqa: E402
from recipes.prod2vec.step_schedule import MAX_STEPS_PER_CALL, StepSchedule  # noqa: E402

# Four groups of five products that are only bought with each other.
RANDOM = np.random.default_rng(0)
GROUPS = [np.arange(5) + 10 * group for group in range(4)]


def grouped_baskets(count, role, first_order):
    return [
        (first_order + row, role, RANDOM.permutation(GROUPS[row % 4])[: 3 + row % 3].tolist()) for row in range(count)
    ]


@pytest.fixture(scope="module")
def channels(tmp_path_factory):
    root = tmp_path_factory.mktemp("grouped")
    baskets = [
        *grouped_baskets(400, "train", 0),
        *grouped_baskets(40, "validation", 1000),
        *grouped_baskets(40, "holdout", 2000),
    ]
    process(write_prepared(root / "prepare", baskets), root / "process", config=config())
    return {name: root / "process" / name for name in ("train", "validation", "features")}


def config(**hyperparameters):
    changes = {"embedding_size": 8, "epochs": 6, **hyperparameters}
    return override(CONFIG, {"hyperparameters": changes, "data": {"subsampling_threshold": 0}})


def trained(channels, root, settings):
    model_dir, checkpoints = root / "model", root / "checkpoints"
    model_dir.mkdir(parents=True)
    checkpoints.mkdir(exist_ok=True)
    return training.train(channels, model_dir, checkpoints=checkpoints, config=settings), ProductVectors.load(model_dir)


def test_the_written_out_gradient_is_that_of_the_keras_model():
    model = build(products=9, embedding_size=4, seed=1)
    values = np.random.default_rng(2).normal(0, 1, (2, 9, 4)).astype(np.float32)
    model.set_weights(list(values))
    drawn, used = tf.constant([[0, 1, 2], [3, 4, 4]]), tf.constant([[1.0, 1.0, 1.0], [1.0, 1.0, 0.0]])
    negatives = tf.constant([[5, 6], [7, 0]])
    weight = 5.0
    pairs = [(0, 0, 1), (0, 0, 2), (0, 1, 0), (0, 1, 2), (0, 2, 0), (0, 2, 1), (1, 0, 1), (1, 1, 0)]
    target, context, label, share = [], [], [], []
    for basket, centre, other in pairs:
        row = drawn[basket].numpy()
        target += [row[centre]] * 3
        context += [row[other], *negatives[basket].numpy()]
        label += [1.0, 0.0, 0.0]
        share += [1.0, weight / 2, weight / 2]
    with tf.GradientTape() as tape:
        probability = model([tf.constant(target), tf.constant(context)])
        losses = tf.keras.losses.binary_crossentropy(np.array(label)[:, None], probability)
        total = tf.reduce_sum(losses * np.array(share, np.float32))
    expected = [tf.convert_to_tensor(each).numpy() for each in tape.gradient(total, model.trainable_variables)]

    contexts = tf.concat([drawn, negatives], axis=1)
    loss, by_target, by_context = pair_gradients(
        tf.gather(values[0], drawn),
        tf.gather(values[1], contexts),
        labels=pair_labels(drawn, used, slots_per_basket=3),
        negative_weight=weight,
    )
    summed = [
        tf.math.unsorted_segment_sum(by_target, tf.reshape(drawn, [-1]), 9).numpy(),
        tf.math.unsorted_segment_sum(by_context, tf.reshape(contexts, [-1]), 9).numpy(),
    ]
    assert float(loss) == pytest.approx(float(total) / len(pairs), rel=1e-4)
    for ours, keras_gradient in zip(summed, expected, strict=True):
        assert ours == pytest.approx(keras_gradient, abs=1e-4)


def test_expected_pairs_are_those_of_a_shrinking_window():
    def counted(length, window):
        near = [
            sum(1 for a in range(length) for b in range(length) if 0 < abs(a - b) <= size)
            for size in range(1, window + 1)
        ]
        return np.mean(near)

    lengths = np.array([2, 3, 7, 40])
    assert expected_pairs(lengths, 10) == pytest.approx([counted(length, 10) for length in lengths])
    assert expected_pairs(lengths, 1) == pytest.approx([2, 4, 12, 78])


def test_an_alias_table_gives_exactly_the_weights():
    weights = np.array([1e-9, 5.0, 0.5, 2.5, 1.0])
    accept, other = alias_table(weights)
    chance = accept.astype(np.float64) / 5
    np.add.at(chance, other, (1 - accept.astype(np.float64)) / 5)
    assert chance == pytest.approx(weights / weights.sum(), rel=1e-6, abs=1e-9)


def sampler(rows, **changes):
    options = {
        "keep_probability": np.ones(100, np.float32),
        "negative_probability": np.ones(100, np.float32),
        "window": 10,
        "seed": 1,
    }
    return BasketSampler(RaggedArray.from_lists(rows), **{**options, **changes})


def test_a_draw_depends_on_seed_and_number_only():
    rows = [[1, 2], list(range(30))]
    draws, like_it, unlike_it = sampler(rows), sampler(rows), sampler(rows, seed=2)
    first, again = (each.draw(tf.constant(3), steps=2, baskets_per_step=4) for each in (draws, like_it))
    other = draws.draw(tf.constant(4), steps=2, baskets_per_step=4)
    reseeded = unlike_it.draw(tf.constant(3), steps=2, baskets_per_step=4)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[2], other[2])
    assert not np.array_equal(first[2], reseeded[2])


def test_all_pairs_are_drawn_as_often_as_a_window_pairs_them():
    rows = [[0, 1], [2, 3, 4], list(range(10, 50))]
    draws = sampler(rows)
    products, used, negatives = draws.draw(tf.constant(0), steps=40, baskets_per_step=100)
    assert draws.products_per_basket == SLOTS
    assert products.shape == used.shape == (40, 100, SLOTS)
    assert negatives.shape == (40, 100, NEGATIVES_PER_BASKET)
    flat, real = products.numpy().reshape(-1, SLOTS), used.numpy().reshape(-1, SLOTS) > 0
    counts = np.zeros((50, 50))
    for row, mask in zip(flat, real, strict=True):
        there = row[mask]
        counts[np.ix_(there, there)] += 1
    np.fill_diagonal(counts, 0)
    share = np.array([counts[:2, :2].sum(), counts[2:5, 2:5].sum(), counts[10:, 10:].sum()]) / counts.sum()
    expected = expected_pairs(np.array([2, 3, 40]), 10)
    assert share == pytest.approx(expected / expected.sum(), abs=0.02)
    large = counts[10:, 10:]
    # Every two products of the large basket meet; a grid without jitter would never pair some of them.
    assert (large[~np.eye(40, dtype=bool)] > 0).all()


def test_small_baskets_share_a_pack_and_form_no_pairs_with_each_other():
    draws = sampler([[1, 2], [3, 4, 5]])
    assert products_per_basket(np.array([2, 3])) == draws.products_per_basket == 4
    products, used, negatives = draws.draw(tf.constant(0), steps=2, baskets_per_step=8)
    assert products.shape == used.shape == (2, 2, 16)
    assert negatives.shape == (2, 2, 4 * NEGATIVES_PER_BASKET)
    label = pair_labels(products[0], used[0], slots_per_basket=draws.products_per_basket).numpy()
    drawn = products[0].numpy()
    for pack, first, second in np.argwhere(label > 0):
        assert (drawn[pack, first] <= 2) == (drawn[pack, second] <= 2)
        assert first // 4 == second // 4
        assert drawn[pack, first] != drawn[pack, second]
    sizes = used[0].numpy().reshape(2, 4, 4).sum(axis=2)
    assert label.sum() == (sizes * (sizes - 1)).sum()


def test_products_that_are_subsampled_are_used_less():
    keep = np.ones(100, np.float32)
    keep[1] = 0.25
    draws = sampler([[1, 2]], keep_probability=keep)
    products, used, _ = draws.draw(tf.constant(0), steps=10, baskets_per_step=200)
    real = used.numpy() > 0
    rare, all_others = (real & (products.numpy() == each) for each in (1, 2))
    assert rare.sum() / all_others.sum() == pytest.approx(0.25, abs=0.05)


def test_vectors_alone_answer_baskets_where_the_settings_say_so(channels, tmp_path):
    metrics, vectors = trained(channels, tmp_path, config(epochs=1, basket_scorer="vectors"))
    assert metrics["validation_hit_rate_at_10"] == metrics[f"validation_hit_rate_at_10_{vectors.similarity}"]
    assert not list((tmp_path / "model").glob("basket*"))


def test_training_learns_who_is_bought_together_and_leaves_a_whole_model(channels, tmp_path, capsys):
    metrics, vectors = trained(channels, tmp_path, config(epochs=12))
    assert metrics["validation_hit_rate_at_10"] == 1.0
    groups = vectors.vocabulary.product_ids.astype(int) // 10
    nearest = np.array([vectors.similar(index, 4)[0] for index in range(len(groups))])
    assert (groups[nearest] == groups[:, None]).mean() > 0.95
    assert vectors.target.dtype == np.float32
    printed = capsys.readouterr().out
    assert printed.count("validation_hit_rate_at_10_vectors=") == 12
    assert "progress=1.000;" in printed

    keras_model = tf.keras.models.load_model(tmp_path / "model" / training.KERAS_FILE)
    together = keras_model.predict([np.array([0]), np.array([1])], verbose=0)
    by_hand = 1 / (1 + np.exp(-vectors.target[0] @ vectors.context[1]))
    assert together[0] == pytest.approx(by_hand, rel=1e-4)


def test_the_same_seed_gives_the_same_model_and_another_seed_another(channels, tmp_path):
    _, first = trained(channels, tmp_path / "a", config(epochs=2))
    _, second = trained(channels, tmp_path / "b", config(epochs=2))
    _, other = trained(channels, tmp_path / "c", override(config(epochs=2), {"seed": 7}))
    assert np.array_equal(first.target, second.target)
    assert np.array_equal(first.context, second.context)
    assert not np.allclose(first.target, other.target)


def test_a_killed_training_goes_on_from_its_checkpoint(channels, tmp_path, monkeypatch):
    _, whole = trained(channels, tmp_path / "whole", config(epochs=4))
    save = checkpoint.save

    def die_after_two(path, arrays):
        save(path, arrays)
        if len(arrays["history"]) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "save", die_after_two)
    with pytest.raises(KeyboardInterrupt):
        trained(channels, tmp_path / "killed", config(epochs=4))
    monkeypatch.setattr(checkpoint, "save", save)
    shutil.rmtree(tmp_path / "killed" / "model")
    seen = []
    monkeypatch.setattr(training, "progress", lambda fraction, note: seen.append(fraction))
    _, resumed = trained(channels, tmp_path / "killed", config(epochs=4))
    assert seen == [0.75, 1.0]
    assert np.array_equal(whole.target, resumed.target)
    curve = (tmp_path / "killed" / "model" / CURVES_FILE).read_text()
    assert curve == (tmp_path / "whole" / "model" / CURVES_FILE).read_text()


def test_a_learning_rate_that_explodes_fails_in_a_sentence(channels, tmp_path, monkeypatch):
    monkeypatch.setattr(SkipGramTrainer, "train_steps", lambda self, *batch, **rest: tf.constant([float("nan")]))
    with pytest.raises(JobFailed, match=r"found nan in epoch 1; set a smaller hyperparameters\.learning_rate"):
        trained(channels, tmp_path, config())


def test_the_similarity_with_more_validation_hits_is_chosen():
    vocabulary = vocabulary_of(range(40))
    random = np.random.default_rng(0)
    target, context = random.normal(size=(2, 40, 8)).astype(np.float32)
    queries = queries_of(*[([each], each + 10) for each in range(30)])
    # The answers' context vectors point where the questions' target vectors do.
    context[10:] = target[:30] * 5
    chosen, metrics = training.with_best_similarity(
        ProductVectors(vocabulary=vocabulary, target=target, context=context), queries
    )
    assert chosen.similarity == "in_out"
    assert metrics["validation_hit_rate_at_10_vectors"] == metrics["validation_hit_rate_at_10_in_out"] == 1.0


@pytest.mark.parametrize(("pairs", "epochs"), [(1e4, 20), (4e7, 20), (1.6e8, 5), (1e10, 1)])
def test_large_data_get_fewer_epochs_and_say_so(pairs, epochs, capsys):
    settings = config(epochs=20)
    assert training._epochs(SimpleNamespace(pairs_per_epoch=pairs), settings) == epochs
    told = f"{epochs} instead of 20 epochs" in capsys.readouterr().out
    assert told == (epochs < 20)
    more = override(settings, {"hyperparameters": {"max_pairs": 10**12}})
    assert training._epochs(SimpleNamespace(pairs_per_epoch=pairs), more) == 20


@pytest.mark.parametrize(("pairs", "baskets"), [(50.0, 8), (200 * 64 * 64.0, 64), (1e12, 512)])
def test_an_epoch_has_steps_to_learn_in_and_its_share_of_pairs(pairs, baskets):
    schedule = StepSchedule.of(pairs, 200.0, epochs=3)
    assert schedule.baskets_per_step == baskets
    calls = schedule.calls_per_epoch
    steps = calls * schedule.steps_per_call
    assert abs(steps * baskets * 200 - pairs) <= max(calls, 1) * baskets * 200
    assert schedule.steps_per_call <= MAX_STEPS_PER_CALL
    rates = [schedule.learning_rates(epoch * calls + call, initial=0.5) for epoch in (0, 2) for call in (0, calls - 1)]
    assert rates[0][0] == pytest.approx(0.5)
    assert 0.025 <= rates[-1][-1] < 0.5
