"""Searches the grid, then trains the best combination as an average, and trees beside it; the job's recipe part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path

import numpy as np

from recipes.propensity import model as keras_model
from recipes.propensity.calibration import best_f1_threshold, calibration_intercept, sigmoid
from recipes.propensity.columns.uses import Description
from recipes.propensity.config import Config
from recipes.propensity.features import Encoder
from recipes.propensity.inference import Ensemble, mean_logits, network_logits
from recipes.propensity.members import blend
from recipes.propensity.members.blend import Members
from recipes.propensity.metrics import DECISION_LOGIT, validation_metrics
from recipes.propensity.networks import combinations, grid_search
from recipes.propensity.networks.combinations import COMBINATIONS_FILE, Combination
from recipes.propensity.networks.grid_search import network_settings
from recipes.propensity.networks.stacked_networks import StackedNetworks
from recipes.propensity.networks.training_loop import TrainingState, fit
from recipes.propensity.population import Population
from recipes.propensity.reasons.of_many import typical_inputs
from recipes.propensity.training_data import TrainingData
from trainyard.contract.tabular.probabilities import log_loss
from trainyard.contract.training import checkpoint, curves
from trainyard.contract.training.progress import metric, progress

KERAS_FILE = "model.keras"
CHECKPOINT_FILE = "checkpoint.npz"
SEARCH_FILE = "search.csv"
# How far the job is when the networks have learned.
NETWORKS_DONE = 0.8
# What the one combination reached on rows it learned from is said of as many as this.
MAX_RESULT_ROWS = 10_000


def train(channels: Mapping[str, Path], model_dir: Path, *, checkpoints: Path, config: Config) -> dict[str, float]:
    """Train on the channels `train`, `validation` and `features`; returns validation metrics of the finished model.

    With `search: grid` the best combination of `data.grid` by validation loss gives nodes, dropout, optimizer and
    annealing. Then `ensemble_size` networks learn, each validated by one of the folds, and beside them boosted trees
    and a logistic regression per fold; validation metrics of the whole are taken on predictions by members that have
    not seen the visit. A checkpoint per epoch, and one of the finished search, let a killed job go on.
    """
    data = TrainingData.load(channels["train"], channels["validation"], folds=config.data.folds)
    encoder, population = Encoder.load(channels["features"]), Population.load(channels["features"])
    search_file = checkpoints / SEARCH_FILE
    chosen = _chosen(data, search_file, config=config)
    stacked, validation_folds, state = _fit(data, chosen, checkpoint_path=checkpoints / CHECKPOINT_FILE, config=config)
    networks = [stacked.weights_of(index) for index in range(len(stacked.settings))]
    unseen, rows = _out_of_fold_logits(networks, validation_folds, data=data)
    beside = _beside(data, encoder, folds=np.unique(validation_folds), rows=rows, config=config)
    ensemble = Ensemble(
        encoder=encoder,
        population=population,
        networks=networks,
        intercept=0.0,
        threshold=0.5,
        typical=typical_inputs(encoder, data.inputs),
    )
    ensemble, unseen = _blended(ensemble, beside, unseen=unseen, labels=data.labels[rows])
    ensemble, metrics = _calibrated(ensemble, unseen, labels=data.labels[rows].astype(np.float64))
    ensemble.save(model_dir)
    if description := Description.load(channels["features"]):
        description.save(model_dir)
    _save_keras(stacked, networks, model_dir=model_dir)
    if config.hyperparameters.search == "grid":
        (model_dir / COMBINATIONS_FILE).write_bytes(search_file.read_bytes())
    else:
        result = _result(ensemble, data, metrics=metrics, state=state)
        combinations.write(model_dir / COMBINATIONS_FILE, [(chosen, result)])
    curves.write({"loss": state.train_loss, "validation_loss": state.validation_loss}, model_dir)
    return metrics


def _chosen(data: TrainingData, search_file: Path, *, config: Config) -> Combination:
    """The combination to train; a finished search is not repeated."""
    given = config.hyperparameters
    if given.search == "none":
        return Combination(**{each.name: getattr(given, each.name) for each in fields(Combination)})
    if not search_file.exists():
        results = grid_search.search(data, config.data.grid, learning_rate=given.learning_rate, seed=config.seed)
        checkpoint.replace(search_file, lambda unfinished: combinations.write(unfinished, results))
    # The search is short and in large batches; what it chose is trained as the configuration says.
    return replace(combinations.read_best(search_file), batch_size=given.batch_size, epochs=given.epochs)


def _fit(
    data: TrainingData, chosen: Combination, *, checkpoint_path: Path, config: Config
) -> tuple[StackedNetworks, np.ndarray, TrainingState]:
    count = config.hyperparameters.ensemble_size
    settings = network_settings(chosen, config.hyperparameters.learning_rate)
    networks = StackedNetworks([settings] * count, data.inputs.shape[1], seed=config.seed)
    validation_folds = np.arange(count) % config.data.folds
    start = 0.5 if config.hyperparameters.search == "grid" else 0.0

    def report(epoch: int, state: TrainingState) -> None:
        metric("loss", state.train_loss[-1])
        metric("validation_loss", state.validation_loss[-1])
        done = start + (NETWORKS_DONE - start) * (epoch + 1) / chosen.epochs
        progress(done, f"epoch {epoch + 1} of at most {chosen.epochs}, {int(state.active.sum())} networks learning")

    state = fit(
        networks,
        data,
        validation_folds=validation_folds,
        epochs=chosen.epochs,
        batch_size=chosen.batch_size,
        seed=config.seed,
        checkpoint_path=checkpoint_path,
        on_epoch=report,
    )
    return networks, validation_folds, state


def _beside(
    data: TrainingData, encoder: Encoder, *, folds: np.ndarray, rows: np.ndarray, config: Config
) -> Members | None:
    """The members beside the networks, unless nobody wants them."""
    rounds = config.hyperparameters.boosting_rounds
    if not rounds:
        return None

    def report(number: int) -> None:
        done = NETWORKS_DONE + (1.0 - NETWORKS_DONE) * (number + 1) / len(folds)
        progress(done, f"trees of {number + 1} of {len(folds)} folds")

    return blend.fit(data, encoder, folds=folds, rows=rows, rounds=rounds, seed=config.seed, on_fold=report)


def _blended(
    ensemble: Ensemble, beside: Members | None, *, unseen: np.ndarray, labels: np.ndarray
) -> tuple[Ensemble, np.ndarray]:
    """The networks with the members beside them, and the log odds of both on rows not learned from."""
    if beside is None:
        return ensemble, unseen
    shares = beside.shares(unseen, labels)
    blended = shares.blended(unseen, beside.unseen_trees, linear=beside.unseen_linear)
    return replace(ensemble, trees=beside.trees, linear=beside.linear, shares=shares), blended


def _calibrated(ensemble: Ensemble, unseen: np.ndarray, *, labels: np.ndarray) -> tuple[Ensemble, dict[str, float]]:
    """The ensemble with intercept and threshold, and metrics, all from log odds of rows not learned from."""
    weights = ensemble.population.weights(labels)
    corrected = unseen + ensemble.population.prior_correction
    intercept = calibration_intercept(corrected, weights, labels=labels)
    threshold = best_f1_threshold(sigmoid(corrected + intercept), labels, weights=weights)
    return replace(ensemble, intercept=intercept, threshold=threshold), validation_metrics(unseen, labels)


def _out_of_fold_logits(
    networks: list[list[np.ndarray]], validation_folds: np.ndarray, *, data: TrainingData
) -> tuple[np.ndarray, np.ndarray]:
    """Mean logits [rows] of the networks that a row validated, and those rows; few networks leave some rows out."""
    rows = np.flatnonzero(np.isin(data.folds, validation_folds))
    found = np.empty(len(rows))
    for fold in np.unique(validation_folds):
        inside = data.folds[rows] == fold
        inputs = data.inputs[rows[inside]]
        own = [networks[index] for index in np.flatnonzero(validation_folds == fold)]
        found[inside] = mean_logits(np.stack([network_logits(each, inputs) for each in own]))
    return found, rows


def _save_keras(stacked: StackedNetworks, networks: list[list[np.ndarray]], *, model_dir: Path) -> None:
    inputs = networks[0][0].shape[0]
    models = [
        keras_model.build(settings, inputs, weights=weights)
        for settings, weights in zip(stacked.settings, networks, strict=True)
    ]
    keras_model.ensemble(models, inputs).save(model_dir / KERAS_FILE)


def _result(
    ensemble: Ensemble, data: TrainingData, *, metrics: Mapping[str, float], state: TrainingState
) -> combinations.Result:
    """What the one combination that was trained without a search reached."""
    labels = data.labels[:MAX_RESULT_ROWS]
    learned = ensemble.sample_logits(data.inputs[:MAX_RESULT_ROWS])
    return combinations.Result(
        loss=log_loss(sigmoid(learned), labels, weights=np.ones(len(learned))),
        accuracy=float(((learned > DECISION_LOGIT) == (labels > 0.5)).mean()),
        validation_loss=metrics["validation_loss"],
        validation_accuracy=metrics["validation_accuracy"],
        precision=metrics["validation_precision"],
        recall=metrics["validation_recall"],
        auc=metrics["validation_auc"],
        epochs_run=int(state.epochs.max()),
    )
