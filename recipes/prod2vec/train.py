"""Trains product vectors by skip-gram with negative sampling; runs in the training image, on CPU or GPU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from recipes.prod2vec.basket_choice import choose
from recipes.prod2vec.batches import BasketSampler
from recipes.prod2vec.config import Config
from recipes.prod2vec.features import Queries, Vocabulary
from recipes.prod2vec.inference import SIMILARITIES, ProductVectors
from recipes.prod2vec.metrics import hit_rate, target_ranks
from recipes.prod2vec.model import SkipGramTrainer, build
from recipes.prod2vec.precomputed_neighbours import MAX_PRODUCTS, PrecomputedNeighbours
from recipes.prod2vec.step_schedule import StepSchedule, bounded_epochs
from recipes.prod2vec.training_files import KEEP_PROBABILITY_FILE, NEGATIVE_PROBABILITY_FILE, load_baskets
from trainyard.contract.lean.tensorflow import tf
from trainyard.contract.lean.threads import threads_for
from trainyard.contract.training import checkpoint, curves
from trainyard.contract.training.progress import metric, progress

KERAS_FILE = "model.keras"
CHECKPOINT_FILE = "checkpoint.npz"
EPOCH_METRICS = ("loss", "validation_hit_rate_at_10_vectors")
# Enough to see a curve, and enough for the figure that the tuner compares.
VALIDATION_QUERIES_PER_EPOCH, VALIDATION_QUERIES = 500, 10_000
# With fewer, numpy's threads would only keep cores from TensorFlow's while they wait for the next epoch's queries.
PRODUCTS_PER_THREAD = 5_000


def train(channels: Mapping[str, Path], model_dir: Path, *, checkpoints: Path, config: Config) -> dict[str, float]:
    """Train on the channels `train`, `validation` and `features`; returns the metrics of the finished model.

    Prints `loss` and `validation_hit_rate_at_10_vectors` per epoch. What answers baskets in evaluation and serving is
    chosen on the validation queries (`basket_choice.py`) unless the settings ask for the vectors, and
    `validation_hit_rate_at_10` is its hit rate. A checkpoint after each epoch lets a killed training go on as if
    nothing had happened.
    """
    vectors, metrics = train_vectors(channels, model_dir, checkpoints=checkpoints, config=config)
    if config.hyperparameters.basket_scorer == "vectors":
        return {**metrics, "validation_hit_rate_at_10": metrics["validation_hit_rate_at_10_vectors"]}
    queries = Queries.load(channels["validation"])
    choice = choose(vectors, load_baskets(channels["train"]), queries=queries, seed=config.seed)
    choice.save(model_dir)
    return {**metrics, "validation_hit_rate_at_10": choice.hit_rates[choice.name]}


def train_vectors(
    channels: Mapping[str, Path], model_dir: Path, *, checkpoints: Path, config: Config
) -> tuple[ProductVectors, dict[str, float]]:
    """The vectors, saved with all that belongs to them, and their metrics."""
    vocabulary = Vocabulary.load(channels["features"])
    with threads_for(len(vocabulary), per_thread=PRODUCTS_PER_THREAD):
        return _train(channels, model_dir, vocabulary=vocabulary, checkpoints=checkpoints, config=config)


def _train(
    channels: Mapping[str, Path], model_dir: Path, *, vocabulary: Vocabulary, checkpoints: Path, config: Config
) -> tuple[ProductVectors, dict[str, float]]:
    queries = Queries.load(channels["validation"])
    parameters = config.hyperparameters
    model = build(products=len(vocabulary), embedding_size=parameters.embedding_size, seed=config.seed)
    sampler = _sampler(channels["train"], config)
    trainer = SkipGramTrainer(
        model, negative_weight=float(parameters.negatives), slots_per_basket=sampler.products_per_basket
    )
    history = _fit(
        trainer,
        sampler,
        vocabulary=vocabulary,
        queries=queries.sample(VALIDATION_QUERIES_PER_EPOCH),
        checkpoints=checkpoints,
        config=config,
    )
    vectors, metrics = with_best_similarity(_vectors(trainer, vocabulary), queries.sample(VALIDATION_QUERIES))
    vectors.save(model_dir)
    if len(vocabulary) <= MAX_PRODUCTS:
        PrecomputedNeighbours.compute(vectors).save(model_dir)
    model.save(model_dir / KERAS_FILE)
    curves.write(dict(zip(EPOCH_METRICS, history.T, strict=True)), model_dir)
    return vectors, {"loss": float(history[-1][0]), **metrics}


def with_best_similarity(vectors: ProductVectors, queries: Queries) -> tuple[ProductVectors, dict[str, float]]:
    """The vectors with the similarity that hits more of the queries, and the hit rates of both."""
    rates = {each: _validation_hit_rate(replace(vectors, similarity=each), queries) for each in SIMILARITIES}
    best = max(SIMILARITIES, key=lambda similarity: rates[similarity])
    metrics = {f"validation_hit_rate_at_10_{similarity}": rate for similarity, rate in rates.items()}
    return replace(vectors, similarity=best), {**metrics, "validation_hit_rate_at_10_vectors": rates[best]}


def _validation_hit_rate(vectors: ProductVectors, queries: Queries) -> float:
    return hit_rate(target_ranks(vectors.next_product_scores, queries, vocabulary=vectors.vocabulary))


def _sampler(train_dir: Path, config: Config) -> BasketSampler:
    return BasketSampler(
        load_baskets(train_dir),
        keep_probability=np.load(train_dir / KEEP_PROBABILITY_FILE),
        negative_probability=np.load(train_dir / NEGATIVE_PROBABILITY_FILE),
        window=config.data.window,
        seed=config.seed,
    )


def _vectors(trainer: SkipGramTrainer, vocabulary: Vocabulary) -> ProductVectors:
    return ProductVectors(vocabulary=vocabulary, target=trainer.target.numpy(), context=trainer.context.numpy())


def _fit(
    trainer: SkipGramTrainer,
    sampler: BasketSampler,
    *,
    vocabulary: Vocabulary,
    queries: Queries,
    checkpoints: Path,
    config: Config,
) -> np.ndarray:
    """Run the epochs that no checkpoint holds yet; returns `EPOCH_METRICS` of every epoch [epochs, 2]."""
    epochs = _epochs(sampler, config)
    schedule = StepSchedule.of(sampler.pairs_per_epoch, sampler.pairs_per_basket, epochs=epochs)
    history = _restore(trainer, checkpoints / CHECKPOINT_FILE)
    for epoch in range(len(history), epochs):
        loss = _epoch(trainer, sampler, schedule=schedule, epoch=epoch, config=config)
        rate = _validation_hit_rate(_vectors(trainer, vocabulary), queries)
        for name, value in zip(EPOCH_METRICS, (loss, rate), strict=True):
            metric(name, value)
        progress((epoch + 1) / epochs, f"epoch {epoch + 1} of {epochs}")
        history = np.vstack([history, [[loss, rate]]])
        checkpoint.save(checkpoints / CHECKPOINT_FILE, {"history": history, **trainer.state()})
    return history


def _epochs(sampler: BasketSampler, config: Config) -> int:
    """How many epochs the data need, which is said where it is fewer than the settings have."""
    wanted, pairs = config.hyperparameters.epochs, sampler.pairs_per_epoch
    epochs = bounded_epochs(wanted, pairs_per_epoch=pairs, max_pairs=config.hyperparameters.max_pairs)
    if epochs < wanted:
        progress(0.0, f"{epochs} instead of {wanted} epochs, of {pairs:,.0f} pairs each: hyperparameters.max_pairs")
    return epochs


def _epoch(
    trainer: SkipGramTrainer, sampler: BasketSampler, *, schedule: StepSchedule, epoch: int, config: Config
) -> float:
    """Mean loss of a pair over one epoch. Raises JobFailed when it is no number any more."""
    losses = []
    for call in range(epoch * schedule.calls_per_epoch, (epoch + 1) * schedule.calls_per_epoch):
        products, mask, negatives = sampler.draw(
            tf.constant(call), steps=schedule.steps_per_call, baskets_per_step=schedule.baskets_per_step
        )
        rates = tf.constant(schedule.learning_rates(call, initial=config.hyperparameters.learning_rate))
        losses.append(trainer.train_steps(products, mask, negatives=negatives, learning_rates=rates))
    loss = float(tf.reduce_mean(tf.concat(losses, axis=0)))
    return curves.finite_loss(loss, epoch=epoch, setting="hyperparameters.learning_rate")


def _restore(trainer: SkipGramTrainer, path: Path) -> np.ndarray:
    """Put the trainer where the checkpoint was made; returns the history up to there, empty without a checkpoint."""
    state = checkpoint.load(path)
    if not state:
        return np.empty((0, len(EPOCH_METRICS)))
    trainer.restore(state)
    return state["history"]
