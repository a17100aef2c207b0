"""Scores and answers need no outcome, and are the same however values and columns are spelled."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recipes.propensity import score, serve
from recipes.propensity.columns.outcome import Outcome
from recipes.propensity.columns.uses import ColumnUse, Description
from recipes.propensity.config import CONFIG
from recipes.propensity.features import Encoder
from recipes.propensity.inference import Ensemble
from recipes.propensity.population import Population
from trainyard.errors import BadData, BadRequest
from trainyard.run.settings.overrides import override

ROWS = 40
LEARNED = {
    "customer_id": [f"C-{place}" for place in range(ROWS)],
    "amount": [place / 4 for place in range(ROWS)],
    "Region": [place % 5 for place in range(ROWS)],
    "weekend": [place % 3 == 0 for place in range(ROWS)],
    "signup": pd.date_range("2026-01-01", periods=ROWS, freq="D").to_pydatetime().tolist(),
}
INPUTS = ("amount", "Region", "weekend", "signup")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model with random weights, which answers as one that has learned does."""
    random = np.random.default_rng(1)
    learned = pd.DataFrame({name: LEARNED[name] for name in INPUTS}).astype({"Region": str, "weekend": str})
    encoder = Encoder.fit(learned, max_categories=50)
    shapes = [(len(encoder.inputs), 4), (4,), (4, 3), (3,), (3, 1), (1,)]
    networks = [[random.normal(size=shape).astype(np.float32) for shape in shapes]]
    counts = {"sales": 10, "others": 30, "sampled_sales": 10, "sampled_others": 30, "sales_volume": 10}
    population = Population(product_id=0, start_date=None, end_date=None, seed=1, **counts)
    folder = tmp_path_factory.mktemp("model")
    Ensemble(encoder=encoder, population=population, networks=networks, intercept=0.0, threshold=0.5).save(folder)
    outcome = Outcome(column="churned", yes="true", no="false", sale=False)
    uses = tuple(ColumnUse(name=name, use="category") for name in LEARNED)
    Description(outcome=outcome, columns=uses, key="customer_id").save(folder)
    return folder


def scored(model, root, columns, config=CONFIG):
    (root / "visits").mkdir(parents=True)
    pq.write_table(pa.table(columns), root / "visits" / "part-00000.parquet")
    return pa.concat_tables(score.score(model, root, config=config)).to_pylist()


@pytest.mark.parametrize(
    "changes",
    [
        {"churned": ["yes", "no"] * (ROWS // 2)},
        {"churned": pa.nulls(ROWS, pa.string()), "more": ["x"] * ROWS},
        {"weekend": [int(each) for each in LEARNED["weekend"]]},
        {"weekend": ["TRUE" if each else "FALSE" for each in LEARNED["weekend"]]},
        {"Region": [float(each) for each in LEARNED["Region"]], "amount": [str(each) for each in LEARNED["amount"]]},
        {"signup": [each.date().isoformat() for each in LEARNED["signup"]]},
    ],
)
def test_scores_depend_on_what_is_said_alone(model, tmp_path, changes):
    rows = scored(model, tmp_path / "own", LEARNED)
    assert len({each["propensity"] for each in rows}) > ROWS / 2
    assert scored(model, tmp_path / "other", {**LEARNED, **changes}) == rows
    assert [each["visit_id"] for each in rows] == LEARNED["customer_id"]
    renamed = {name.upper().replace("_", " "): values for name, values in LEARNED.items()}
    assert scored(model, tmp_path / "renamed", renamed) == rows


def test_a_column_that_is_missing_is_a_missing_value_and_said(model, tmp_path, capsys):
    lacking = {name: values for name, values in LEARNED.items() if name not in ("weekend", "customer_id")}
    rows = scored(model, tmp_path / "lacking", lacking)
    assert "columns that the file lacks count as missing values: weekend" in capsys.readouterr().out
    nothing = scored(model, tmp_path / "nothing", {**lacking, "weekend": pa.nulls(ROWS, pa.bool_())})
    assert rows == nothing and {each["visit_id"] for each in rows} == {None}


def test_a_file_without_any_of_the_columns_is_refused(model, tmp_path):
    with pytest.raises(BadData, match=r"visits: expected columns that the model knows .* found none of them but films"):
        scored(model, tmp_path, {"films": [1, 2]})


def test_reasons_are_the_strongest_parts_where_they_are_asked_for(model, tmp_path):
    rows = scored(model, tmp_path / "told", LEARNED, config=override(CONFIG, {"data": {"reasons": 2}}))
    predictor = serve.load(model)
    for row, amount, region, weekend, signup in zip(rows, *(LEARNED[name] for name in INPUTS), strict=True):
        visit = {"amount": amount, "Region": region, "weekend": weekend, "signup": signup.isoformat(), "explain": True}
        parts = predictor.predict([visit])[0]["reasons"]
        strongest = sorted(parts, key=lambda name: -abs(parts[name]))[:2]
        assert json.loads(row["reasons"]) == pytest.approx({name: parts[name] for name in strongest}, abs=1e-3)
    assert {each["reasons"] for each in scored(model, tmp_path / "silent", LEARNED)} == {None}


def test_keys_come_back_as_they_came(model, tmp_path):
    keys = [2**62 + place for place in range(ROWS)]
    rows = scored(model, tmp_path, {**LEARNED, "customer_id": keys})
    assert [each["visit_id"] for each in rows] == [str(each) for each in keys]


def test_requests_say_it_in_any_spelling(model):
    predictor = serve.load(model)
    row = {"amount": 3.0, "Region": 2, "weekend": True, "signup": "2026-01-05"}
    (expected,) = predictor.predict([row])
    for change in (
        *({"weekend": each} for each in ("TRUE", "true", "yes", 1, "1")),
        *({"Region": each} for each in ("2", "2.0", 2.0)),
        *({"signup": each} for each in ("2026-01-05T00:00:00Z", 1_767_571_200)),
        {"amount": "3.0"},
    ):
        assert predictor.predict([{**row, **change}]) == [expected], change
    missing = {"amount": None, "Region": "NA", "weekend": None, "signup": ""}
    assert predictor.predict([{**missing, "amount": "NaN"}]) == predictor.predict([missing])
    assert predictor.predict(predictor.examples())
    with pytest.raises(BadRequest, match="Row 0: expected a date such as 2026-01-31, found 'soon'"):
        predictor.predict([{**row, "signup": "soon"}])
