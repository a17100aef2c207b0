"""The gate: thresholds, and a champion that is replaced only by something better than noise."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from lambdas import gate as function
from tests.lambdas.conftest import ARTIFACTS, RAW
from trainyard.contract.config import Gate, to_mapping
from trainyard.errors import JobFailed
from trainyard.run import recipe
from trainyard.run.documents import Comparison, Difference, JobTimes
from trainyard.run.run import Run
from trainyard.run.watch.drift import DataDrift
from trainyard.run.watch.profile import ColumnProfile, DataProfile, TableProfile
from trainyard.stages.gate import decide

GATE = Gate(primary="hits", minimum={"hits": 0.2, "coverage": 0.1}, maximum={"loss": 1.0})


def evaluation(hits=0.3, coverage=0.5, loss=0.4, difference=None) -> Comparison:
    champion = None
    if difference:
        value, low, high = difference
        champion = {
            "run_id": "old",
            "metrics": {"hits": {"value": hits - value}},
            "difference": {"value": value, "low": low, "high": high},
        }
    metrics = {
        "hits": {"value": hits, "low": hits - 0.01, "high": hits + 0.01},
        "coverage": {"value": coverage},
        "loss": {"value": loss},
    }
    document = {
        "recipe": "any",
        "rows": 100,
        "metrics": metrics,
        "references": {"popularity": {"hits": 0.1}},
        "champion": champion,
    }
    return Comparison.from_mapping(document)


def test_a_first_model_needs_only_the_thresholds():
    decision = decide(evaluation(), GATE)
    assert decision.promote
    assert decision.reasons == ()


def test_a_model_that_answers_all_alike_is_not_given_an_interval_of_nothing():
    decision = decide(evaluation(difference=(0.0, 0.0, 0.0)), GATE)
    said = "hits better than the champion old by more than noise: no held-out example tells the two apart."
    assert decision.reasons == (said,)


def test_what_such_data_do_not_have_is_not_asked_for():
    asked = replace(evaluation(), metrics={name: evaluation().metrics[name] for name in ("hits", "coverage")})
    assert decide(asked, GATE).reasons == ("loss <= 1: it was not measured.",)
    decision = decide(replace(asked, not_applicable=("loss",)), GATE)
    assert decision.promote
    assert [each.name for each in decision.checks] == ["hits", "coverage"]


@pytest.mark.parametrize(
    ("scores", "sentence"),
    [
        ({"hits": 0.19}, "hits >= 0.2: it is 0.19."),
        ({"coverage": 0.05}, "coverage >= 0.1: it is 0.05."),
        ({"loss": 2.0}, "loss <= 1: it is 2."),
        ({"hits": float("nan")}, "hits >= 0.2: it is nan."),
    ],
)
def test_each_threshold_refuses_with_its_number(scores, sentence):
    decision = decide(evaluation(**scores), GATE)
    assert not decision.promote
    assert decision.reasons == (sentence,)
    assert sentence in decision.message


@pytest.mark.parametrize(
    ("difference", "promoted"),
    [((0.05, 0.02, 0.08), True), ((0.01, -0.01, 0.03), False), ((-0.05, -0.08, -0.02), False)],
)
def test_noise_and_worse_models_leave_the_champion_in_place(difference, promoted):
    assert decide(evaluation(difference=difference), GATE).promote is promoted


def beside(**differences) -> Comparison:
    found = {name: Difference(value=value, low=low, high=high) for name, (value, low, high) in differences.items()}
    return replace(evaluation(), differences=found)


BETTER, NOISE, WORSE = (0.05, 0.02, 0.08), (0.01, -0.01, 0.03), (-0.05, -0.08, -0.02)


@pytest.mark.parametrize(
    ("differences", "promoted", "standing"),
    [
        ({"popularity": BETTER}, True, "better than popularity"),
        ({"popularity": BETTER, "cooccurrence": NOISE}, True, "not better than cooccurrence"),
        ({"popularity": BETTER, "cooccurrence": WORSE}, False, "worse than cooccurrence"),
        ({}, True, ""),
    ],
)
def test_a_first_model_may_not_lose_to_a_simple_one(differences, promoted, standing):
    decision = decide(beside(**differences), GATE)
    assert decision.promote is promoted
    assert decision.standing == standing
    assert standing in decision.message and standing in decision.summary
    assert len(decision.reasons) == (0 if promoted else 1)


def test_a_baseline_that_cannot_be_compared_is_not_known_to_be_worse():
    assert not decide(beside(popularity=(float("nan"),) * 3), GATE).promote


def test_a_difference_that_does_not_count_refuses_nothing():
    found = beside(popularity=(-0.004, -0.005, -0.003))
    assert decide(found, replace(GATE, margin=0.0029)).standing == "worse than popularity"
    decision = decide(found, replace(GATE, margin=0.003))
    assert decision.promote
    assert decision.standing == "not better than popularity"
    assert "by more than noise and 0.003" in decision.message


def test_only_the_baselines_that_count_are_asked():
    found = beside(popularity=BETTER, cooccurrence=WORSE)
    assert decide(found, replace(GATE, beat=("popularity",))).standing == "better than popularity"
    assert decide(found, replace(GATE, beat=())).standing == ""
    assert decide(found, replace(GATE, beat=())).promote


def test_a_baseline_that_is_not_there_is_named_with_those_that_are():
    decision = decide(beside(popularity=BETTER), replace(GATE, beat=("popularity", "EASE")))
    assert decision.reasons == ("gate.beat: expected one of popularity, or all; found 'EASE'.",)


def test_a_metric_that_was_not_measured_refuses():
    found = evaluation()
    metrics = {name: each for name, each in found.metrics.items() if name != "coverage"}
    assert decide(replace(found, metrics=metrics), GATE).reasons == ("coverage >= 0.1: it was not measured.",)


def store(s3, document: dict) -> None:
    run = Run(
        recipe="prod2vec",
        run_id="r1",
        dataset="demo",
        execution_arn="arn:aws:states:us-east-1:123456789012:execution:training:first",
        raw_bucket=RAW,
        artifacts_bucket=ARTIFACTS,
        fingerprint="f",
        code_version="abc123",
        files=(),
        config=to_mapping(recipe.config("prod2vec")),
    )
    s3.put_object(Bucket=ARTIFACTS, Key="prod2vec/r1/resolve/request.json", Body=run.to_json().encode())
    s3.put_object(Bucket=ARTIFACTS, Key="prod2vec/r1/evaluate/evaluation.json", Body=json.dumps(document).encode())


def prod2vec_evaluation() -> dict:
    names = {*recipe.config("prod2vec").gate.minimum, recipe.config("prod2vec").gate.primary}
    return {
        "recipe": "prod2vec",
        "rows": 10,
        "metrics": {name: {"value": 0.9} for name in names},
        "references": {},
        "champion": None,
    }


def test_the_decision_is_kept_with_the_run(aws):
    store(aws, prod2vec_evaluation())
    decision = function.handler({"run": {"recipe": "prod2vec", "run_id": "r1"}, "champion": {}}, None)
    assert decision["promote"]
    stored = json.loads(aws.get_object(Bucket=ARTIFACTS, Key="prod2vec/r1/gate/decision.json")["Body"].read())
    assert stored == decision


def test_the_times_of_the_jobs_before_are_kept_beside_it(aws):
    store(aws, prod2vec_evaluation())
    moments = {"entered": "2026-11-29T08:00:00.000Z", "left": "2026-11-29T08:01:30.500Z"}
    jobs = [{"state": "Ingest raw data", **moments, "machine": "G.1X", "count": 2}, {"state": "Train model", **moments}]
    function.handler({"run": {"recipe": "prod2vec", "run_id": "r1"}, "champion": {}, "jobs": jobs}, None)
    stored = aws.get_object(Bucket=ARTIFACTS, Key="prod2vec/r1/gate/jobs.json")["Body"].read()
    kept = JobTimes.from_json(stored).jobs
    assert [(each.state, each.machine, each.count) for each in kept] == [
        ("Ingest raw data", "G.1X", 2),
        ("Train model", "", 0),
    ]
    # As after an approval, in an execution that compared nothing anew.
    function.handler({"run": {"recipe": "prod2vec", "run_id": "r1"}, "champion": {}, "jobs": []}, None)
    assert aws.get_object(Bucket=ARTIFACTS, Key="prod2vec/r1/gate/jobs.json")["Body"].read() == stored


def test_a_recipe_whose_metrics_say_what_they_mean_with_numpy_has_a_card_without_it(aws, monkeypatch, tmp_path):
    """A function has the standard library only; in the report, which has more, it is told."""
    store(aws, prod2vec_evaluation())
    (tmp_path / "acme_meanings.py").write_text("import a_library_that_functions_do_not_have")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(recipe, "module_name", lambda name, module: "acme_meanings")
    assert function.handler({"run": {"recipe": "prod2vec", "run_id": "r1"}, "champion": {}}, None)["promote"]
    card = json.loads(aws.get_object(Bucket=ARTIFACTS, Key="prod2vec/r1/gate/model_card.json")["Body"].read())
    assert card["evaluation_details"][0]["metric_groups"][0]["metric_data"]


def keep_profile(s3, run_id: str, *, missing: float) -> None:
    column = ColumnProfile(kind="category", missing=missing, rows=2_000, complete=True)
    table = TableProfile(rows=2_000, sampled=2_000, columns={"aisle": column})
    body = DataProfile(tables={"products": table}).to_json().encode()
    s3.put_object(Bucket=ARTIFACTS, Key=f"prod2vec/{run_id}/ingest/profile.json", Body=body)


def beside_champion() -> dict:
    primary = recipe.config("prod2vec").gate.primary
    difference = {"value": 0.1, "low": 0.05, "high": 0.15}
    return {
        **prod2vec_evaluation(),
        "champion": {"run_id": "old", "metrics": {primary: {"value": 0.8}}, "difference": difference},
    }


def test_what_moved_since_the_champions_data_is_told_and_decides_nothing(aws):
    store(aws, beside_champion())
    event = {"run": {"recipe": "prod2vec", "run_id": "r1"}, "champion": {"run_id": "old"}}
    keep_profile(aws, "r1", missing=0.1)
    # One of a version that profiled nothing.
    assert "moved" not in function.handler(event, None)["message"]
    keep_profile(aws, "old", missing=0.02)
    decision = function.handler(event, None)
    assert decision["promote"]
    assert "* products.aisle: missing 2.0% -> 10.0%" in decision["message"]
    stored = aws.get_object(Bucket=ARTIFACTS, Key="prod2vec/r1/gate/drift.json")["Body"].read()
    assert DataDrift.from_json(stored).reference == "old"


def test_an_evaluation_against_another_champion_is_an_error(aws):
    store(aws, prod2vec_evaluation())
    with pytest.raises(JobFailed, match="against champion newer, found one against None"):
        function.handler({"run": {"recipe": "prod2vec", "run_id": "r1"}, "champion": {"run_id": "newer"}}, None)


def test_a_model_that_waits_for_approval_is_not_called_promoted():
    waiting, refused = decide(evaluation(), GATE, waits=True), decide(evaluation(hits=0.1), GATE, waits=True)
    assert (waiting.promote, waiting.waits, refused.waits) == (True, True, False)
    assert waiting.summary.startswith("passed by the gate: hits 0.3")
    assert "was passed by the gate." in waiting.message
    assert refused.summary.startswith("refused: ")
