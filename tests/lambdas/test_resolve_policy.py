"""What run.json and a start may ask for: every setting of every recipe, and whatever else people write there."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lambdas.changed_settings import changes, flat
from tests.lambdas.settling_world import Upload, World
from trainyard.run import recipe
from trainyard.run.environment import Environment
from trainyard.run.plan import NextStep, Plan
from trainyard.run.settings.policy import Policy
from trainyard.stages.resolve.resolve import resolve
from trainyard.stages.resolve.settling import Earlier

GROUPS = ("data", "files", "hyperparameters", "model", "seed", "tune")
WISHES = {
    "jobs": {"train": {"instance_type": "ml.p5.48xlarge", "volume_gb": 16_000, "max_runtime_s": 432_000}},
    "tuning": {"max_jobs": 500, "parallel_jobs": 100},
    "deploy": {"enabled": True, "max_concurrency": 200, "instance_count": 20, "instance_type": "ml.p5.48xlarge"},
    "gate": {"minimum": {"hit_rate_at_10": -1e9}},
}
ALLOWED = Policy(upload=Policy().start)


def may_be_uploaded(name: str) -> bool:
    """The rule as people are told it; not by way of the code that is tested."""
    return (name.partition(".")[0] in GROUPS or name.startswith("tuning.ranges.")) and name != "data.source"


def asked(name: str, run_json: dict[str, Any], *, policy: Policy | None = None) -> Plan:
    """What becomes of an upload of run.json alone: it waits for files, unless it is refused."""
    world = World(recipe=name, run_json=run_json, settling=0, policy=policy or Policy())
    (plans,) = world.run([Upload(name="run.json", after=1)]).plans.values()
    return plans[-1]


def started(overrides: dict[str, Any], *, world: World | None = None) -> Plan:
    """What becomes of a start of prod2vec with these settings, on a data set that is `world`."""
    place = Environment(raw_bucket="r", artifacts_bucket="a", ledger_table="l", topic_arn="t", code_version="1")
    world = world or World(recipe="prod2vec")
    execution = {"arn": "arn:aws:states:us-east-1:0:execution:m:e", "name": "e", "started": "2026-11-28T12:00:00Z"}
    given = {"recipe": world.recipe, "dataset": "mine", "overrides": overrides}
    return resolve(given, execution, environment=place, s3=world, dynamodb=world)


@pytest.mark.parametrize("name", recipe.names())
def test_every_setting_of_every_recipe_passes_or_is_refused_as_the_rule_says(name: str) -> None:
    passed = {path: asked(name, run_json).outcome is not NextStep.REFUSED for path, run_json in changes(name)}
    assert len(passed) > 60
    assert passed == {path: may_be_uploaded(path) for path in passed}


names = st.sampled_from(
    [
        *("data", "jobs", "train", "gate", "minimum", "hit_rate_at_10", "deploy", "enabled", "score", "tuning"),
        *("max_jobs", "ranges", "epochs", "hyperparameters", "instance_type", "files", "products", "model", "seed"),
    ]
)
values = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | names
odd = st.recursive(values, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4))
near = st.fixed_dictionaries(
    {},
    optional={
        "gate": st.dictionaries(st.just("minimum"), st.dictionaries(st.just("hit_rate_at_10"), values)),
        "deploy": st.dictionaries(st.sampled_from(["enabled", "type"]), st.sampled_from([True, "true", "instances"])),
        "hyperparameters": st.dictionaries(st.just("epochs"), st.integers(1, 50) | st.sampled_from(["7", "x"])),
        "tuning": st.dictionaries(st.just("max_jobs"), st.sampled_from(["500", 500, 500.0, 1])),
        "tune": st.booleans(),
    },
)


@settings(max_examples=40)
@given(st.dictionaries(names, odd, max_size=4) | near)
def test_whatever_is_written_changes_nothing_that_an_upload_may_not_change(run_json: dict[str, Any]) -> None:
    files = [Upload(name=each, after=1) for each in ("run.json", "order_products__prior.csv", "products.csv")]
    world = World(recipe="prod2vec", run_json=run_json, settling=0).run(files)
    default = flat(recipe.config("prod2vec"))
    for request in world.requests:
        found = flat(recipe.config("prod2vec", request["config"]))
        assert all(may_be_uploaded(name) for name in found if found[name] != default.get(name))


def test_every_refusal_says_what_was_asked_what_is_allowed_who_may_and_what_to_do() -> None:
    reason = asked("prod2vec", WISHES).reason
    assert reason.startswith(
        "tuning.max_jobs: run.json asks for 500, but an upload may change data, files, hyperparameters, model, seed, "
        "tune, tuning.ranges except data.source only. Take it out of run.json; somebody who may start "
        "executions can ask for it: trainyard rerun EXECUTION --set tuning.max_jobs=500."
    )
    for name in ("jobs.train.instance_type", "deploy.enabled", "gate.minimum.hit_rate_at_10"):
        assert f"{name}: run.json asks for " in reason


def test_where_an_upload_may_change_anything_ceilings_hold() -> None:
    reason = asked("prod2vec", WISHES, policy=ALLOWED).reason
    assert "jobs.train.max_runtime_s: run.json asks for 432000; an upload may ask for at most 172,800. Ask" in reason
    assert "jobs.train.instance_type: run.json asks for 'ml.p5.48xlarge'; an upload may ask for one of ml." in reason
    assert "gate" not in reason
    within = {"deploy": {"enabled": True}, "jobs": {"train": {"instance_type": "ml.m5.12xlarge", "volume_gb": 1_000}}}
    assert asked("prod2vec", within, policy=ALLOWED).reason.startswith("waiting for")


def test_a_start_may_change_what_an_upload_may_not_within_wider_ceilings() -> None:
    world = World(recipe="prod2vec", settling=0, run_json={})
    world.run([Upload(name="order_products__prior.csv", after=1), Upload(name="products.csv", after=2)])
    asks = {"deploy": {"enabled": True}, "gate": {"minimum": {"hit_rate_at_10": 0.0}}, "tuning": {"max_jobs": 100}}
    assert started(asks, world=world).outcome is NextStep.TRAIN
    reason = started(WISHES, world=world).reason
    assert (
        "tuning.max_jobs: the start asks for 500; a start may ask for at most 100. Ask for that, or widen the policy "
        "in infra/settings.py and deploy it."
    ) in reason
    assert reason.count("the start asks for") == 8
    long = {"tune": True, "tuning": {"max_jobs": 100, "parallel_jobs": 1}, "jobs": {"tune": {"max_runtime_s": 172_800}}}
    assert "100 rounds x 172,800 s" in started(long, world=world).reason


def test_the_settings_beside_the_data_are_checked_whatever_started_the_execution() -> None:
    """A rerun and a schedule read run.json too; that the start asks for the same does not make up for it."""
    asks = {"gate": {"minimum": {"hit_rate_at_10": -1e9}}}
    world = World(recipe="prod2vec", run_json=asks, settling=0)
    world.run([Upload(name=each, after=1) for each in ("run.json", "order_products__prior.csv", "products.csv")])
    assert {plans[-1].outcome for plans in world.plans.values()} == {NextStep.REFUSED}
    assert "gate.minimum.hit_rate_at_10: run.json asks for" in started(asks, world=world).reason


def test_an_upload_says_nothing_of_what_is_read_from_a_database() -> None:
    database = {"data": {"source": "database", "product_id": 7}}
    for run_json, said in (
        (
            {"data": {"max_sales": 5_000_000}},
            "data.max_sales: run.json asks for 5000000, but an upload says nothing of",
        ),
        ({"data": {"source": "database"}}, "data.source: run.json asks for 'database', but an upload may change data"),
    ):
        world = World(recipe="propensity", run_json=run_json, settling=0).run([Upload(name="run.json", after=1)])
        assert said in started(database, world=world).reason
    world = World(recipe="propensity", run_json={"seed": 7}, settling=0).run([Upload(name="run.json", after=1)])
    assert started(database, world=world).outcome is NextStep.TRAIN


def test_what_the_environment_has_set_already_may_be_written_down() -> None:
    default = recipe.config("prod2vec", {"jobs": {"train": {"max_runtime_s": 400_000}}})
    lower = recipe.config("prod2vec", {"jobs": {"train": {"max_runtime_s": 300_000}}})
    for after in (default, lower):
        assert ALLOWED.refusals(default, uploaded=after, started=after, reads_database=False) == []


@pytest.mark.parametrize("source", ["upload", "start"])
def test_several_machines_are_refused_for_none_would_share_the_work(source: str) -> None:
    asks = {"jobs": {"train": {"instance_count": 20}}}
    plan = asked("prod2vec", asks, policy=ALLOWED) if source == "upload" else started(asks)
    assert plan.outcome is NextStep.REFUSED
    assert plan.reason.startswith("jobs.train.instance_count: expected 1, for every job does its work on one machine")


def test_a_start_takes_the_set_that_uploads_wait_for() -> None:
    """So that somebody who may can upload a set and start it with settings that the upload may not have."""
    world = World(recipe="prod2vec", run_json={"seed": 7})
    files = ("run.json", "order_products__prior.csv", "products.csv")
    world.run([Upload(name=each, after=1) for each in files[:2]])
    settled = Upload(name="products.csv", after=2)
    event = world._arrives(settled)
    assert started({"deploy": {"enabled": True}}, world=world).outcome is NextStep.TRAIN
    world.now, world.plans = 500.0, {"upload": []}
    world._look("upload", event, Earlier())
    assert world.plans["upload"][-1].outcome is NextStep.NOTHING
    assert "already works on these object versions" in world.plans["upload"][-1].reason
