"""Measures a model on held-out visits, beside simple baselines; runs in the training image, no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from recipes.propensity.calibration import logit, sigmoid
from recipes.propensity.config import Config
from recipes.propensity.encoding.quantity import LARGEST
from recipes.propensity.features import NOT_FEATURES, Encoder
from recipes.propensity.inference import Ensemble, linear_logits
from recipes.propensity.members.logistic_regression import logistic_regression
from recipes.propensity.metrics import classification_metrics
from recipes.propensity.population import Population
from recipes.propensity.training_data import VISITS_FILE, TrainingData, load_visits
from trainyard.contract.evaluation import Evaluation, Reference
from trainyard.contract.lean.imports import lean
from trainyard.contract.lean.threads import threads_for
from trainyard.contract.tabular.probabilities import auc_of_places, places
from trainyard.contract.training.progress import progress

# Baselines are for orientation, so they get a part of large data.
MAX_BASELINE_VISITS = 200_000
EPOCH, DAY = pd.Timestamp(0), pd.Timedelta(days=1)


def evaluate(model_dir: Path, holdout: Path, *, config: Config) -> Evaluation:
    """Metrics of a model on the holdout; `examples` are `probabilities.places` [visits].

    `auc` needs no weights: it compares sales with other visits. `pr_auc` and `sample_log_loss` are of the sample (one
    sale per eight other visits), as networks see it; `log_loss`, `brier_score`, `calibration_error`, `precision` and
    `recall` weigh visits as the population has them. `mean_to_rate` is the mean probability over the true rate.
    """
    ensemble = Ensemble.load(model_dir)
    visits = pd.read_parquet(holdout / VISITS_FILE)
    labels = visits["is_sale"].to_numpy(np.float64)
    probabilities = ensemble.probabilities(visits)
    population = Population.load(holdout)
    metrics = classification_metrics(probabilities, labels, population=population, threshold=ensemble.threshold)
    usual = probabilities[population.rows_as_in_population(labels)]
    answers = {"propensity": usual, "likely": usual >= ensemble.threshold}
    return Evaluation(metrics=metrics, examples=places(probabilities, labels), statistic=auc_of_places, answers=answers)


def references(channels: Mapping[str, Path], holdout: Path, *, config: Config) -> dict[str, Reference]:
    """Gradient boosting on the visits as they are and logistic regression on the network's inputs, on the same rows."""
    folders = [channels["train"], channels["validation"]]
    population = Population.load(holdout)
    held_out = pd.read_parquet(holdout / VISITS_FILE)
    labels = held_out["is_sale"].to_numpy(np.float64)
    progress(0.65, "gradient boosting")
    learned = load_visits(folders)
    learned = learned.sample(min(len(learned), MAX_BASELINE_VISITS), random_state=config.seed)
    boosted = gradient_boosting(learned, held_out, seed=config.seed)
    progress(0.85, "logistic regression")
    data = TrainingData.load(channels["train"], channels["validation"], folds=config.data.folds)
    encoder = Encoder.load(channels["features"])
    line = logistic_regression(data, np.ones(len(data.labels), np.bool_))
    linear = sigmoid(linear_logits(line, encoder.transform(encoder.columns_of(held_out))))
    found = {}
    for name, in_sample in (("gradient boosting", boosted), ("logistic regression", linear)):
        probabilities = sigmoid(logit(in_sample) + population.prior_correction)
        metrics = classification_metrics(probabilities, labels, population=population, threshold=population.sale_rate)
        shared = {each: value for each, value in metrics.items() if each not in ("precision", "recall")}
        found[name] = Reference(metrics=shared, examples=places(probabilities, labels))
    return found


def gradient_boosting(learned: pd.DataFrame, held_out: pd.DataFrame, *, seed: int) -> np.ndarray:
    """Probabilities in the sample of scikit-learn's HistGradientBoosting, with categories as categories.

    Columns without a value in `learned` are left out. Where nothing can be learned, all get the share of sales.
    """
    with lean():
        from sklearn.ensemble import HistGradientBoostingClassifier

    names = [name for name in learned.columns if name not in NOT_FEATURES and learned[name].notna().any()]
    if not names or learned["is_sale"].nunique() < 2:
        return np.full(len(held_out), learned["is_sale"].mean())
    fitted, judged = learned[names].copy(), held_out[names].copy()
    for name in names:
        if pd.api.types.is_datetime64_any_dtype(fitted[name]):
            fitted[name], judged[name] = ((each[name] - EPOCH) / DAY for each in (fitted, judged))
        elif not pd.api.types.is_numeric_dtype(fitted[name]):
            kept = fitted[name].value_counts().index[:250]
            kind = pd.CategoricalDtype(sorted(str(each) for each in kept))
            fitted[name], judged[name] = (_as_category(each[name], kind) for each in (fitted, judged))
        elif pd.api.types.is_float_dtype(fitted[name]):
            fitted[name], judged[name] = (each[name].clip(-LARGEST, LARGEST) for each in (fitted, judged))
    model = HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_iter=200,
        max_leaf_nodes=15,
        l2_regularization=1.0,
        categorical_features="from_dtype",
        random_state=seed,
    )
    with threads_for(len(fitted)):
        model.fit(fitted, learned["is_sale"])
        return np.asarray(model.predict_proba(judged)[:, 1])


def _as_category(values: pd.Series, kind: pd.CategoricalDtype) -> pd.Series:
    """As a category of `kind`; values that it does not have are missing."""
    return values.where(values.isin(kind.categories)).astype(kind)
