"""Measures a classifier on held-out stories, beside simple baselines; runs in the training image, no TensorFlow."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from recipes.headline_classifier.config import Config
from recipes.headline_classifier.metrics import accuracy, expected_calibration_error, log_loss, macro_f1_of_rows
from recipes.headline_classifier.predictions import HEADLINES_FILE, Predictions, pairs, texts
from recipes.headline_classifier.texts.source_words import COLUMNS as SOURCE_COLUMNS
from trainyard.contract.evaluation import Evaluation, Reference
from trainyard.contract.lean.imports import lean
from trainyard.contract.training.progress import progress

COLUMNS = ("title", "category", *SOURCE_COLUMNS)
# Baselines are for orientation, so they get a part of large data.
MAX_BASELINE_HEADLINES = 100_000
# scikit-learn's solver holds twenty copies of the weights of logistic regression: at most 0.7 GB of them.
MAX_LOGISTIC_WEIGHTS = 4_000_000


def evaluate(model_dir: Path, holdout: Path, *, config: Config) -> Evaluation:
    """Metrics of a model on the holdout; `examples` has a row (true class, predicted class) per headline.

    The gate compares `macro_f1`: where one class has most of the headlines, a model could gain accuracy while it gives
    up on the others. F1 is no mean over headlines, hence the statistic that is computed on each resample of the rows.
    Model, champion and baselines are all judged on the classes of the held-out headlines (see `predictions.pairs`).
    """
    found = Predictions.of(model_dir, holdout)
    examples = found.numbered_pairs()
    metrics = {
        **_metrics(examples),
        "log_loss": log_loss(found.of_truth),
        "expected_calibration_error": expected_calibration_error(found.top, found.right),
    }
    return Evaluation(metrics=metrics, examples=examples, statistic=macro_f1_of_rows, answers=found.answers)


def read_headlines(folder: Path) -> tuple[list[str], list[str]]:
    """Texts and categories of `headlines.parquet`, in its order."""
    return _texts_and_categories(_table(folder))


def references(channels: Mapping[str, Path], holdout: Path, *, config: Config) -> dict[str, Reference]:
    """Commonest class, naive Bayes, logistic regression and support vector machines, on (some of) the same headlines.

    Like the model in the end, they learn from training and validation headlines. One that finds no term or only one
    class in them can only name the commonest class.
    """
    titles, labels = _learned(channels, seed=config.seed)
    held_out, truth = read_headlines(holdout)
    most = Counter(labels).most_common(1)[0][0]
    commonest = [most] * len(truth)
    found = {"commonest class": _reference(truth, commonest)}
    models = baselines(len(set(labels)))
    for step, (name, model) in enumerate(models.items(), start=1):
        can_learn = len(set(labels)) > 1 and _finds_terms(model, titles)
        predicted = _fitted(model, titles, labels=labels).predict(held_out).tolist() if can_learn else commonest
        found[name] = _reference(truth, predicted)
        progress(step / len(models), f"baseline {name}")
    return found


def baselines(classes: int) -> dict[str, Any]:
    """Unfitted scikit-learn pipelines from titles to so many classes, by name."""
    with lean():
        from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.naive_bayes import ComplementNB, MultinomialNB
        from sklearn.pipeline import make_pipeline, make_union
        from sklearn.svm import LinearSVC

    def words(most: int | None = None) -> Any:
        return TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), strip_accents="unicode", max_features=most)

    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, min_df=2)
    return {
        "naive Bayes": make_pipeline(CountVectorizer(), MultinomialNB()),
        "complement naive Bayes": make_pipeline(TfidfVectorizer(), ComplementNB()),
        "logistic regression, words": make_pipeline(
            words(MAX_LOGISTIC_WEIGHTS // classes), LogisticRegression(C=10.0, max_iter=300)
        ),
        "linear SVM, words": make_pipeline(words(), LinearSVC(C=1.0)),
        "linear SVM, words and characters": make_pipeline(make_union(words(), characters), LinearSVC(C=0.5)),
    }


def _fitted(model: Any, titles: Sequence[str], *, labels: Sequence[str]) -> Any:
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        # Logistic regression that stops early is what it is: a baseline.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(titles, labels)


def _finds_terms(model: Any, titles: Sequence[str]) -> bool:
    """Whether every vectorizer of a pipeline finds a term; scikit-learn raises ValueError for an empty vocabulary."""
    first = model[0]
    vectorizers = [each for _, each in first.transformer_list] if hasattr(first, "transformer_list") else [first]
    return all(_has_terms(each, titles) for each in vectorizers)


def _has_terms(vectorizer: Any, titles: Sequence[str]) -> bool:
    """Whether `vectorizer` can be fitted, found out on titles until enough of them have a term."""
    least = vectorizer.min_df
    counts: Counter[str] = Counter()
    analyse = vectorizer.build_analyzer()
    for title in titles:
        counts.update(set(analyse(title)))
        if any(counts[term] >= least for term in analyse(title)):
            return True
    return False


def _learned(channels: Mapping[str, Path], *, seed: int) -> tuple[list[str], list[str]]:
    """Texts and categories of (some) training and validation headlines."""
    table = pa.concat_tables([_table(channels[role]) for role in ("train", "validation")])
    if table.num_rows > MAX_BASELINE_HEADLINES:
        rows = np.random.default_rng(seed).permutation(table.num_rows)[:MAX_BASELINE_HEADLINES]
        table = table.take(pa.array(rows))
    return _texts_and_categories(table)


def _table(folder: Path) -> pa.Table:
    path = folder / HEADLINES_FILE
    return pq.read_table(path, columns=[name for name in pq.read_schema(path).names if name in COLUMNS])


def _texts_and_categories(headlines: pa.Table) -> tuple[list[str], list[str]]:
    return texts(headlines), headlines["category"].to_pylist()


def _reference(truth: list[str], predicted: list[str]) -> Reference:
    rows = pairs(truth, predicted)
    return Reference(metrics=_metrics(rows), examples=rows)


def _metrics(rows: np.ndarray) -> dict[str, float]:
    return {"macro_f1": macro_f1_of_rows(rows), "accuracy": accuracy(rows[:, 0], rows[:, 1])}
