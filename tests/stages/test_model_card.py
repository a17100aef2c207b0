"""The card of a model keeps to SageMaker's schema, and says of the model what its run found."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sagemaker.core.shapes.model_card_shapes import ModelCardContent

from trainyard.contract.config import Card
from trainyard.run import recipe
from trainyard.run.documents import (
    ChampionMetrics,
    Check,
    Comparison,
    Decision,
    Difference,
    JobTime,
    JobTimes,
    Metric,
)
from trainyard.run.run import InputFile, Run
from trainyard.run.watch.drift import DataDrift, Move
from trainyard.run.watch.profile import ColumnProfile, DataProfile, TableProfile
from trainyard.stages.model_card import Known, content, model_card

DIFFERENCE = Difference(value=0.02, low=0.01, high=0.03)
RUN = Run(
    recipe="prod2vec",
    run_id="20261121-120000-0c0c0c0c",
    dataset="autumn",
    execution_arn="arn:aws:states:eu-west-1:1:execution:training:1",
    raw_bucket="raw",
    artifacts_bucket="artifacts",
    fingerprint="f00",
    code_version="1.2",
    files=(InputFile(source="orders", key="raw/prod2vec/autumn/orders.csv", version_id="v1", size=9),),
)
COMPARISON = Comparison(
    metrics={"hit_rate_at_10": Metric(value=0.22, low=0.2, high=0.24), "mrr": Metric(value=float("nan"))},
    primary="hit_rate_at_10",
    rows=900,
    holdout="abc",
    hyperparameters={"epochs": 20, "options": {"fast": True}},
    references={"EASE": {"hit_rate_at_10": 0.2}},
    differences={"EASE": DIFFERENCE},
    champion=ChampionMetrics(
        run_id="20261101-000000-00000000",
        metrics={"hit_rate_at_10": Metric(value=0.21)},
        difference=Difference(value=0.01, low=-0.01, high=0.03),
    ),
)
DECISION = Decision(
    promote=True,
    summary="promoted: hit_rate_at_10 0.22",
    checks=(Check(name="baselines", passed=True, sentence="It is better than EASE."),),
    standing="better than EASE",
    waits=True,
)
KNOWN = Known(
    run=RUN,
    config=recipe.config("prod2vec"),
    comparison=COMPARISON,
    decision=DECISION,
    meanings=recipe.meanings("prod2vec"),
    profile=DataProfile(
        tables={
            "orders": TableProfile(
                rows=12_345, sampled=2000, columns={"amount": ColumnProfile(kind="number", missing=0.02, rows=2000)}
            )
        }
    ),
    drift=DataDrift(
        reference="20261101-000000-00000000",
        moves=(
            Move(table="orders", column="shop", what="new", distance=0.3, enough=0.02, p_value=0.0, text="30 % of X"),
        ),
        compared=4,
    ),
    jobs=JobTimes(
        jobs=(
            JobTime(
                state="Ingest raw data",
                entered="2026-11-21T12:00:00+00:00",
                left="2026-11-21T12:02:00+00:00",
                machine="G.1X",
                count=2,
            ),
            JobTime(state="Train model", entered="2026-11-21T12:02:00+00:00", left="2026-11-21T12:12:00+00:00"),
        )
    ),
)


def groups(card: dict) -> dict[str, dict[str, dict]]:
    found = card["evaluation_details"][0]["metric_groups"]
    return {each["name"]: {metric["name"]: metric for metric in each["metric_data"]} for each in found}


def test_the_card_says_what_the_run_found():
    card = json.loads(model_card(KNOWN))
    assert groups(card)["this model"]["hit_rate_at_10"]["value"] == 0.22
    assert groups(card)["this model"]["hit_rate_at_10"]["notes"].startswith("interval 0.2 to 0.24; higher is better")
    assert groups(card)["EASE"]["hit_rate_at_10"]["notes"].startswith("this model is better than it: +0.02")
    champion = groups(card)["model in use: 20261101-000000-00000000"]["hit_rate_at_10"]
    assert champion["notes"].startswith("this model is not better than it")
    details = card["additional_information"]["custom_details"]
    assert details["table orders"] == "rows: 12,345; columns: 1; missing values: amount 2.0%"
    assert details["moved since 20261101-000000-00000000"] == "orders.shop: 30 % of X"
    assert details["cost up to the gate"].startswith("0.")
    assert details["run"] == RUN.run_id
    job = card["training_details"]["training_job_details"]
    assert job["training_datasets"] == ["s3://raw/raw/prod2vec/autumn/orders.csv?versionId=v1"]
    assert {"name": "options.fast", "value": "true"} in job["user_provided_hyper_parameters"]
    caveats = card["additional_information"]["caveats_and_recommendations"]
    assert "better than EASE" in caveats and "waits for the approval" in caveats and "columns that moved: 1" in caveats


def test_a_metric_that_is_no_number_is_a_word():
    mrr = groups(json.loads(model_card(KNOWN)))["this model"]["mrr"]
    assert (mrr["type"], mrr["value"]) == ("string", "nan")


def test_values_of_cells_stay_out_of_the_card_where_they_are_not_shown():
    hidden = replace(KNOWN, run=replace(RUN, show_cells=False))
    assert "30 % of X" not in model_card(hidden)


def test_a_run_without_files_learned_from_the_database():
    job = content(replace(KNOWN, run=replace(RUN, files=())))["training_details"]["training_job_details"]
    assert job["training_datasets"] == ["the database of the environment"]


@pytest.mark.parametrize("name", recipe.names())
def test_every_recipe_says_what_its_models_are_for_and_where_they_are_weak(name):
    uses = content(replace(KNOWN, config=recipe.config(name)))["intended_uses"]
    assert uses["purpose_of_model"] == recipe.config(name).card.purpose
    assert len(uses["factors_affecting_model_efficiency"]) > 40


def test_of_more_metrics_than_the_registry_takes_the_first_stay_and_the_one_that_decides():
    many = {f"f1_of_class_{each:04d}": Metric(value=0.5, low=0.4, high=0.6) for each in range(2000)}
    many |= {COMPARISON.primary: COMPARISON.metrics[COMPARISON.primary]}
    comparison = replace(COMPARISON, metrics=many, references={"EASE": dict.fromkeys(many, 0.25)})
    card = model_card(replace(KNOWN, comparison=comparison))
    assert 50_000 < len(card) <= 100_000
    for group in ("this model", "EASE"):
        assert {COMPARISON.primary, "f1_of_class_0000"} <= groups(json.loads(card))[group].keys()


@pytest.mark.parametrize("line_end", ["\n", "\r", "\u0085", "\u2028", "\u2029"])
def test_a_line_ends_in_no_way_in_the_card(line_end):
    known = replace(KNOWN, decision=replace(DECISION, summary=f"one{line_end}two"))
    card = model_card(known)
    assert line_end not in card
    assert json.loads(card)["training_details"]["training_observations"] == f"one{line_end}two"


# The registry takes no line breaks, and a text of any length has to end somewhere.
@given(text=st.text(min_size=1, max_size=40), times=st.integers(1, 400))
def test_whatever_stands_in_settings_and_data_the_card_keeps_to_the_schema(text, times):
    long = text * times
    config = replace(recipe.config("prod2vec"), card=Card(purpose=long, limits=long, owner=long))
    comparison = replace(
        COMPARISON,
        hyperparameters={long: long},
        metrics={long: Metric(value=1.0)},
        references={long: {"hit_rate_at_10": 0.5}},
    )
    decision = replace(DECISION, summary=long, checks=(Check(name="x", passed=True, sentence=long),), standing=long)
    profile = DataProfile(tables={long: TableProfile(rows=1, sampled=1, columns={})})
    known = replace(KNOWN, config=config, comparison=comparison, decision=decision, profile=profile)
    card = model_card(known)
    assert card == "".join(card.splitlines())
    ModelCardContent.model_validate(json.loads(card))
