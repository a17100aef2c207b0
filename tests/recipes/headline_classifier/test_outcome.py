"""Metrics, evaluation on planted classes, report and served answers."""

import csv

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from recipes.headline_classifier import evaluate, metrics, report, sample, score, serve
from recipes.headline_classifier.inference import Classifier
from recipes.headline_classifier.network.calibration import fit_temperature
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
    # scikit-learn's own way to say over which classes the mean is.
    expected = f1_score(two, predicted, average="macro", labels=[0, 1])
    assert metrics.macro_f1(two, predicted, classes=4) == pytest.approx(expected)


def test_calibration_error_of_known_cases():
    sure = np.full(10, 0.8)
    right = np.repeat([True, False], [8, 2])
    assert metrics.expected_calibration_error(sure, right) == pytest.approx(0.0)
    assert metrics.expected_calibration_error(sure, ~right) == pytest.approx(0.6)
    assert metrics.log_loss(sure) == pytest.approx(-np.log(0.8))
    assert np.isfinite(metrics.log_loss(np.zeros(2)))


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
    learned = set(found) - {"commonest class"}
    assert {"complement naive Bayes", "logistic regression, words", "linear SVM, words"} <= learned
    assert all(found[name].metrics["accuracy"] > 0.9 for name in learned)
    assert found["commonest class"].metrics["accuracy"] < 0.6
    assert all(0.0 <= value <= 1.0 for each in found.values() for value in each.metrics.values())


def test_the_report_shows_and_writes_what_it_says(trained, sampled, quick, tmp_path):
    inputs = ReportInputs(model=trained, prepare=sampled / "prepare", process=sampled / "process")
    sections = report.report(inputs, tmp_path, config=quick)
    titles = [each.title for each in sections]
    first = ["Quality by class", "Reliability", "What decides", "Most confident mistakes"]
    assert titles == [*first, "Word vectors", "Training"]
    decides, alone, without = (np.asarray(each) for each in list(zip(*sections[2].tables[0].rows, strict=True))[1:])
    assert decides.sum() == pytest.approx(1.0, abs=1e-3)
    # Of planted words, every part knows most.
    assert (alone > 0.8).all()
    assert (without > 0.8).all()
    predictions = pq.read_table(tmp_path / "predictions.parquet").to_pandas()
    holdout = pq.read_table(sampled / "process" / "holdout" / "headlines.parquet").to_pandas()
    assert predictions.title.tolist() == holdout.title.tolist()
    chances = [{each["category"]: each["probability"] for each in row} for row in predictions.probabilities]
    assert np.allclose([sum(each.values()) for each in chances], 1.0)
    assert [each[name] for each, name in zip(chances, predictions.predicted, strict=True)] == list(
        predictions.probability
    )
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


def test_a_description_is_read_with_the_title_in_requests_and_in_bulk(trained, quick, tmp_path):
    rows = [(None, "Bank", "Album concert singer"), ("k7", "Bank", None), (None, "Bank", "")]
    (tmp_path / "headlines").mkdir()
    whole = [(*row, None, None) for row in rows]
    table = pa.table(dict(zip(score.COLUMNS, map(list, zip(*whole, strict=True)), strict=True)))
    pq.write_table(table, tmp_path / "headlines" / "part-00000.parquet")
    scored = pa.concat_tables(score.score(trained, tmp_path, config=quick)).to_pylist()
    requests = [{"title": title} | ({"description": text} if text is not None else {}) for _, title, text in rows]
    answers = serve.load(trained).predict(requests)
    assert [each["category"] for each in scored] == [each["category"] for each in answers]
    assert [each["headline_id"] for each in scored] == ["1", "k7", "3"]
    assert answers[0]["category"] == "e"
    assert answers[1] == answers[2]
    assert answers[1]["category"] == "b"


def test_a_champion_that_knows_other_classes_is_judged_on_those_that_are_held_out(trained, sampled, quick, tmp_path):
    """The classes of the holdout decide: one that the model has never seen is 0 of them, not left out."""
    table = pq.read_table(sampled / "process" / "holdout" / "headlines.parquet")
    renamed = ["climate" if each == "m" else each for each in table["category"].to_pylist()]
    changed = table.set_column(table.column_names.index("category"), "category", pa.array(renamed))
    pq.write_table(changed, tmp_path / "headlines.parquet")
    known = evaluate.evaluate(trained, sampled / "process" / "holdout", config=quick)
    other = evaluate.evaluate(trained, tmp_path, config=quick)
    assert known.metrics["macro_f1"] - other.metrics["macro_f1"] == pytest.approx(0.25, abs=0.02)
    assert np.isfinite(other.metrics["log_loss"])
    assert other.statistic(other.examples) == other.metrics["macro_f1"]


def test_the_report_says_which_classes_no_held_out_headline_has(trained, sampled, quick, tmp_path):
    holdout = tmp_path / "process" / "holdout"
    holdout.mkdir(parents=True)
    table = pq.read_table(sampled / "process" / "holdout" / "headlines.parquet")
    pq.write_table(table.filter(pc.field("category") != "m"), holdout / "headlines.parquet")
    inputs = ReportInputs(model=trained, prepare=sampled / "prepare", process=tmp_path / "process")
    (tmp_path / "report").mkdir()
    section = report.report(inputs, tmp_path / "report", config=quick)[0]
    assert "No held-out headline is of health" in section.text
    assert "the mean over the other 3 classes" in section.text
    assert ("m: health", 0, None, None, None) in section.tables[0].rows


@pytest.mark.parametrize(
    "row", [{}, {"title": 3}, {"title": "a", "x": 1}, {"title": "  "}, {"title": "a" * 10_001}, "a", None]
)
def test_other_requests_are_refused_with_a_reason(trained, row):
    with pytest.raises(BadRequest, match="Row 1: expected"):
        serve.load(trained).predict([{"title": "fine"}, row])
