"""What became true beside what was predicted: which prediction counts, what is promised, and when an alarm rings."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import boto3
import numpy as np
import pyarrow as pa
import pytest
from moto import mock_aws

from tests.stages.truth_world import ARTIFACTS, DAY, NEW, OLD, SCORED, VERIFIED, Metrics, World, sales
from trainyard.contract.config import to_mapping
from trainyard.contract.evaluation import Judged
from trainyard.run import recipe
from trainyard.run.documents import Metric
from trainyard.run.stage import Stage
from trainyard.run.watch.observed import ObservedQuality, ObservedVerdict, verdict, widened
from trainyard.stages.verify.judge import Judge
from trainyard.stages.verify.predictions import scored
from trainyard.stages.verify.verify import Alarm, verify

PROMISED = Metric(value=0.78, low=0.76, high=0.80)


@pytest.fixture
def world(tmp_path, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket=ARTIFACTS)
        found = World(s3, tmp_path)
        for run_id in (OLD, NEW):
            found.model(run_id, promised=PROMISED)
        yield found


def one(*visits: str, propensity: float = 0.5) -> dict[str, list]:
    return {"visit_id": list(visits), "propensity": [propensity] * len(visits)}


def test_the_last_prediction_before_a_label_counts_and_none_that_came_later(world):
    world.score(SCORED, NEW, one("a", "b", propensity=0.1))
    world.score(SCORED + 2 * DAY, NEW, one("a", "b", propensity=0.2))
    world.score(SCORED + 4 * DAY, NEW, one("a", "b", "c", propensity=0.3))
    labels = [
        ("a", True, SCORED + 3 * DAY),
        ("b", True, None),
        ("c", True, SCORED + 3 * DAY),
        ("d", True, SCORED + 3 * DAY),
    ]
    found, rows, metrics = world.verify(labels)
    assert {(each["id"], each["propensity"]) for each in rows} == {("a", 0.2), ("b", 0.3)}
    assert (found.labels, found.judged, found.early, found.unknown) == (4, 2, 1, 1)
    assert "1 labels are older than every prediction of their id" in found.message
    assert found.models[0].whole.verdict == "too few"
    assert not metrics.values


def ended(world, run_id, *, dataset="shop", config=None, told=True):
    """Another verification, which has left what it found."""
    store = world.store(run_id, dataset=dataset, task="verify")
    if config:
        store = replace(store, run=replace(store.run, config=config))
    store.write_document(Stage.RESOLVE, store.run)
    if told:
        store.write_text(Stage.VERIFY, ObservedQuality.FILE, text="{}")


def verified(world):
    """What a verification of labels of many sales found, what it keeps as the newest, and what it measured."""
    output, latest, metrics = world.root / "out", world.root / "newest", Metrics()
    for each in (output, latest):
        each.mkdir()
    good, happened = sales(2000, seed=1)
    ids = [f"v{each}" for each in range(2000)]
    world.score(SCORED, NEW, {"visit_id": ids, "propensity": good})
    world.write_labels(ids, happened.tolist(), [SCORED + DAY] * 2000)
    store, alarm = world.store(VERIFIED, task="verify"), Alarm(cloudwatch=metrics, namespace="yard")
    found = verify(store, world.root / "truth", in_use=NEW, output=output, latest=latest, alarm=alarm)
    assert ObservedQuality.read(output) == found
    return found, sorted(each.name for each in latest.iterdir()), metrics.values


def test_newer_labels_that_were_told_before_stay_the_newest(world):
    ended(world, "20261201-000001-00000000")
    ended(world, "20261202-000000-ffffffff")
    found, newest, measured = verified(world)
    assert found.later_run == "20261202-000000-ffffffff"
    assert "Run 20261202-000000-ffffffff began later" in found.message
    assert (found.judged, newest, measured) == (2000, [], [])
    # Whoever is paged for what is worse is not for labels that were judged again since.
    assert ObservedVerdict.of(replace(found, worse=True)).worse is False
    assert ObservedVerdict.of(replace(found, worse=True, later_run="")).worse is True
    assert found.message.startswith("Run 20261202-000000-ffffffff began later")


def test_what_is_no_newer_verification_of_the_same_takes_nothing_away(world):
    # It began earlier; is of another data set, of another model, still going on, or of settings that nobody knows.
    ended(world, "20261130-000000-00000000")
    ended(world, "20261202-000000-00000001", dataset="another")
    ended(world, "20261202-000000-00000002", config={"model": "of-others"})
    ended(world, "20261202-000000-00000003", told=False)
    ended(world, "20261202-000000-00000004", config={"no_such_setting": 1})
    found, newest, measured = verified(world)
    assert (found.later_run, newest) == ("", ["observed_quality.json", "rows.parquet"])
    assert len(measured) == 2


def test_scores_of_other_data_sets_are_about_others(world):
    world.score(SCORED, NEW, one("a", propensity=0.1))
    world.score(SCORED + DAY, NEW, one("a", propensity=0.9), dataset="another")
    _, rows, _ = world.verify([("a", True, SCORED + 3 * DAY)])
    assert [each["propensity"] for each in rows] == [0.1]


def test_requests_are_found_by_what_they_were_called(world):
    answers = [("order-1", {"propensity": 0.25, "likely": False}), ("order-1", {"propensity": 0.5}), ("order-1", None)]
    world.keep(SCORED, NEW, [(name, {"pages": 3}, answer) for name, answer in answers])
    _, rows, _ = world.verify([(each, True, SCORED + DAY) for each in ("order-1", "order-1/1", "order-1/2", "order-3")])
    assert {(each["id"], each["propensity"], each["version"]) for each in rows} == {
        ("order-1", 0.25, NEW),
        ("order-1/1", 0.5, NEW),
    }


def test_a_champion_and_the_challenger_in_its_shadow_are_judged_by_the_same_labels(world):
    rows = 2000
    good, happened = sales(rows, seed=1)
    worthless = np.random.default_rng(2).permutation(good)
    names = [f"order-{each}" for each in range(rows)]
    for by, scores, shadow in ((OLD, worthless, False), (NEW, good, True)):
        answers = [(name, {"pages": 3}, {"propensity": score}) for name, score in zip(names, scores, strict=True)]
        world.keep(SCORED, by, answers, shadow=shadow)
    labels = [(each, bool(sale), SCORED + DAY) for each, sale in zip(names, happened, strict=True)]
    found, _, metrics = world.verify(labels, in_use=OLD)
    assert [(each.run_id, each.whole.rows) for each in found.models] == [(OLD, rows), (NEW, rows)]
    assert [each.whole.verdict for each in found.models] == ["worse than promised", "as promised"]
    [pair] = found.same_rows
    assert (pair.first, pair.second, pair.rows, pair.difference.verdict) == (OLD, NEW, rows, "worse than")
    # The alarm is about the model whose answers go out.
    assert metrics.values[0] == ("yard WorseThanPromised", 1.0)


def test_what_users_chose_is_set_beside_what_they_were_recommended(world):
    world.recipe = "two_tower"
    for run_id in (OLD, NEW):
        world.model(run_id, promised=Metric(value=0.5, low=0.4, high=0.6), primary="ndcg_at_10")
    best = [{"movie_id": str(each), "title": "t", "score": 1.0, "rating": None} for each in range(10)]
    users = [f"u{each}" for each in range(150)]
    world.score(SCORED, NEW, {"user_id": users, "rated": [3] * 150, "recommended": [best] * 150})
    world.keep(SCORED + DAY, NEW, [("r", {"uid": 7}, {"recommended": [{"movie_id": 5, "genres": ["x"]}], "rated": 1})])
    chosen = [(each, film, SCORED + 2 * DAY) for each in users for film in ("0", "1")]
    found, rows, _ = world.verify([*chosen, ("7", "5", SCORED + 2 * DAY)])
    [model] = found.models
    assert model.whole.quality is not None
    assert model.whole.rows == 151
    assert model.whole.metrics == pytest.approx({"ndcg_at_10": 1.0, "recall_at_10": 1.0})
    assert model.whole.verdict == "better than promised"
    assert found.judged == 301
    assert {tuple(each["label"]) for each in rows} == {("0", "1"), ("5",)}


def test_baskets_are_judged_by_the_product_that_came_next_and_bulk_scores_are_not(world):
    world.recipe = "prod2vec"
    world.model(NEW, promised=Metric(value=0.4, low=0.35, high=0.45), primary="hit_rate_at_10")
    products = [{"product_id": each, "product_name": "n", "score": 1.0} for each in range(10)]
    orders = [f"order-{each}" for each in range(200)]
    world.keep(SCORED, NEW, [(each, {"basket": [7]}, {"products": products}) for each in orders])
    labels = [(each, str(place % 20), SCORED + DAY) for place, each in enumerate(orders)]
    found, _, _ = world.verify(labels)
    assert found.models[0].whole.metrics == {"hit_rate_at_10": 0.5}
    assert found.models[0].whole.verdict == "as promised"


def test_classes_are_judged_by_the_metric_of_the_gate(world):
    world.recipe = "headline_classifier"
    world.model(NEW, promised=Metric(value=0.9, low=0.88, high=0.92), primary="macro_f1")
    ids = [f"h{each}" for each in range(400)]
    predicted = ["b" if each % 2 else "e" for each in range(400)]
    world.score(SCORED, NEW, {"headline_id": ids, "category": predicted})
    truth = [each if place % 4 else "m" for place, each in enumerate(predicted)]
    found, _, metrics = world.verify([(i, label, SCORED + DAY) for i, label in zip(ids, truth, strict=True)])
    assert found.models[0].whole.metrics["accuracy"] == 0.75
    assert found.worse
    assert metrics.values == [("yard WorseThanPromised", 1.0), ("yard WorseThanPromised of headline_classifier", 1.0)]
    assert "is worse than its evaluation promised: in the day from 2026-11-02 and all in all" in found.message


def test_an_alarm_rings_for_the_model_in_use_alone_and_both_are_compared_on_the_same_labels(world):
    rows = 6000
    good, happened = sales(rows, seed=1)
    ids = [f"v{each}" for each in range(rows)]
    worthless = np.random.default_rng(2).permutation(good)
    world.score(SCORED, OLD, {"visit_id": ids, "propensity": worthless})
    world.score(SCORED + DAY, NEW, {"visit_id": ids[: rows // 2], "propensity": good[: rows // 2]})
    labels = [
        (each, bool(sale), SCORED + (2 + place % 3) * DAY)
        for place, (each, sale) in enumerate(zip(ids, happened, strict=True))
    ]
    found, _, metrics = world.verify(labels)
    old, new = found.models
    assert (old.run_id, old.whole.verdict) == (OLD, "worse than promised")
    assert (new.whole.rows, new.whole.verdict, found.worse) == (3000, "as promised", False)
    assert [(each.start, each.rows) for each in new.periods] == [(f"2026-11-0{each}", 1000) for each in (3, 4, 5)]
    [pair] = found.same_rows
    assert (pair.first, pair.second, pair.rows, pair.difference.verdict) == (NEW, OLD, 3000, "better than")
    assert metrics.values[0] == ("yard WorseThanPromised", 0.0)
    again, _, metrics = world.verify(labels, in_use=OLD)
    assert again.worse
    assert metrics.values[0] == ("yard WorseThanPromised", 1.0)
    assert again.models == found.models


def test_days_with_few_labels_are_taken_together(world):
    good, happened = sales(1200, seed=3)
    ids = [f"v{each}" for each in range(1200)]
    world.score(SCORED, NEW, {"visit_id": ids, "propensity": good})
    labels = [
        (each, bool(sale), SCORED + (1 + place % 60) * DAY)
        for place, (each, sale) in enumerate(zip(ids, happened, strict=True))
    ]
    found, _, _ = world.verify(labels)
    assert found.unit == "week"
    assert 8 <= len(found.models[0].periods) <= 10


def test_few_sales_say_nothing_of_a_ranking(world):
    good, _ = sales(1000, seed=3)
    ids = [f"v{each}" for each in range(1000)]
    world.score(SCORED, NEW, {"visit_id": ids, "propensity": good})
    found, _, _ = world.verify([(each, place < 20, SCORED + DAY) for place, each in enumerate(ids)])
    assert found.models[0].whole.verdict == "too few"


def test_a_model_whose_evaluation_is_gone_is_measured_and_not_judged(world):
    good, happened = sales(1000, seed=3)
    ids = [f"v{each}" for each in range(1000)]
    gone = "20260101-000000-dddddddd"
    world.score(SCORED, gone, {"visit_id": ids, "propensity": good})
    found, _, metrics = world.verify(
        [(each, bool(sale), None) for each, sale in zip(ids, happened, strict=True)], in_use=gone
    )
    assert (found.models[0].whole.verdict, found.models[0].promised) == ("not compared", None)
    assert not metrics.values


def test_without_a_prediction_the_message_says_what_labels_are_joined_with(world):
    found, rows, _ = world.verify([("a", True, None)])
    assert (rows, found.models) == ([], ())
    assert found.message.startswith("0 of 1 labels of data set shop have a prediction from before them: nothing")
    assert "requests that the endpoint of propensity kept" in found.message


def test_intervals_that_touch_are_no_verdict():
    promised = widened(PROMISED, confidence=0.95)
    assert (promised.low, promised.high) == pytest.approx((0.7537, 0.8063), abs=1e-4)
    assert verdict(Metric(value=0.7, low=0.65, high=0.75), promised) == "worse than promised"
    assert verdict(Metric(value=0.7, low=0.65, high=0.755), promised) == "as promised"
    assert verdict(Metric(value=0.9, low=0.81, high=0.95), promised) == "better than promised"
    assert verdict(None, promised) == "too few"
    assert verdict(Metric(value=0.7, low=0.65, high=0.75), Metric(value=0.9)) == "not compared"


def test_films_that_a_user_chose_on_several_days_are_judged_together(world):
    world.recipe = "two_tower"
    world.model(NEW, promised=Metric(value=0.55, low=0.53, high=0.57), primary="ndcg_at_10")
    best = [{"movie_id": str(each), "title": "t", "score": 1.0, "rating": None} for each in range(10)]
    users = [f"u{each}" for each in range(200)]
    world.score(SCORED, NEW, {"user_id": users, "rated": [3] * 200, "recommended": [best] * 200})
    films = ["0", "1", "x", "y", "z"]

    def judged(apart: int):
        chosen = [(each, film, SCORED + (1 + apart * day) * DAY) for each in users for day, film in enumerate(films)]
        return world.verify(chosen)[0]

    at_once, one_a_day = judged(0), judged(1)
    assert at_once.models == one_a_day.models
    assert one_a_day.models[0].whole.verdict == "as promised"
    assert [(each.start, each.rows) for each in one_a_day.models[0].periods] == [("2026-11-02", 200)]


def test_periods_suit_the_model_in_use(world):
    good, happened = sales(2400, seed=3)
    ids = [f"v{each}" for each in range(2400)]
    world.score(SCORED, NEW, {"visit_id": ids, "propensity": good})
    world.score(SCORED, OLD, {"visit_id": ids[::20], "propensity": good[::20]})
    labels = [
        (each, bool(sale), SCORED + (1 + place % 20) * DAY)
        for place, (each, sale) in enumerate(zip(ids, happened, strict=True))
    ]
    assert world.verify(labels, in_use=NEW)[0].unit == "day"


def test_scores_with_other_columns_are_counted_and_left_out(world):
    world.score(SCORED, NEW, one("a"))
    renamed = pa.table({"visit_id": ["b"], "likelihood": [0.2]})
    world._put(f"scores/propensity/model=propensity/run={SCORED:%Y%m%d-%H%M%S}-00000000/part-00001.parquet", renamed)
    found, rows, _ = world.verify([("a", True, None), ("b", True, None)])
    assert [each["id"] for each in rows] == ["a"]
    assert found.unread == 1
    assert "1 files of scores have other columns than the recipe has now" in found.message


def test_a_setting_that_is_gone_does_not_take_the_promise_with_it(world):
    store = world.store(NEW)
    config = to_mapping(recipe.config("propensity"))
    config["hyperparameters"] = {**config["hyperparameters"], "gone_since": 1}
    store.write_document(Stage.RESOLVE, replace(store.run, config=config))
    good, happened = sales(1000, seed=3)
    ids = [f"v{each}" for each in range(1000)]
    world.score(SCORED, NEW, {"visit_id": ids, "propensity": good})
    found, _, _ = world.verify([(each, bool(sale), None) for each, sale in zip(ids, happened, strict=True)])
    assert found.models[0].promised is not None


def test_scorings_that_began_after_the_newest_label_are_not_read(world):
    world.score(SCORED, NEW, one("a"))
    world.score(SCORED + 2 * DAY, NEW, one("a"))
    until = SCORED + DAY
    assert [each.moment for each in scored(world.store(NEW), "propensity", until=until, scratch=world.root)] == [SCORED]


def test_a_file_that_is_gone_once_it_was_listed_is_passed_over(world):
    world.score(SCORED, NEW, one("a"))
    files = scored(world.store(NEW), "propensity", until=SCORED, scratch=world.root)
    world.store(NEW).client.delete_object(
        Bucket=ARTIFACTS,
        Key=f"scores/propensity/model=propensity/run={SCORED:%Y%m%d-%H%M%S}-00000000/part-00000.parquet",
    )
    assert not list(files)


def test_the_message_and_the_pairs_stay_few_however_many_models_there_are(world):
    rows = 200
    good, happened = sales(rows, seed=1)
    ids = [f"v{each}" for each in range(rows)]
    runs = [f"202610{day:02d}-120000-dddddddd" for day in range(1, 15)]
    for place, each in enumerate([NEW, *runs]):
        world.score(SCORED + place * DAY, each, {"visit_id": ids, "propensity": good})
    found, _, _ = world.verify([(each, bool(sale), None) for each, sale in zip(ids, happened, strict=True)])
    assert len(found.models) == 15
    assert [each.second for each in found.same_rows] == sorted(runs, reverse=True)[:10]
    assert {each.first for each in found.same_rows} == {NEW}
    assert len(found.message.splitlines()) < 24


def test_models_that_are_judged_by_different_metrics_are_not_compared():
    rows = pa.table({"label": [0] * 200})
    labelled = SimpleNamespace(versions=lambda: [OLD, NEW], same_rows=lambda *_, most: (rows, rows))
    primaries = iter(("auc", "accuracy"))

    def judge(table, *, config):
        return Judged(metrics={}, examples=np.zeros(len(table)), primary=next(primaries))

    found = Judge(labelled=labelled, module=SimpleNamespace(judge=judge), config=SimpleNamespace(seed=1), promises={})
    assert found.same_rows(NEW) == []
