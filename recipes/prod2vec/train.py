"""Trains product vectors by skip-gram with negative sampling; runs in the training image, on CPU or GPU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tensorflow as tf

from recipes.prod2vec.config import Config
from recipes.prod2vec.draws import BasketSampler
from recipes.prod2vec.features import Queries, Vocabulary
from recipes.prod2vec.model import SkipGramTrainer, build
from recipes.prod2vec.neighbours import MOST_PRODUCTS, NeighbourTable
from recipes.prod2vec.process import KEEP_FILE, NEGATIVE_FILE, load_baskets
from recipes.prod2vec.vectors import SCORINGS, ProductVectors, hits, ranks
from trainyard.errors import JobFailed
from trainyard.progress import metric, progress

KERAS_FILE = "model.keras"
CURVES_FILE = "curves.csv"
CHECKPOINT_FILE = "checkpoint.npz"
# Steps of one call of the compiled program, at most: more would only delay the progress that is shown.
MAX_STEPS_PER_CALL = 64
# An epoch needs some steps to learn in, a step some baskets to be worth its overhead.
MIN_STEPS_PER_EPOCH = 64
BASKETS_PER_STEP = (8, 512)
# The learning rate falls linearly to this share of its first value.
LAST_RATE = 0.05
# Enough to see a curve; the figure that the tuner compares is taken on all validation queries at the end.
QUERIES_PER_EPOCH = 500


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How many steps make an epoch: `calls` of the compiled program with `steps` steps of `baskets` baskets each."""

    epochs: int
    calls: int
    steps: int
    baskets: int

    def rates(self, epoch: int, call: int, first: float) -> np.ndarray:
        """Learning rates (float32) of the steps of one call, on the straight line over the whole training."""
        done = (epoch * self.calls + call) * self.steps + np.arange(self.steps)
        share = done / (self.epochs * self.calls * self.steps)
        return np.asarray(first * (1.0 - (1.0 - LAST_RATE) * share), dtype=np.float32)


