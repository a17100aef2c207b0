"""Trees answer as scikit-learn does, members weigh as they should, reasons add up, and an older model still answers."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recipes.propensity import serve
from recipes.propensity.calibration import logit, sigmoid
from recipes.propensity.features import Encoder
from recipes.propensity.inference import LINEAR_FILE, SETTINGS_FILE, TYPICAL_FILE, Ensemble, Shares
from recipes.propensity.members import blend, boosting
from recipes.propensity.members.boosting import TreeColumns, boosted, taken_apart
from recipes.propensity.members.logistic_regression import logistic_regression
from recipes.propensity.members.trees import BLOCK_ROWS, TREES_FILE, Trees
from recipes.propensity.population import Population
from recipes.propensity.reasons.of_many import Reasons, typical_inputs
from recipes.propensity.training_data import TrainingData
from trainyard.contract.lean.threads import threads_for

ROWS = 800
RANDOM = np.random.default_rng(4)
VISITS = pd.DataFrame(
    {
        "pages": np.where(RANDOM.random(ROWS) < 0.1, np.nan, RANDOM.lognormal(size=ROWS)),
        "clicks": RANDOM.integers(0, 4, ROWS).astype(float),
        "channel": RANDOM.choice(["ads", "mail", "shop", None], ROWS),
        "city": RANDOM.choice([f"city {number}" for number in range(30)], ROWS),
    }
)
ODDS = VISITS.pages.fillna(3.0) + VISITS.clicks * (VISITS.channel == "mail") + RANDOM.normal(size=ROWS)
LABELS = (ODDS > 2.5).to_numpy(np.float32)
ENCODER = Encoder.fit(VISITS, max_categories=50)
INPUTS = ENCODER.transform(VISITS)
# Each value of a city is asked of, but not all of them of rows that a model learned from.
LEARNED = (VISITS.city != "city 7").to_numpy()


def models_of(columns, count=2):
    read = columns.of_inputs(INPUTS)
    rows = [LEARNED & (np.arange(ROWS) % 3 != fold) for fold in range(count)]
    kinds = columns.categorical
    return [boosted(read[each], LABELS[each], categorical=kinds, rounds=12, rate=0.1, seed=3) for each in rows]


COLUMNS = TreeColumns.of(ENCODER)
MODELS = models_of(COLUMNS)
TREES = taken_apart(MODELS, COLUMNS)


def by_scikit_learn(models, columns, inputs):
    with threads_for(len(inputs)):
        return np.mean([each.decision_function(columns.of_inputs(inputs)) for each in models], axis=0)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.floats(), st.sampled_from(VISITS.pages.tolist())),
            st.one_of(st.none(), st.floats(-3, 9), st.integers(-1, 5)),
            st.sampled_from(["ads", "mail", "shop", "never seen", None]),
            st.sampled_from(["city 1", "city 7", "city 29", "nowhere", None]),
        ),
        min_size=1,
        max_size=9,
    )
)
def test_trees_answer_as_scikit_learn_for_any_visit(rows):
    visits = [dict(zip(VISITS.columns, row, strict=True)) for row in rows]
    inputs = ENCODER.transform_rows(visits)
    found = TREES.logits(inputs)
    assert found == pytest.approx(by_scikit_learn(MODELS, COLUMNS, inputs), abs=1e-12)
    assert [TREES.logits(each[None])[0] for each in inputs] == found.tolist()


def test_trees_answer_alike_in_bulk_and_when_loaded_again(tmp_path):
    assert len(INPUTS) > 2 * BLOCK_ROWS
    found = TREES.logits(INPUTS)
    assert found == pytest.approx(by_scikit_learn(MODELS, COLUMNS, INPUTS), abs=1e-12)
    TREES.save(tmp_path)
    assert (Trees.load(tmp_path).logits(INPUTS) == found).all()
    assert TREES.logits(INPUTS[:0]).tolist() == []


def test_a_category_of_too_many_values_for_scikit_learn_is_taken_in_its_order(monkeypatch):
    monkeypatch.setattr(boosting, "MAX_VALUES", 20)
    columns = TreeColumns.of(ENCODER)
    assert columns.categorical == [True, False] + [False] * len(columns.inputs)
    models = models_of(columns, 1)
    assert taken_apart(models, columns).logits(INPUTS) == pytest.approx(
        by_scikit_learn(models, columns, INPUTS), abs=1e-12
    )


def test_numbers_alone_and_data_that_say_nothing_become_trees():
    for visits in (VISITS[["clicks"]], pd.DataFrame({"same": [1.0] * ROWS})):
        encoder = Encoder.fit(visits, max_categories=50)
        columns, inputs = TreeColumns.of(encoder), encoder.transform(visits)
        models = [
            boosted(columns.of_inputs(inputs), LABELS, categorical=columns.categorical, rounds=3, rate=0.1, seed=1)
        ]
        expected = by_scikit_learn(models, columns, inputs)
        assert taken_apart(models, columns).logits(inputs) == pytest.approx(expected, abs=1e-12)


def fitted(labels=LABELS):
    data = TrainingData(inputs=INPUTS, labels=labels, folds=np.arange(ROWS) % 3)
    rows = np.flatnonzero(data.folds < 2)
    found = blend.fit(data, ENCODER, folds=np.array([0, 1]), rows=rows, rounds=12, seed=3)
    return found, rows


def test_members_learn_nothing_from_the_rows_they_judge(monkeypatch):
    monkeypatch.setattr(blend, "RATES", (0.1,))
    found, rows = fitted()
    spoilt, _ = fitted(np.where(np.arange(ROWS) % 3 == 0, 1 - LABELS, LABELS))
    judged = rows % 3 == 0
    for name in ("unseen_trees", "unseen_linear"):
        own, other = getattr(found, name), getattr(spoilt, name)
        assert (own[judged] == other[judged]).all()
        assert (own[~judged] != other[~judged]).any()


def test_of_many_rows_the_trees_of_each_fold_see_a_part_and_all_folds_together_see_all(monkeypatch):
    seen, fit = [], blend.boosted

    def recorded(columns, labels, **named):
        seen.append(columns)
        return fit(columns, labels, **named)

    monkeypatch.setattr(blend, "boosted", recorded)
    monkeypatch.setattr(blend, "RATES", (0.1,))
    monkeypatch.setattr(blend, "MAX_LEARNED_ROWS", 300)
    found, rows = fitted()
    assert [len(each) for each in seen] == [267, 266]
    # Rows of the third fold are learned from by both: each sees its half of them.
    third = COLUMNS.of_inputs(INPUTS[np.arange(ROWS) % 3 == 2])
    known = {row.tobytes() for each in seen for row in each}
    assert all(row.tobytes() in known for row in third)
    assert len(found.unseen_trees) == len(rows) and np.isfinite(found.unseen_trees).all()


def test_the_more_there_is_to_learn_the_more_of_each_tree_is_learned(monkeypatch):
    rates, fit = [], blend.boosted

    def recorded(*arguments, rate, **named):
        rates.append(rate)
        return fit(*arguments, rate=rate, **named)

    monkeypatch.setattr(blend, "boosted", recorded)
    fitted(np.arange(ROWS, dtype=np.float32) * 7919 % 2)
    fitted((VISITS.clicks > 1.5).to_numpy(np.float32))
    # Nothing: the next rate is tried on the first fold. Everything: up to the last.
    assert rates == [0.03, 0.06, 0.03, *blend.RATES, blend.RATES[-1]]


def test_networks_that_know_it_all_have_all_but_a_fifth():
    found, rows = fitted(RANDOM.permutation(LABELS))
    labels = LABELS[rows]
    assert found.shares(np.where(labels > 0.5, 3.0, -3.0), labels).trees == min(blend.OTHER_SHARES)


def test_a_straight_truth_makes_the_straight_line_the_whole_model():
    odds = INPUTS[:, 0] + 2 * INPUTS[:, 4] - 1
    labels = (RANDOM.random(ROWS) < sigmoid(3 * odds)).astype(np.float32)
    found, rows = fitted(labels)
    assert found.shares(RANDOM.normal(size=len(rows)), labels[rows]).linear == 1.0
    # What no clear difference speaks against is the share of the trees.
    own, rows = fitted()
    assert own.shares(own.unseen_trees, LABELS[rows]).trees == blend.TREES_SHARE


@pytest.mark.parametrize(("rows", "linear"), [(1000, 1.0), (40_000, 0.0)])
def test_the_line_is_the_whole_model_until_rows_show_that_another_is_better(rows, linear):
    random = np.random.default_rng(8)
    truth = random.normal(size=rows)
    # Off by so little that 1,000 rows do not show it.
    line = truth + random.normal(0, 0.15, rows)
    labels = (random.random(rows) < sigmoid(truth)).astype(np.float64)
    found = blend.Members(trees=None, linear=np.zeros(1), unseen_trees=truth, unseen_linear=line)
    assert found.shares(truth, labels).linear == linear


def test_a_little_of_a_bend_is_taken_where_much_of_it_is_not_sure():
    random = np.random.default_rng(197)
    part, bend = random.normal(size=(2, 2000))
    labels = (random.random(2000) < sigmoid(-2.5 + part + 0.3 * bend)).astype(np.float64)
    # Twice the bend: half of it would be the best, by less than two standard errors; a quarter is better by more.
    trees = -2.5 + part + 0.6 * bend + random.normal(0, 0.3, 2000)
    found = blend.Members(trees=None, linear=np.zeros(1), unseen_trees=trees, unseen_linear=-2.5 + part)
    assert found.shares(trees, labels).linear == 0.75


def test_the_line_of_a_model_is_the_one_that_evaluation_compares_it_with(monkeypatch):
    monkeypatch.setattr(blend, "RATES", (0.1,))
    data = TrainingData(inputs=INPUTS, labels=LABELS, folds=np.zeros(ROWS, np.int64))
    assert (fitted()[0].linear == logistic_regression(data, np.ones(ROWS, np.bool_))).all()


def test_of_one_outcome_the_line_learns_nothing_else():
    data = TrainingData(inputs=INPUTS, labels=np.zeros(ROWS, np.float32), folds=np.zeros(ROWS, np.int64))
    line = logistic_regression(data, np.ones(ROWS, np.bool_))
    assert (line[:-1] == 0).all()
    assert sigmoid(line[-1]) < 1e-9


@pytest.fixture(scope="module")
def ensemble():
    """Networks of random weights, trees and a line."""
    shapes = [(INPUTS.shape[1], 4), (4,), (4, 3), (3,), (3, 1), (1,)]
    networks = [[RANDOM.normal(size=shape).astype(np.float32) for shape in shapes] for _ in range(2)]
    found, rows = fitted()
    counts = {"sales": 10, "others": 990, "sampled_sales": 10, "sampled_others": 80, "sales_volume": 10}
    return Ensemble(
        encoder=ENCODER,
        population=Population(product_id=0, start_date=None, end_date=None, seed=1, **counts),
        networks=networks,
        intercept=0.1,
        threshold=0.3,
        trees=found.trees,
        linear=found.linear,
        shares=found.shares(np.zeros(len(rows)), LABELS[rows]),
        typical=typical_inputs(ENCODER, INPUTS),
    )


def test_reasons_add_up_to_the_log_odds_beyond_a_typical_visit(ensemble):
    reasons = Reasons(ensemble)
    parts = reasons.parts(INPUTS[:50])
    whole = ensemble.sample_logits(INPUTS[:50]) - ensemble.sample_logits(ensemble.typical[None])
    assert parts.sum(axis=1) == pytest.approx(whole, abs=1e-6)
    changed = ensemble.typical.copy()
    own = ENCODER.inputs_by_column()["clicks"]
    changed[own] = INPUTS[int(VISITS.clicks.argmax()), own]
    (own,) = reasons.parts(changed[None])
    assert np.flatnonzero(np.abs(own) > 1e-6).tolist() == [reasons.columns.index("clicks")]
    assert not reasons.parts(ensemble.typical[None]).any()
    assert reasons.parts(INPUTS[:0]).shape == (0, 4)


@pytest.mark.parametrize("linear", [0.0, 0.3, 1.0])
def test_one_visit_has_the_reasons_that_it_has_among_many(ensemble, linear):
    whole = replace(ensemble, shares=Shares(trees=0.6, linear=linear))
    for each in (whole, replace(whole, trees=None, linear=None, shares=Shares())):
        reasons = Reasons(each)
        alone = np.concatenate([reasons.parts(row[None]) for row in INPUTS[:20]])
        assert np.abs(alone).max() > 0.01
        assert alone == pytest.approx(reasons.parts(INPUTS[:20]), abs=1e-6)


def test_a_typical_visit_has_the_most_frequent_values():
    typical = ENCODER.encode(
        np.array([[each.fill for each in ENCODER.quantities]]), [[VISITS[n].mode()[0]] for n in ("channel", "city")]
    )
    assert (typical_inputs(ENCODER, INPUTS) == typical[0]).all()


def test_a_request_gets_reasons_if_it_asks(ensemble):
    predictor = serve.Predictor(ensemble)
    row = {"pages": 9.5, "channel": "mail", "city": "city 3"}
    plain, told, silent = predictor.predict([row, {**row, "explain": True}, {**row, "explain": False}])
    assert set(plain) == set(silent) == {"propensity", "likely"}
    assert told["propensity"] == pytest.approx(plain["propensity"])
    assert list(told["reasons"]) == ENCODER.columns
    odds = logit(np.array([told["typical"], told["propensity"]]))
    assert sum(told["reasons"].values()) == pytest.approx(odds[1] - odds[0], abs=1e-6)
    json.dumps(told)


def test_a_column_called_explain_is_a_column(ensemble):
    visits = VISITS.rename(columns={"clicks": "explain"})
    encoder = Encoder.fit(visits, max_categories=50)
    named = serve.Predictor(replace(ensemble, encoder=encoder))
    assert "reasons" not in named.predict([{"explain": 3.0}])[0]


def test_a_model_without_trees_loads_and_answers_as_before(ensemble, tmp_path):
    ensemble.save(tmp_path)
    for name in (TREES_FILE, LINEAR_FILE, TYPICAL_FILE):
        (tmp_path / name).unlink()
    stored = json.loads((tmp_path / SETTINGS_FILE).read_text())
    del stored["shares"]
    (tmp_path / SETTINGS_FILE).write_text(json.dumps(stored))
    old = Ensemble.load(tmp_path)
    assert (old.sample_logits(INPUTS) == ensemble.networks_logits(INPUTS)).all()
    told = serve.Predictor(old).predict([{"pages": 2.0, "explain": True}])[0]
    assert math.isfinite(told["reasons"]["pages"])
    ensemble.save(tmp_path)
    assert (Ensemble.load(tmp_path).sample_logits(INPUTS) == ensemble.sample_logits(INPUTS)).all()
