"""On generated visits the planted drivers are found, probabilities are right, and the report and the answers say so."""

from __future__ import annotations

import json
import math

import pandas as pd
import pytest

from recipes.propensity import evaluate, report, serve
from recipes.propensity.config import CONFIG
from trainyard.contract.report import ReportInputs
from trainyard.errors import BadRequest
from trainyard.stages.evaluate.bootstrap import interval
from trainyard.stages.report.page import render


def test_scores_are_good_calibrated_and_above_chance(trained, sampled):
    root, planted = sampled
    scores = evaluate.evaluate(trained[0], root / "process" / "holdout", config=CONFIG)
    metrics = scores.metrics
    assert metrics["auc"] > 0.74
    assert scores.statistic(scores.examples) == metrics["auc"]
    low, high = interval(scores.examples, statistic=scores.statistic, resamples=100)
    assert low < metrics["auc"] < high
    # Some 300 held-out sales: the mean itself is uncertain by 6 %.
    assert metrics["mean_to_rate"] == pytest.approx(1.0, abs=0.12)
    assert metrics["calibration_error"] < 0.005
    assert planted["rate"] == pytest.approx(0.0115, abs=0.002)
    channels = {name: root / "process" / name for name in ("train", "validation", "features")}
    references = evaluate.references(channels, root / "process" / "holdout", config=CONFIG)
    assert set(references) == {"gradient boosting", "logistic regression"}
    assert all(metrics["auc"] > each.metrics["auc"] - 0.03 for each in references.values())


def test_the_report_ranks_the_planted_drivers(trained, sampled, tmp_path):
    root, planted = sampled
    inputs = ReportInputs(model=trained[0], prepare=root / "prepare", process=root / "process")
    sections = report.report(inputs, tmp_path, config=CONFIG)
    drivers = pd.read_csv(tmp_path / "drivers.csv").set_index("column")["auc_lost"]
    assert set(drivers.index[:2]) == set(planted["drivers"][:2])
    strongest = drivers[planted["drivers"]].min()
    assert (drivers[planted["idle"]] < max(strongest, 0.01)).all()
    page = render(title="t", facts={}, sections=sections)
    assert "Calibration" in page and "data:image/png" in page
    assert len(pd.read_csv(tmp_path / "reliability.csv")) == 10
    assert len(pd.read_csv(tmp_path / "combinations.csv")) == 4


def test_requests_get_what_evaluation_computes(trained, sampled):
    root, _ = sampled
    predictor = serve.load(trained[0])
    visits = pd.read_parquet(root / "process" / "holdout" / "visits.parquet").head(50)
    rows = []
    for visit in visits[predictor.ensemble.encoder.columns].to_dict("records"):
        rows.append({k: None if isinstance(v, float) and math.isnan(v) else v for k, v in visit.items()})
    answers = predictor.predict(rows)
    json.dumps(answers)
    assert [each["propensity"] for each in answers] == pytest.approx(predictor.ensemble.probabilities(visits), rel=1e-5)
    assert predictor.predict([]) == []
    few = predictor.predict([{"basket_adds": 3, "channel": "carrier pigeon"}, {"basket_adds": 0}])
    assert few[0]["propensity"] > 5 * few[1]["propensity"]
    assert few[1]["likely"] is False


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({}, "expected at least one column"),
        ("x", "expected an object"),
        ({"basket_adds": 1, "colour": "red"}, "found 'colour'"),
        ({"basket_adds": "many"}, "expected a number in basket_adds"),
        ({"basket_adds": float("inf")}, "expected a number that is finite in basket_adds"),
        ({"channel": ["ppc"]}, "expected text in channel"),
    ],
)
def test_a_bad_row_is_refused_with_its_number(trained, row, sentence):
    with pytest.raises(BadRequest, match=f"Row 1: .*{sentence}"):
        serve.load(trained[0]).predict([{"basket_adds": 1}, row])