def plan(pairs_per_epoch: float, pairs_per_basket: float, epochs: int) -> Plan:
    """As many baskets per step (a power of two) as leave `MIN_STEPS_PER_EPOCH`, and calls of equal length."""
    baskets_per_epoch = pairs_per_epoch / pairs_per_basket
    low, high = BASKETS_PER_STEP
    baskets = int(2 ** np.floor(np.log2(max(baskets_per_epoch / MIN_STEPS_PER_EPOCH, 1.0))))
    baskets = min(max(baskets, low), high)
    steps_per_epoch = max(1, round(baskets_per_epoch / baskets))
    calls = -(-steps_per_epoch // MAX_STEPS_PER_CALL)
    return Plan(epochs=epochs, calls=calls, steps=-(-steps_per_epoch // calls), baskets=baskets)


def train(channels: Mapping[str, Path], model_dir: Path, checkpoints: Path, config: Config) -> dict[str, float]:
    """Train on the channels `train`, `validation` and `features`; returns the metrics of the finished model.

    Prints `loss` and `validation_hit_rate_at_10` per epoch. Which scoring evaluation and serving use is chosen on the
    validation queries. A checkpoint after each epoch lets a killed training go on as if nothing had happened.
    """
    vocabulary = Vocabulary.load(channels["features"])
    queries = Queries.load(channels["validation"])
    parameters = config.hyperparameters
    model = build(products=len(vocabulary), embedding_size=parameters.embedding_size, seed=config.seed)
    sampler = _sampler(channels["train"], config)
    trainer = SkipGramTrainer(model, negative_weight=float(parameters.negatives), per_basket=sampler.drawn)
    curves = _fit(trainer, sampler, vocabulary, queries.sample(QUERIES_PER_EPOCH), checkpoints, config)
    vectors, metrics = with_best_scoring(_vectors(trainer, vocabulary), queries)
    vectors.save(model_dir)
    if len(vocabulary) <= MOST_PRODUCTS:
        NeighbourTable.of(vectors).save(model_dir)
    model.save(model_dir / KERAS_FILE)
    rows = "".join(f"{epoch},{loss:.8g},{rate:.8g}\n" for epoch, (loss, rate) in enumerate(curves, start=1))
    (model_dir / CURVES_FILE).write_text(f"epoch,loss,validation_hit_rate_at_10\n{rows}", encoding="utf-8")
    return {"loss": float(curves[-1][0]), **metrics}


def with_best_scoring(vectors: ProductVectors, queries: Queries) -> tuple[ProductVectors, dict[str, float]]:
    """The vectors with the scoring that hits more of the queries, and the hit rates of both."""
    rates = {scoring: hit_rate(replace(vectors, scoring=scoring), queries) for scoring in SCORINGS}
    best = max(SCORINGS, key=lambda scoring: rates[scoring])
    metrics = {f"validation_hit_rate_at_10_{scoring}": rate for scoring, rate in rates.items()}
    return replace(vectors, scoring=best), {**metrics, "validation_hit_rate_at_10": rates[best]}


def hit_rate(vectors: ProductVectors, queries: Queries) -> float:
    """Share of the queries whose answer is among the ten products that the vectors score best."""
    return float(hits(ranks(vectors.next_scores, queries, vectors.vocabulary)).mean())


def _sampler(train_dir: Path, config: Config) -> BasketSampler:
    return BasketSampler(
        load_baskets(train_dir),
        keep=np.load(train_dir / KEEP_FILE),
        negative=np.load(train_dir / NEGATIVE_FILE),
        window=config.data.window,
        seed=config.seed,
    )


def _vectors(trainer: SkipGramTrainer, vocabulary: Vocabulary) -> ProductVectors:
    return ProductVectors(vocabulary=vocabulary, target=trainer.target.numpy(), context=trainer.context.numpy())


def _fit(
    trainer: SkipGramTrainer,
    sampler: BasketSampler,
    vocabulary: Vocabulary,
    queries: Queries,
    checkpoints: Path,
    config: Config,
) -> np.ndarray:
    """Run the epochs that no checkpoint holds yet; returns loss and validation hit rate of every epoch [epochs, 2]."""
    epochs = config.hyperparameters.epochs
    steps = plan(sampler.pairs_per_epoch, sampler.pairs_per_basket, epochs)
    curves = _restore(trainer, checkpoints / CHECKPOINT_FILE)
    for epoch in range(len(curves), epochs):
        loss = _epoch(trainer, sampler, steps, epoch, config.hyperparameters.learning_rate)
        rate = hit_rate(_vectors(trainer, vocabulary), queries)
        metric("loss", loss)
        metric("validation_hit_rate_at_10", rate)
        progress((epoch + 1) / epochs, f"epoch {epoch + 1} of {epochs}")
        curves = np.vstack([curves, [[loss, rate]]])
        _checkpoint(trainer, checkpoints / CHECKPOINT_FILE, curves)
    return curves


def _epoch(trainer: SkipGramTrainer, sampler: BasketSampler, steps: Plan, epoch: int, first_rate: float) -> float:
    """Mean loss of a pair over one epoch. Raises JobFailed when it is no number any more."""
    losses = []
    for call in range(steps.calls):
        number = tf.constant(epoch * steps.calls + call)
        drawn, used, negatives = sampler.draw(number, steps=steps.steps, per_step=steps.baskets)
        rates = tf.constant(steps.rates(epoch, call, first_rate))
        losses.append(trainer.steps(drawn, used, negatives, rates))
    loss = float(tf.reduce_mean(tf.concat(losses, axis=0)))
    if not np.isfinite(loss):
        raise JobFailed(
            f"Expected a finite loss, found {loss} in epoch {epoch + 1} with learning_rate {first_rate:g}; "
            "set a smaller hyperparameters.learning_rate."
        )
    return loss


def _restore(trainer: SkipGramTrainer, path: Path) -> np.ndarray:
    """Put the trainer where the checkpoint was made; returns the curves up to there, empty without a checkpoint."""
    if not path.exists():
        return np.empty((0, 2))
    with np.load(path) as saved:
        trainer.restore({name: saved[name] for name in saved.files if name != "curves"})
        return np.asarray(saved["curves"])


def _checkpoint(trainer: SkipGramTrainer, path: Path, curves: np.ndarray) -> None:
    """Replace the checkpoint as a whole: a job that is killed meanwhile leaves the one before."""
    unfinished = path.with_suffix(".partial")
    with unfinished.open("wb") as file:
        np.savez(file, allow_pickle=False, curves=curves, **trainer.state())
    unfinished.replace(path)
