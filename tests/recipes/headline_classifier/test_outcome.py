"""Metrics, evaluation on planted classes, report and served answers."""

import csv

import numpy as np
import pyarrow.parquet as pq
import pytest

from recipes.headline_classifier import evaluate, metrics, report, sample, serve
from recipes.headline_classifier.calibration import fit_temperature
from recipes.headline_classifier.config import CLASSES
from recipes.headline_classifier.inference import Classifier
from trainyard.contract.report import ReportInputs
from trainyard.errors import BadRequest
from trainyard.stages.report.page import render


def test_macro_f1_equals_scikit_learns():
    from sklearn.metrics import f1_score

    random = np.random.default_rng(2)
    labels, predicted = random.integers(0, 4, 200), random.integers(0, 4, 200)
    assert metrics.macro_f1(labels, predicted, classes=4) == pytest.approx(f1_score(labels, predicted, average="macro"))
    two = labels % 2
    assert metrics.macro_f1(two, two, classes=4) == 1.0


def test_calibration_error_of_known_cases():
    sure = np.tile([0.8, 0.2], (10, 1))
    labels = np.repeat([0, 1], [8, 2])
    assert metrics.expected_calibration_error(sure, labels) == pytest.approx(0.0)
    assert metrics.expected_calibration_error(sure, 1 - labels) == pytest.approx(0.6)
    assert metrics.log_loss(sure, np.zeros(10, int)) == pytest.approx(-np.log(0.8))


def test_the_temperature_undoes_a_factor_of_the_logits():
    random = np.random.default_rng(4)
    logits = random.normal(size=(20_000, 3))
    chance = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (random.random((20_000, 1)) > chance.cumsum(axis=1)).sum(axis=1)
    assert fit_temperature(logits * 3.0, labels) == pytest.approx(3.0, rel=0.1)


def test_planted_classes_are_found_in_stories_never_seen(trained, sampled, quick):
    scores = evaluate.evaluate(trained, sampled / "process" / "holdout", config=quick)
    # Two in a hundred labels are drawn at random; nobody can know those.
    assert scores.metrics["accuracy"] > 0.95
    assert scores.metrics["macro_f1"] > 0.93
    assert scores.metrics["expected_calibration_error"] < 0.06
    assert scores.examples.shape[1] == 2
    assert scores.statistic(scores.examples) == pytest.approx(scores.metrics["macro_f1"])


def test_the_words_that_decide_are_the_planted_ones(trained, tmp_path):
    planted = sample.write(tmp_path, size=1, seed=1)["words"]
    answers = serve.load(trained).predict([{"title": word} for words in planted.values() for word in words])
    expected = [name for name, words in planted.items() for _ in words]
    right = sum(answer["category"] == name for answer, name in zip(answers, expected, strict=True))
    assert right >= 0.9 * len(expected)


def test_baselines_on_the_same_rows(channels, sampled, quick):
    found = evaluate.references(channels, sampled / "process" / "holdout", config=quick)
    assert found["linear SVM, words"]["accuracy"] > 0.9
    assert found["commonest class"]["accuracy"] < 0.6
    assert all(0.0 <= value <= 1.0 for each in found.values() for value in each.values())


def test_the_report_shows_and_writes_what_it_says(trained, sampled, quick, tmp_path):
    inputs = ReportInputs(model=trained, prepare=sampled / "prepare", process=sampled / "process")
    sections = report.report(inputs, tmp_path, config=quick)
    titles = [each.title for each in sections]
    assert titles == ["Quality by class", "Reliability", "Most confident mistakes", "Word vectors", "Training"]
    predictions = pq.read_table(tmp_path / "predictions.parquet").to_pandas()
    holdout = pq.read_table(sampled / "process" / "holdout" / "headlines.parquet").to_pandas()
    assert predictions.title.tolist() == holdout.title.tolist()
    chances = predictions[[f"probability_{name}" for name in CLASSES]].to_numpy()
    assert np.allclose(chances.sum(axis=1), 1.0)
    wrong = predictions[predictions.predicted != predictions.category]
    with (tmp_path / "mistakes.csv").open(newline="", encoding="utf-8") as file:
        mistakes = list(csv.DictReader(file))
    assert len(mistakes) == len(wrong)
    sure = [float(each["probability"]) for each in mistakes]
    assert sure == sorted(sure, reverse=True)
    page = render(title="Headlines", facts={}, sections=sections)
    assert page.count("<img") == 4


def test_served_answers_equal_the_classifier(trained):
    titles = ["Bank Profit Rises", "Oscar Wedding!", "ボ"]
    expected = Classifier.load(trained).probabilities(titles)
    answers = serve.load(trained).predict([{"title": each} for each in titles])
    for answer, row in zip(answers, expected, strict=True):
        assert list(answer["probabilities"].values()) == pytest.approx(row.tolist())
        assert answer["probabilities"][answer["category"]] == pytest.approx(row.max())
    assert serve.load(trained).predict([]) == []


@pytest.mark.parametrize(
    "row", [{}, {"title": 3}, {"title": "a", "x": 1}, {"title": "  "}, {"title": "a" * 10_001}, "a", None]
)
def test_other_requests_are_refused_with_a_reason(trained, row):
    with pytest.raises(BadRequest, match="Row 1: expected"):
        serve.load(trained).predict([{"title": "fine"}, row])
