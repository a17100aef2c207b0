"""What a model and its shadow answered to the same requests is set side by side: moto's S3, files as services write."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from trainyard.cli.main import main
from trainyard.client.model.shadow import Latency, side_by_side
from trainyard.client.yard import Yard
from trainyard.errors import NotFound
from trainyard.run.document import encoded
from trainyard.run.watch.capture import CaptureRules, folder, partition, shadow_of
from trainyard.serving import captured_files
from trainyard.serving.exchange import Exchange

MODEL = "two_tower--shop"
CHAMPION, CHALLENGER = "20261101-000000-aaaaaaaa", "20261120-000000-bbbbbbbb"
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


class FakeLambda:
    """Tells whether the environment keeps requests."""

    def __init__(self, rules: CaptureRules | None) -> None:
        self.variables = {} if rules is None else {"CAPTURE": json.dumps(encoded(rules))}

    def get_function_configuration(self, **_: str):
        return {"Environment": {"Variables": self.variables}}


class Services:
    """Keeps requests as the containers of an endpoint do; each event has an id of its own."""

    def __init__(self, deployment) -> None:
        self.deployment = deployment
        self._files = self._events = 0

    def keep(self, *exchanges: Exchange, run: str = CHAMPION, shadow: bool = False) -> None:
        name = shadow_of(MODEL) if shadow else MODEL
        moment = datetime.fromtimestamp(exchanges[0].time, UTC)
        self._files += 1
        key = f"{folder('two_tower', name)}/{partition(moment)}/{moment:%Y%m%dT%H%M%S}-{self._files}.parquet"
        content = captured_files.encoded(exchanges, run_id=run, never_kept=frozenset())
        self.deployment.target.client("s3").put_object(Bucket="artifacts-bucket", Key=key, Body=content)

    def asked(self, *rows, answers, after=0.0, name="", ms=1.0, route="POST /invocations") -> Exchange:
        self._events += 1
        event, time = f"event {self._events}", (NOON + timedelta(seconds=after)).timestamp()
        return Exchange(event, name or event, time, ms / 1000, route, rows, answers, 10)


def film(*names: str) -> dict:
    return {"recommended": [{"movie_id": each} for each in names]}


@pytest.fixture
def services(deployment, monkeypatch) -> Services:
    deployment.target._clients["lambda"] = FakeLambda(CaptureRules())
    monkeypatch.setattr("trainyard.cli.command.target.deployed", lambda **_: deployment)
    return Services(deployment)


def both(services: Services, *rows, model, shadow, after=0.0, name="", ms=(1.0, 2.0), runs=(CHAMPION, CHALLENGER)):
    """A request that both were asked and kept."""
    services.keep(services.asked(*rows, answers=model, after=after, name=name, ms=ms[0]), run=runs[0])
    copied = services.asked(*rows, answers=shadow, after=after + 0.1, name=name, ms=ms[1])
    services.keep(copied, run=runs[1], shadow=True)


def test_rows_are_joined_by_what_the_request_was_called_else_by_the_request(services):
    users = ({"uid": 1}, {"uid": 2})
    both(services, *users, model=[film("a", "b")] * 2, shadow=[film("a", "c"), film("b", "a")], name="order-1")
    both(services, {"uid": 3}, model=[film("a")], shadow=[film("z")], after=1)
    # Called as the first, but another request: their answers are not about the same.
    services.keep(services.asked({"uid": 8}, answers=[film("q")], after=2, name="order-1"))
    services.keep(services.asked({"uid": 9}, answers=[film("r")], after=3), run=CHALLENGER, shadow=True)
    found = Yard(services.deployment).model(MODEL).shadow()
    assert [(each.row, each.request, each.shadow_answer, each.changed) for each in found.itertuples()] == [
        (0, {"uid": 1}, film("a", "c"), 0.5),
        (1, {"uid": 2}, film("b", "a"), 0.0),
        (0, {"uid": 3}, film("z"), 1.0),
    ]
    assert list(found["inference_id"][:2]) == ["order-1"] * 2
    assert list(found.columns[-6:]) == [
        *("request", "answer", "shadow_answer", "changed", "latency_ms", "shadow_latency_ms")
    ]
    told = side_by_side(services.deployment, MODEL)
    assert (told.only_model, told.only_shadow, told.changed, told.rows_changed) == (1, 1, 0.5, 2)
    assert (told.runs, told.shadow_run) == ((CHAMPION,), CHALLENGER)


def test_requests_that_read_alike_are_told_by_their_names(services):
    # A field that is never kept may tell them apart, and the model reads it.
    both(services, {"uid": 1}, model=[film("a")], shadow=[film("a")], name="order-1")
    both(services, {"uid": 1}, model=[film("b")], shadow=[film("z")], name="order-2", after=1)
    found = Yard(services.deployment).model(MODEL).shadow()
    assert dict(zip(found["inference_id"], found["changed"], strict=True)) == {"order-1": 0.0, "order-2": 1.0}


def test_answers_of_other_models_right_after_are_not_those_it_was_compared_with(services):
    """The same request comes again when the shadow has come into service, or a third model has."""
    both(services, {"uid": 1}, model=[film("a")], shadow=[film("z")])
    services.keep(services.asked({"uid": 1}, answers=[film("z")], after=20), run=CHALLENGER)
    services.keep(services.asked({"uid": 1}, answers=[film("z")], after=40), run="20261125-000000-cccccccc")
    told = side_by_side(services.deployment, MODEL)
    assert (told.runs, told.changed, told.only_model) == ((CHAMPION,), 1.0, 0)


def test_a_request_without_a_name_is_found_in_another_place_of_another_request(services):
    services.keep(services.asked({"uid": 1}, {"uid": 2}, answers=[film("a"), film("b")]))
    services.keep(services.asked({"uid": 2}, answers=[film("b")], after=1), run=CHALLENGER, shadow=True)
    assert list(Yard(services.deployment).model(MODEL).shadow()["request"]) == [{"uid": 2}]


def test_ways_that_a_model_is_called_are_not_mixed(services):
    services.keep(services.asked({"uid": 1}, answers=[film("a")], route="GET /users"))
    services.keep(services.asked({"uid": 1}, answers=[film("b")], after=1), run=CHALLENGER, shadow=True)
    with pytest.raises(NotFound, match=r"found none: 1 rows of the shadow alone and 0 of the model"):
        side_by_side(services.deployment, MODEL)


def test_of_a_request_that_came_several_times_the_newest_answers_count(services):
    both(services, {"uid": 1}, model=[film("a")], shadow=[film("a")])
    both(services, {"uid": 1}, model=[film("b")], shadow=[film("c")], after=5)
    [row] = Yard(services.deployment).model(MODEL).shadow().itertuples()
    assert (row.answer, row.shadow_answer) == (film("b"), film("c"))


def test_numbers_that_are_close_are_equal(services):
    both(services, {"uid": 1}, model=[{"rating": 3.00}], shadow=[{"rating": 3.02}])
    assert side_by_side(services.deployment, MODEL).changed == 0.0
    assert Yard(services.deployment).model(MODEL).shadow(tolerance=0.001)["changed"][0] == 1.0


def test_only_the_shadow_of_last_is_compared_and_what_the_model_answered_then(services):
    both(services, {"uid": 1}, model=[film("a")], shadow=[film("z")], runs=(CHAMPION, "20261110-000000-cccccccc"))
    # Between the two shadows, and long after the second.
    services.keep(services.asked({"uid": 5}, answers=[film("a")], after=1800))
    both(services, {"uid": 1}, model=[film("a")], shadow=[film("a")], after=3600)
    both(services, {"uid": 2}, model=[film("a")], shadow=[film("a")], after=3700, runs=("later", CHALLENGER))
    services.keep(services.asked({"uid": 6}, answers=[film("a")], after=9000))
    found = side_by_side(services.deployment, MODEL)
    assert (found.shadow_run, found.runs) == (CHALLENGER, (CHAMPION, "later"))
    assert list(found.rows["request"]) == [{"uid": 1}, {"uid": 2}]
    assert (found.only_model, found.only_shadow, found.changed) == (0, 0, 0.0)
    assert (found.first.second, found.last - found.first) == (0, timedelta(seconds=100))


def test_a_copy_may_come_later_than_its_request_and_in_another_hour(services):
    services.keep(services.asked({"uid": 1}, answers=[film("a")], after=-10))
    services.keep(services.asked({"uid": 1}, answers=[film("a")], after=20), run=CHALLENGER, shadow=True)
    assert len(side_by_side(services.deployment, MODEL).rows) == 1


def test_the_newest_rows_of_the_shadow_are_compared(services):
    for each in range(4):
        both(services, {"uid": each}, model=[film("a")], shadow=[film("a")], after=each * 600)
    found = side_by_side(services.deployment, MODEL, newest=2)
    assert list(found.rows["request"]) == [{"uid": 2}, {"uid": 3}]
    assert (found.only_model, found.only_shadow) == (0, 0)


def test_latencies_are_those_of_requests_whatever_rows_they_have(services):
    many = [{"uid": each} for each in range(50)]
    both(services, *many, model=[film("a")] * 50, shadow=[film("a")] * 50, ms=(100.0, 200.0))
    for each in range(3):
        both(services, {"uid": 100 + each}, model=[film("a")], shadow=[film("a")], after=1 + each, ms=(1.0, 2.0))
    found = side_by_side(services.deployment, MODEL)
    assert (found.latency_ms.p50, found.shadow_latency_ms.p50) == (1.0, 2.0)
    assert isinstance(found.latency_ms, Latency) and 90 < found.latency_ms.p99 < 100
    assert 180 < found.shadow_latency_ms.p99 < 200


def test_the_command_says_what_differs_and_shows_the_largest_differences(services, capsys):
    for each in range(8):
        other = "z" if each == 5 else "a"
        both(services, {"uid": each}, model=[film("a", "b")], shadow=[film(other, "b")], after=each, name=f"o-{each}")
    services.keep(services.asked({"uid": 77}, answers=[film("a")], after=3))
    command = ["shadow", "two_tower", "--model", "shop"]
    assert main(command) == 0
    said = capsys.readouterr().out
    for part in (
        f"Run {CHALLENGER} in the shadow of {CHAMPION}, from 2026-11-29 12:00:00 to 2026-11-29 12:00:07",
        "Both answered 8 rows; the model alone 1, the shadow alone 0",
        "6.2% of what the answers say differs, in 1 row (numbers within 0.01 are equal)",
        "shadow     2.00    2.00",
        'o-5     0    50%      {"uid": 5}',
    ):
        assert part in said
    assert "o-4" not in said
    assert main([*command, "--last", "3", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["compared"], document["changed"], document["runs"]) == (3, pytest.approx(1 / 6), [CHAMPION])
    assert document["rows"][0]["shadow_answer"] == film("z", "b")
    assert document["shadow_latency_ms"] == {"p50": 2.0, "p99": 2.0}


def test_what_callers_wrote_does_not_move_the_terminal(services, capsys):
    both(services, {"note": "\x9b2J\u202e"}, model=[film("[/x]")], shadow=[film("b")])
    assert main(["shadow", "two_tower", "--model", "shop"]) == 0
    said = capsys.readouterr().out
    assert r'{"note": "\x9b2J\u202e"}' in said and "[/x]" in said


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (None, "but this environment keeps no requests"),
        (CaptureRules(), "`trainyard release two_tower --model shop --shadow VERSION --set deploy.type=instances`"),
    ],
    ids=["nothing is kept", "no shadow"],
)
def test_where_nothing_is_kept_of_a_shadow_it_is_said_why(services, capsys, rules, said):
    services.deployment.target._clients["lambda"] = FakeLambda(rules)
    services.keep(services.asked({"uid": 1}, answers=[film("a")]))
    for command in ("shadow", "captured"):
        shadow = ["--shadow"] if command == "captured" else []
        assert main([command, "two_tower", "--model", "shop", *shadow]) == 4
        assert said in capsys.readouterr().err


@pytest.mark.parametrize("kept", [True, False], ids=["of others", "of nothing"])
def test_where_nothing_matches_it_is_said_how_much_there_was(services, capsys, kept):
    if kept:
        services.keep(services.asked({"uid": 1}, answers=[film("a")], after=1))
    copies = [services.asked({"uid": 2}, answers=[film("a")], after=each) for each in (0, 2)]
    services.keep(*copies, run=CHALLENGER, shadow=True)
    assert main(["shadow", "two_tower", "--model", "shop"]) == 4
    said = capsys.readouterr().err
    assert f"of the shadow alone and {int(kept)} of the model of the same time" in said
    assert "deploy.capture.share=1" in said


def test_captured_shows_the_shadow_alone_and_the_model_alone(services, capsys):
    both(services, {"uid": 1}, model=[film("a")], shadow=[film("z")])
    for options, expected in (([], film("a")), (["--shadow"], film("z"))):
        assert main(["captured", "two_tower", "--model", "shop", "--json", *options]) == 0
        [row] = json.loads(capsys.readouterr().out)
        assert row["answer"] == expected
    assert Yard(services.deployment).model(MODEL).captured(shadow=True)["run"][0] == CHALLENGER
    assert Yard(services.deployment).model(MODEL).captured()["run"][0] == CHAMPION
