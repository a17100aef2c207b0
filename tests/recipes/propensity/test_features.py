"""Scaling follows the training rows alone and survives odd columns; probabilities are corrected exactly."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipes.propensity import features, score
from recipes.propensity.calibration import calibration_intercept, logit, sigmoid
from recipes.propensity.encoding.category import Category, text
from recipes.propensity.encoding.dates import DateColumn
from recipes.propensity.encoding.quantity import Quantity, robust_moments
from recipes.propensity.features import Encoder, number
from recipes.propensity.population import Population
from trainyard.contract.tabular.probabilities import (
    auc,
    average_precision,
    expected_calibration_error,
    reliability_bins,
)

RANDOM = np.random.default_rng(0)


def inputs_of(quantity, values):
    return Encoder(quantities=(quantity,), categories=()).encode(np.array(values)[:, None], [])


@given(
    values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=5, max_size=30),
    asked=st.lists(st.floats(allow_infinity=False), min_size=5, max_size=9),
)
def test_any_numbers_become_finite_inputs(values, asked):
    quantity = Quantity.fit("x", np.array(values))
    many = inputs_of(quantity, [*values, *asked])
    assert np.isfinite(many).all()
    assert inputs_of(quantity, asked[:3]) == pytest.approx(many[len(values) : len(values) + 3], abs=1e-5)


def test_certainty_in_32_bits_has_a_finite_logit():
    assert np.isfinite(logit(np.array([0.0, 1.0], dtype=np.float32))).all()


def test_moments_ignore_what_lies_outside_the_fences():
    inside = RANDOM.normal(3.0, 2.0, 10_000)
    mean, deviation = robust_moments(np.append(inside, [1e9] * 50))
    assert (mean, deviation) == (pytest.approx(3.0, abs=0.1), pytest.approx(2.0, abs=0.15))


def test_a_column_whose_quartiles_agree_falls_back_to_all_values():
    values = np.array([0.0] * 90 + [10.0] * 10)
    assert robust_moments(values) == (pytest.approx(1.0), pytest.approx(3.0))
    assert robust_moments(np.full(5, 7.0)) == (7.0, 1.0)


def test_a_quantity_becomes_log_rank_zero_and_missing():
    quantity = Quantity.fit("x", np.array([0.0, 0.0, 1.0, 2.0, 50.0, np.nan]))
    found = inputs_of(quantity, [0.0, 1e12, -1e12, np.nan])
    assert quantity.inputs == ["x: log", "x: rank", "x: zero", "x: missing"]
    assert np.isfinite(found).all() and np.abs(found).max() <= 8
    assert found[:, 2].tolist() == [1, 0, 0, 0]
    assert found[:, 3].tolist() == [0, 0, 0, 1]
    # Ranks are those of a normal deviate, halved; a value twice as frequent lies in the middle of its place.
    normal = Quantity.fit("y", RANDOM.normal(5, 3, 50_000))
    assert inputs_of(normal, [5.0, 8.0])[:, 1] == pytest.approx([0.0, 0.5], abs=0.02)
    assert not normal.missing


def test_rare_new_and_missing_categories():
    category = Category.fit("c", ["a"] * 3 + ["b"] * 2 + ["z"], max_values=2)
    assert category.inputs == ["c = a", "c = b", "c = (other)"]
    encoder = Encoder(quantities=(), categories=(category,))
    for values in (["b", "z", "new"], ["b", "z", "new", "a", "a"]):
        inputs = encoder.encode(np.empty((len(values), 0)), [values])
        assert inputs[:3].tolist() == [[0, 1, 0], [0, 0, 1], [0, 0, 1]]


def test_categories_of_many_values_keep_them_unless_all_together_would_have_thousands():
    names = [f"shop {place}" for place in range(200)]
    few = pd.DataFrame({"shop": names, "town": names[::-1]})
    assert [len(each.values) for each in Encoder.fit(few, max_categories=250).categories] == [200, 200]
    many = pd.DataFrame({f"c{column}": names for column in range(11)})
    assert {len(each.values) for each in Encoder.fit(many, max_categories=250).categories} == {50}
    assert {len(each.values) for each in Encoder.fit(many, max_categories=20).categories} == {20}


def test_an_encoder_is_the_same_after_saving_and_does_not_see_other_rows(tmp_path):
    rows = pd.DataFrame(
        {
            "row_key": ["1", "2", "3"],
            "is_sale": [0, 1, 0],
            "amount": [1.5, None, 3.0],
            "count": pd.array([1, 2, None], dtype="Int64"),
            "flag": [True, False, True],
            "kind": ["a", None, "b"],
            "same": [7, 7, 7],
            "signup": pd.to_datetime(["2026-01-31 00:00", None, "2026-01-01 12:00"]),
        }
    )
    encoder = Encoder.fit(rows, max_categories=5)
    encoder.save(tmp_path)
    again = Encoder.load(tmp_path)
    assert again == encoder
    assert encoder.columns == ["amount", "count", "signup", "flag", "kind"]
    assert encoder.transform(rows).shape == (3, len(encoder.inputs))
    indices = sorted(index for group in encoder.inputs_by_column().values() for index in group)
    assert indices == list(range(len(encoder.inputs)))
    assert "kind = (missing)" in encoder.inputs and "flag = true" in encoder.inputs
    # One row at a time gives what all rows give together: nothing depends on the batch.
    single = np.concatenate([encoder.transform(rows.iloc[[place]]) for place in range(3)])
    assert (single == encoder.transform(rows)).all()
    requests = [
        {"amount": 1.5, "count": "1", "flag": "TRUE", "kind": "a", "signup": "2026-01-31"},
        {"count": 2.0, "flag": 0},
    ]
    assert (encoder.transform_rows(requests) == encoder.transform(rows.iloc[:2])).all()


def test_a_number_of_a_category_is_the_text_that_training_kept():
    category = Category.fit("kind", ["2", "2.5", "a", "true", "(missing)"], max_values=5)
    for value in (2.0, 2.5, 7.0, -0.0, float("nan"), 2, True, "2", "2.0", "a", None):
        assert category.text_of(value) == text(value)


def test_many_rows_are_encoded_as_few_are(monkeypatch):
    rows = pd.DataFrame({"number": np.arange(50.0), "name": [f"n{each % 7}" for each in range(50)]})
    encoder = Encoder.fit(rows, max_categories=5)
    whole = encoder.transform(rows)
    monkeypatch.setattr(features, "BLOCK_ROWS", 8)
    assert (encoder.transform(rows) == whole).all()
    assert encoder.transform(rows[:0]).shape == (0, whole.shape[1])


def test_a_date_becomes_its_age_month_and_weekday():
    moments = pd.Series(pd.to_datetime(["2026-01-31 06:00", "2026-01-30 06:00", None, "2025-12-31 18:00"]))
    date = DateColumn.fit("signup", moments)
    ages, months, weekdays = date.features(moments.tolist())
    assert ages == pytest.approx([0, 1, np.nan, 30.5], nan_ok=True)
    assert (months, weekdays) == (["1", "1", "(missing)", "12"], ["6", "5", "(missing)", "3"])
    # Whatever is later than training's newest is as new; a moment is one in whatever way it is written.
    spelled = ["2026-03-01", "2026-01-30T07:00:00+01:00", 1_769_752_800, 1_769_752_800_000, "soon", ""]
    assert date.features(spelled)[0] == pytest.approx([0, 1, 1, 1, np.nan, np.nan], nan_ok=True)
    assert np.isnan(DateColumn.fit("never", pd.Series([pd.NaT, pd.NaT])).features(["2026-01-01"])[0][0])


@pytest.mark.parametrize(
    ("trained", "yes", "no"),
    [
        (["TRUE", "FALSE"], ["TRUE", "true", "True", True, 1, 1.0, "1", "yes", "Y"], [False, 0, "0.0", "No", "f"]),
        (["Yes", "No", None], ["yes", "TRUE", True, 1], ["NO", False, 0]),
        ([1, 0], [True, "true", "yes", 1.0], [False, "n", "0"]),
        (["yes", "no", "unknown"], ["Yes", True, "TRUE", 1], [False, "NO", 0]),
    ],
)
def test_a_model_of_one_spelling_answers_the_others_equally(trained, yes, no):
    category = Category.fit("c", [text(each) for each in trained], max_values=50)
    assert {category.input_index(text(each)) for each in yes} == {category.input_index(text(trained[0]))}
    assert {category.input_index(text(each)) for each in no} == {category.input_index(text(trained[1]))}
    assert category.input_index(text("maybe")) == len(category.values)


def test_names_that_look_like_yes_and_no_are_names():
    winds = Category.fit("wind", ["n", "s", "e", "w"], max_values=50)
    assert winds.input_index(text(0)) == winds.input_index(text(False)) == 4
    regions = Category.fit("region", ["0", "1", "2", "3"], max_values=50)
    assert regions.input_index(text(True)) == 4 and regions.input_index(text(1.0)) == 1
    cases = Category.fit("plan", ["Pro", "pro", "Basic"], max_values=50)
    assert [cases.values[cases.input_index(each)] for each in ("Pro", "pro", "BASIC")] == ["Pro", "pro", "Basic"]
    assert cases.input_index("PRO") == 3


@pytest.mark.parametrize(
    ("value", "expected"),
    [(3, 3), ("3.5", 3.5), (" 4 ", 4), (True, 1), ("FALSE", 0), (None, np.nan), ("NA", np.nan), ("many", np.nan)],
)
def test_a_number_in_whatever_way_it_is_written(value, expected):
    assert number(value) == pytest.approx(expected, nan_ok=True)


def test_an_encoder_reads_columns_of_other_types_than_it_learned_from():
    learned = pd.DataFrame({"n": [0, 1, 2, 5], "c": ["1", "2", "3", None], "flag": ["yes", "no", "yes", "no"]})
    encoder = Encoder.fit(learned, max_categories=50)
    others = pd.DataFrame({"n": ["0", "1.0", "2", "5"], "c": [1.0, 2.0, 3.0, None], "flag": [True, False, True, False]})
    assert (encoder.transform(others) == encoder.transform(learned)).all()


def test_an_encoder_of_an_earlier_version_is_still_read(tmp_path):
    encoder = Encoder.fit(pd.DataFrame({"c": ["TRUE", "FALSE"]}), max_categories=5)
    document = {"quantities": [], "categories": [{"name": "c", "values": ["FALSE", "TRUE"]}]}
    (tmp_path / "encoder.json").write_text(json.dumps(document))
    assert Encoder.load(tmp_path).transform(pd.DataFrame({"c": [True]}))[0].tolist() == [0, 1, 0]
    assert encoder.dates == ()


def sampled_population():
    return Population(
        product_id=7,
        start_date=None,
        end_date=None,
        sales_volume=1000,
        sales=1000,
        others=99_000,
        sampled_sales=1000,
        sampled_others=8000,
        seed=1,
    )


def test_the_correction_for_the_sample_is_exact():
    truth = sigmoid(RANDOM.normal(-5.0, 1.2, 400_000))
    sale = (RANDOM.random(len(truth)) < truth).astype(float)
    kept = (sale == 1) | (RANDOM.random(len(truth)) < 8000 / 99_000)
    # Bayes: what a perfect model of the sample says.
    in_sample = truth / (truth + (1 - truth) * 8000 / 99_000)
    population = sampled_population()
    corrected = sigmoid(logit(in_sample) + population.prior_correction)
    assert corrected == pytest.approx(truth)
    weights = population.weights(sale[kept])
    assert np.average(sale[kept], weights=weights) == pytest.approx(sale.mean(), rel=0.03)
    assert np.average(truth[kept], weights=weights) == pytest.approx(sale.mean(), rel=0.03)
    assert expected_calibration_error(truth[kept], sale[kept], weights=weights) < 0.0015
    assert expected_calibration_error(in_sample[kept], sale[kept], weights=weights) > 0.05
    bins = reliability_bins(truth[kept], sale[kept], weights=weights)
    assert len(bins) == 10
    assert [each.predicted for each in bins] == sorted(each.predicted for each in bins)


def test_an_intercept_makes_the_mean_right():
    logits, labels, weights = RANDOM.normal(-2, 1, 1000), (RANDOM.random(1000) < 0.3) * 1.0, RANDOM.random(1000)
    added = calibration_intercept(logits, weights, labels=labels)
    assert np.average(sigmoid(logits + added), weights=weights) == pytest.approx(np.average(labels, weights=weights))


def test_areas_are_those_of_scikit_learn():
    from sklearn.metrics import average_precision_score, roc_auc_score

    labels = (RANDOM.random(500) < 0.2) * 1.0
    scores = np.round(RANDOM.normal(labels, 1.0), 1)
    weights = RANDOM.random(500)
    assert auc(scores, labels) == pytest.approx(roc_auc_score(labels, scores))
    expected = average_precision_score(labels, scores, sample_weight=weights)
    assert average_precision(scores, labels, weights=weights) == pytest.approx(expected)
    assert auc(scores, np.zeros(500)) == 0.5


def test_bulk_scores_are_told_beside_the_rate_of_sales(tmp_path):
    sampled_population().save(tmp_path)
    assert score.seen(tmp_path) == {"propensity": pytest.approx(0.01)}


def test_of_a_sample_as_many_sales_are_kept_as_the_population_has():
    labels = np.concatenate([np.ones(1000), np.zeros(8000)])
    rows = sampled_population().rows_as_in_population(labels)
    kept = labels[rows]
    assert (kept == 0).sum() == 8000
    # One visit in a hundred is a sale.
    assert (kept == 1).sum() == pytest.approx(8000 / 99, abs=1)
    assert np.array_equal(rows, np.unique(rows))
    whole = replace(sampled_population(), sampled_others=99_000)
    assert len(whole.rows_as_in_population(labels)) == len(labels)
