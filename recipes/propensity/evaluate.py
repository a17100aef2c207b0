"""Scores a model on held-out visits, beside simple baselines; runs in the training image, no TensorFlow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from recipes.propensity.config import Config
from recipes.propensity.ensemble import Ensemble
from recipes.propensity.examples import VISITS_FILE, Examples, read_visits
from recipes.propensity.features import NOT_FEATURES, Encoder
from recipes.propensity.population import (
    Population,
    auc,
    average_precision,
    brier,
    calibration_error,
    log_loss,
    logit,
    sigmoid,
)
from trainyard.progress import progress
from trainyard.scores import Scores

# Baselines are for orientation, so they get a part of large data.
REFERENCE_VISITS = 200_000


def score(model_dir: Path, holdout: Path, config: Config) -> Scores:
    """Metrics of a model on the holdout; `examples` is [visits, 2]: the probability and whether a sale followed.

    `auc` needs no weights: it compares sales with other visits. `pr_auc` and `sample_log_loss` are of the sample (one
    sale per eight other visits), as networks see it; `log_loss`, `brier_score`, `calibration_error`, `precision` and
    `recall` weigh visits as the population has them. `mean_to_rate` is the mean probability over the true rate.
    """
    ensemble = Ensemble.load(model_dir)
    visits = pd.read_parquet(holdout / VISITS_FILE)
    labels = visits["is_sale"].to_numpy(np.float64)
    probabilities = ensemble.probabilities(visits)
    metrics = measures(probabilities, labels, Population.load(holdout), threshold=ensemble.threshold)
    return Scores(metrics=metrics, examples=np.stack([probabilities, labels], axis=1), statistic=area)


def area(rows: np.ndarray) -> float:
    """The area under the curve of (resampled) rows of probability and outcome."""
    return auc(rows[:, 0], rows[:, 1])


def measures(
    probabilities: np.ndarray, labels: np.ndarray, population: Population, *, threshold: float
) -> dict[str, float]:
    """Every metric of `score` for probabilities that are corrected for the sample."""
    weights = population.weights(labels)
    in_sample = sigmoid(logit(probabilities) - population.shift)
    even = np.ones(len(labels))
    called = probabilities >= threshold
    hits = float((weights * labels)[called].sum())
    return {
        "auc": auc(probabilities, labels),
        "pr_auc": average_precision(probabilities, labels, even),
        "sample_log_loss": log_loss(in_sample, labels, even),
        "log_loss": log_loss(probabilities, labels, weights),
        "brier_score": brier(probabilities, labels, weights),
        "calibration_error": calibration_error(probabilities, labels, weights),
        "mean_to_rate": float(np.average(probabilities, weights=weights) / population.rate),
        "precision": hits / max(float(weights[called].sum()), 1e-12),
        "recall": hits / max(float((weights * labels).sum()), 1e-12),
    }


def references(train: Path, holdout: Path, config: Config) -> dict[str, dict[str, float]]:
    """Gradient boosting on the visits as they are and logistic regression on the network's inputs, on the same rows."""
    folders = [train, train.parent / "validation"]
    population = Population.load(holdout)
    held_out = pd.read_parquet(holdout / VISITS_FILE)
    labels = held_out["is_sale"].to_numpy(np.float64)
    progress(0.65, "gradient boosting")
    learned = read_visits(folders)
    learned = learned.sample(min(len(learned), REFERENCE_VISITS), random_state=config.seed)
    boosted = boosting(learned, held_out, seed=config.seed)
    progress(0.85, "logistic regression")
    examples = Examples.load(train, train.parent / "validation", config.data.folds)
    encoder = Encoder.load(train.parent / "features")
    linear = _logistic(examples, encoder.transform(held_out.reindex(columns=encoder.columns)))
    found = {}
    for name, in_sample in (("gradient boosting", boosted), ("logistic regression", linear)):
        probabilities = sigmoid(logit(in_sample) + population.shift)
        metrics = measures(probabilities, labels, population, threshold=population.rate)
        found[name] = {each: value for each, value in metrics.items() if each not in ("precision", "recall")}
    return found


def boosting(learned: pd.DataFrame, held_out: pd.DataFrame, *, seed: int) -> np.ndarray:
    """Probabilities in the sample of scikit-learn's HistGradientBoosting, with categories as categories."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    names = [name for name in learned.columns if name not in NOT_FEATURES]
    fitted, judged = learned[names].copy(), held_out[names].copy()
    for name in names:
        if not pd.api.types.is_numeric_dtype(fitted[name]):
            kept = fitted[name].value_counts().index[:250]
            kind = pd.CategoricalDtype(sorted(str(each) for each in kept))
            fitted[name], judged[name] = fitted[name].astype(kind), judged[name].astype(kind)
    model = HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_iter=200,
        max_leaf_nodes=15,
        l2_regularization=1.0,
        categorical_features="from_dtype",
        random_state=seed,
    )
    model.fit(fitted, learned["is_sale"])
    return np.asarray(model.predict_proba(judged)[:, 1])


def _logistic(examples: Examples, held_out: np.ndarray) -> np.ndarray:
    from sklearn.linear_model import LogisticRegression

    some = slice(REFERENCE_VISITS)
    model = LogisticRegression(C=0.1, max_iter=300).fit(examples.inputs[some], examples.labels[some])
    return np.asarray(model.predict_proba(held_out)[:, 1])
