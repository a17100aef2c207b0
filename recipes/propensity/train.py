"""Searches the grid, then trains the best combination as an average of networks; the training job's recipe part."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import numpy as np

from recipes.propensity import model as keras_model
from recipes.propensity import tune
from recipes.propensity.committee import Committee
from recipes.propensity.config import Config
from recipes.propensity.ensemble import Ensemble, best_threshold, mean_logits, network_logits
from recipes.propensity.examples import COMBINATIONS_FILE, CURVES_FILE, Examples
from recipes.propensity.features import Encoder
from recipes.propensity.fitting import Progress, fit
from recipes.propensity.population import Population, auc, intercept, log_loss, sigmoid
from recipes.propensity.tune import Combination
from trainyard.progress import metric, progress

KERAS_FILE = "model.keras"
CHECKPOINT_FILE = "checkpoint.npz"
SEARCH_FILE = "search.csv"


def train(channels: Mapping[str, Path], model_dir: Path, checkpoints: Path, config: Config) -> dict[str, float]:
    """Train on the channels `train`, `validation` and `features`; returns validation metrics of the finished model.

    With `search: grid` the best combination of `data.grid` by validation loss gives nodes, dropout, optimizer and
    annealing. Then `members` networks learn, each validated by one of the folds; validation metrics of the whole are
    taken on predictions by networks that have not seen the visit. A checkpoint per epoch, and one of the finished
    search, let a killed job go on.
    """
    examples = Examples.load(channels["train"], channels["validation"], config.data.folds)
    encoder, population = Encoder.load(channels["features"]), Population.load(channels["features"])
    chosen, searched = _chosen(examples, checkpoints / SEARCH_FILE, config)
    committee, validating, state = _fit(examples, chosen, checkpoints / CHECKPOINT_FILE, config)
    networks = [committee.weights_of(place) for place in range(len(committee.networks))]
    ensemble, metrics = _calibrated(examples, encoder, population, networks, validating)
    ensemble.save(model_dir)
    models = [
        keras_model.build(network, examples.inputs.shape[1], weights)
        for network, weights in zip(committee.networks, networks, strict=True)
    ]
    keras_model.mean(models, examples.inputs.shape[1]).save(model_dir / KERAS_FILE)
    if searched:
        (model_dir / COMBINATIONS_FILE).write_bytes((checkpoints / SEARCH_FILE).read_bytes())
    else:
        tune.write(model_dir / COMBINATIONS_FILE, [(chosen, _whole(ensemble, examples, metrics, state))])
    _write_curves(model_dir / CURVES_FILE, state)
    return metrics


def _chosen(examples: Examples, path: Path, config: Config) -> tuple[Combination, bool]:
    """The combination to train, and whether a search found it; a finished search is not repeated."""
    given = config.hyperparameters
    if given.search == "none":
        return Combination(**{each.name: getattr(given, each.name) for each in fields(Combination)}), False
    if not path.exists():
        results = tune.search(examples, config.data.grid, learning_rate=given.learning_rate, seed=config.seed)
        unfinished = path.with_suffix(".partial")
        tune.write(unfinished, results)
        unfinished.replace(path)
    with path.open(encoding="utf-8") as file:
        best = next(csv.DictReader(file))
    kinds = {"optimizer": str, "dropout1": float, "dropout2": float, "lr_annealing": float}
    values = {each.name: kinds.get(each.name, int)(best[each.name]) for each in fields(Combination)}
    # The search is short and in large batches; what it chose is trained as the configuration says.
    return Combination(**{**values, "batch_size": given.batch_size, "epochs": given.epochs}), True


def _fit(
    examples: Examples, chosen: Combination, checkpoint: Path, config: Config
) -> tuple[Committee, np.ndarray, Progress]:
    count = config.hyperparameters.members
    network = chosen.network(config.hyperparameters.learning_rate)
    committee = Committee([network] * count, examples.inputs.shape[1], seed=config.seed)
    validating = np.arange(count) % config.data.folds
    start = 0.5 if config.hyperparameters.search == "grid" else 0.0

    def report(epoch: int, state: Progress) -> None:
        metric("loss", state.train_loss[-1])
        metric("validation_loss", state.validation_loss[-1])
        done = start + (1.0 - start) * (epoch + 1) / chosen.epochs
        progress(done, f"epoch {epoch + 1} of at most {chosen.epochs}, {int(state.active.sum())} networks learning")

    state = fit(
        committee,
        examples,
        validating,
        epochs=chosen.epochs,
        batch_size=chosen.batch_size,
        seed=config.seed,
        checkpoint=checkpoint,
        report=report,
    )
    return committee, validating, state


def _calibrated(
    examples: Examples,
    encoder: Encoder,
    population: Population,
    networks: list[list[np.ndarray]],
    validating: np.ndarray,
) -> tuple[Ensemble, dict[str, float]]:
    """The ensemble with intercept and threshold, and metrics, all from predictions on rows not learned from."""
    logits = np.stack([network_logits(each, examples.inputs) for each in networks])
    unseen, rows = _unseen(logits, validating, examples.folds)
    labels = examples.labels[rows].astype(np.float64)
    weights = population.weights(labels)
    added = intercept(unseen + population.shift, weights, labels)
    probabilities = sigmoid(unseen + population.shift + added)
    threshold = best_threshold(probabilities, labels, weights)
    called, sale = unseen > tune.EVEN_CHANCE, labels > 0.5
    hits = float((called & sale).sum())
    metrics = {
        "validation_loss": log_loss(sigmoid(unseen), labels, np.ones(len(labels))),
        "validation_auc": auc(unseen, labels),
        "validation_accuracy": float((called == sale).mean()),
        "validation_precision": hits / max(float(called.sum()), 1.0),
        "validation_recall": hits / max(float(sale.sum()), 1.0),
    }
    ensemble = Ensemble(encoder=encoder, population=population, networks=networks, intercept=added, threshold=threshold)
    return ensemble, metrics


def _unseen(logits: np.ndarray, validating: np.ndarray, folds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean logits [rows] of the networks that a row validated, and those rows; few networks leave some rows out."""
    rows = np.flatnonzero(np.isin(folds, validating))
    found = np.empty(len(rows))
    for fold in np.unique(validating):
        inside = folds[rows] == fold
        found[inside] = mean_logits(logits[validating == fold][:, rows[inside]])
    return found, rows


def _whole(ensemble: Ensemble, examples: Examples, metrics: Mapping[str, float], state: Progress) -> tune.Result:
    """The row of the one combination that was trained without a search."""
    learned = ensemble.sample_logits(examples.inputs)
    return tune.Result(
        loss=log_loss(sigmoid(learned), examples.labels, np.ones(len(learned))),
        accuracy=float(((learned > tune.EVEN_CHANCE) == (examples.labels > 0.5)).mean()),
        validation_loss=metrics["validation_loss"],
        validation_accuracy=metrics["validation_accuracy"],
        precision=metrics["validation_precision"],
        recall=metrics["validation_recall"],
        auc=metrics["validation_auc"],
        epochs_run=int(state.epochs.max()),
    )


def _write_curves(path: Path, state: Progress) -> None:
    rows = zip(state.train_loss, state.validation_loss, strict=True)
    lines = "".join(f"{epoch},{loss:.8g},{validation:.8g}\n" for epoch, (loss, validation) in enumerate(rows, start=1))
    path.write_text(f"epoch,loss,validation_loss\n{lines}", encoding="utf-8")
