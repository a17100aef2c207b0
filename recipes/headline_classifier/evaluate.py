"""Measures a classifier on held-out stories, beside simple baselines; runs in the training image, no TensorFlow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from recipes.headline_classifier.config import CLASSES, Config
from recipes.headline_classifier.inference import Classifier
from recipes.headline_classifier.metrics import accuracy, expected_calibration_error, log_loss, macro_f1
from trainyard.contract.evaluation import Evaluation
from trainyard.contract.progress import progress

# Baselines are for orientation, so they get a part of large data.
MAX_BASELINE_HEADLINES = 100_000


def evaluate(model_dir: Path, holdout: Path, *, config: Config) -> Evaluation:
    """Metrics of a model on the holdout; `examples` has a row (true class, predicted class) per headline.

    The gate compares `macro_f1`: nearly half of the headlines are of one class, so a model could gain accuracy while it
    gives up on health. F1 is no mean over headlines, hence the statistic that is computed on each resample of the rows.
    """
    titles, labels = read_headlines(holdout)
    probabilities = Classifier.load(model_dir).probabilities(titles)
    predicted = probabilities.argmax(axis=1)
    metrics = {
        "macro_f1": macro_f1(labels, predicted, classes=len(CLASSES)),
        "accuracy": accuracy(labels, predicted),
        "log_loss": log_loss(probabilities, labels),
        "expected_calibration_error": expected_calibration_error(probabilities, labels),
    }
    return Evaluation(metrics=metrics, examples=np.stack([labels, predicted], axis=1), statistic=macro_f1_of_rows)


def macro_f1_of_rows(rows: np.ndarray) -> float:
    """Macro F1 of rows (true class, predicted class)."""
    return macro_f1(rows[:, 0], rows[:, 1], classes=len(CLASSES))


def read_headlines(folder: Path) -> tuple[list[str], np.ndarray]:
    """Titles and class numbers of `headlines.parquet`, in its order."""
    table = pq.read_table(folder / "headlines.parquet", columns=["title", "category"])
    index = {name: number for number, name in enumerate(CLASSES)}
    return table["title"].to_pylist(), np.asarray([index[each] for each in table["category"].to_pylist()], np.int64)


def references(channels: Mapping[str, Path], holdout: Path, *, config: Config) -> dict[str, dict[str, float]]:
    """Commonest class, naive Bayes and two linear support vector machines, trained on (some of) the same headlines.

    One that finds no term or only one class in them can only name the commonest class.
    """
    titles, labels = _sampled(*read_headlines(channels["train"]), seed=config.seed)
    held_out, truth = read_headlines(holdout)
    commonest = np.full(len(truth), np.bincount(labels).argmax())
    found = {"commonest class": _metrics(truth, commonest)}
    models = baselines()
    for step, (name, model) in enumerate(models.items(), start=1):
        can_learn = len(np.unique(labels)) > 1 and _finds_terms(model, titles)
        predicted = model.fit(titles, labels).predict(held_out) if can_learn else commonest
        found[name] = _metrics(truth, predicted)
        progress(step / len(models), f"baseline {name}")
    return found


def baselines() -> dict[str, Any]:
    """Unfitted scikit-learn pipelines from titles to classes, by name."""
    from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.pipeline import make_pipeline, make_union
    from sklearn.svm import LinearSVC

    def words() -> Any:
        return TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), strip_accents="unicode")

    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, min_df=2)
    return {
        "naive Bayes": make_pipeline(CountVectorizer(), MultinomialNB()),
        "linear SVM, words": make_pipeline(words(), LinearSVC(C=1.0)),
        "linear SVM, words and characters": make_pipeline(make_union(words(), characters), LinearSVC(C=0.5)),
    }


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


def _sampled(titles: Sequence[str], labels: np.ndarray, *, seed: int) -> tuple[list[str], np.ndarray]:
    if len(titles) <= MAX_BASELINE_HEADLINES:
        return list(titles), labels
    rows = np.random.default_rng(seed).permutation(len(titles))[:MAX_BASELINE_HEADLINES]
    return [titles[row] for row in rows], labels[rows]


def _metrics(labels: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    return {"macro_f1": macro_f1(labels, predicted, classes=len(CLASSES)), "accuracy": accuracy(labels, predicted)}
