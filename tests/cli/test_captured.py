"""What endpoints kept is read and forgotten by the command line: moto's S3, files as the service writes them."""

from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from trainyard.cli.main import main
from trainyard.client.captured import forget as forgetting
from trainyard.client.captured import matching
from trainyard.client.captured.matching import Wanted
from trainyard.client.yard import Yard
from trainyard.errors import NotFound, TrainyardError
from trainyard.run.document import encoded
from trainyard.run.watch.capture import CaptureRules
from trainyard.serving import captured_files
from trainyard.serving.exchange import Exchange

BUCKET = "artifacts-bucket"
FOLDER = "captured/recipe=two_tower/model=two_tower"
SCORES = "scores/two_tower/model=two_tower/run=r1/part-00000.parquet"


class FakeLambda:
    """Tells the variables of the function that enforces the environment's settings."""

    def __init__(self, variables):
        self.variables = variables

    def get_function_configuration(self, *, FunctionName):
        assert FunctionName == "trainyard-dev-resolve"
        return {"Environment": {"Variables": self.variables}}


def exchange(name, *rows, day=29, hour=7, minute=0):
    time = datetime(2026, 11, day, hour, minute, tzinfo=UTC).timestamp()
    answers = [{"recommended": []}] * len(rows)
    return Exchange(f"event of {name}", name, time, 0.001, "POST /invocations", rows, answers, 10)


def put(deployment, key, content):
    return deployment.target.client("s3").put_object(Bucket=BUCKET, Key=key, Body=content)["VersionId"]


def requests(*exchanges):
    return captured_files.encoded(exchanges, run_id="r1", never_kept=frozenset())


def table(*, compression="zstd", **columns):
    content = io.BytesIO()
    pq.write_table(pa.table(columns), content, compression=compression)
    return content.getvalue()


def read(deployment, key):
    content = deployment.target.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return pq.read_table(io.BytesIO(content))


def versions(deployment):
    listed = deployment.target.client("s3").list_object_versions(Bucket=BUCKET)
    return {(each["Key"], each["VersionId"]) for each in listed.get("Versions", ())}


@pytest.fixture
def kept(deployment, monkeypatch):
    """A deployment with two hours of requests and a bulk scoring; its environment finds people by `uid`."""
    rules = json.dumps(encoded(CaptureRules(id_fields=("uid",))))
    deployment.target._clients["lambda"] = FakeLambda({"CAPTURE": rules})
    monkeypatch.setattr("trainyard.cli.command.target.deployed", lambda **_: deployment)
    first = requests(exchange("a", {"uid": 7}, {"uid": 8}), exchange("b", {"uid": 9}, minute=5))
    put(deployment, f"{FOLDER}/date=2026-11-28/hour=07/20261128T070000-1.parquet", first)
    later = requests(exchange("c", {"ratings": [{"UID": "7.0"}]}, day=30), exchange("d", {"uid": 77}, day=30, minute=1))
    put(deployment, f"{FOLDER}/date=2026-11-30/hour=07/20261130T070000-2.parquet", later)
    scores = io.BytesIO()
    pd.DataFrame({"user_id": ["7", "8"], "uid": ["7", "8"], "rated": [[1], [2, 3]]}).to_parquet(scores)
    put(deployment, SCORES, scores.getvalue())
    return deployment


def test_requests_are_read_by_time_with_rows_and_answers_as_objects(kept):
    found = Yard(kept).model("two_tower").captured()
    assert [(each.inference_id, each.row) for each in found.itertuples()] == [
        ("a", 0),
        ("a", 1),
        ("b", 0),
        ("c", 0),
        ("d", 0),
    ]
    assert found["request"][1] == {"uid": 8}
    assert found["answer"][0] == {"recommended": []}


def test_requests_of_some_days_or_the_newest_are_read(kept):
    model = Yard(kept).model("two_tower")
    assert list(model.captured(since=date(2026, 11, 29))["inference_id"]) == ["c", "d"]
    assert list(model.captured(until=date(2026, 11, 29))["inference_id"]) == ["a", "a", "b"]
    assert list(model.captured(newest=3)["inference_id"]) == ["b", "c", "d"]
    with pytest.raises(NotFound, match="found none"):
        Yard(kept).model("prod2vec").captured()


def test_the_command_shows_the_newest_requests(kept, capsys):
    assert main(["captured", "two_tower", "--last", "2"]) == 0
    said = capsys.readouterr().out
    assert '{"uid": 77}' in said and "2026-11-30 07:01:00" in said and '{"uid": 9}' not in said
    assert main(["captured", "two_tower", "--since", "2026-11-30", "--json"]) == 0
    assert [each["request"] for each in json.loads(capsys.readouterr().out)][-1] == {"uid": 77}


def test_what_callers_wrote_does_not_move_the_terminal(kept, capsys):
    put(
        kept,
        f"{FOLDER}/date=2026-12-01/hour=07/x.parquet",
        requests(exchange("[/x]", {"note": "\x9b2J\u202e"}, day=30)),
    )
    assert main(["captured", "two_tower", "--last", "1"]) == 0
    said = capsys.readouterr().out
    assert r'{"note": "\x9b2J\u202e"}' in said and "[/x]" in said


def test_forget_shows_first_what_it_would_remove(kept, capsys):
    before = versions(kept)
    assert main(["forget", "7"]) == 0
    said = capsys.readouterr().out
    assert "3 rows about 7 in 3 files would be removed" in said
    assert "Not searched: uploaded files" in said
    assert versions(kept) == before


def test_forget_removes_the_rows_of_an_id_and_no_others(kept, capsys):
    schema = read(kept, SCORES).schema
    assert main(["forget", "7", "--yes"]) == 0
    assert "Removed 3 rows about 7 in 3 files." in capsys.readouterr().out
    found = Yard(kept).model("two_tower").captured()
    assert list(found["request"]) == [{"uid": 8}, {"uid": 9}, {"uid": 77}]
    scores = read(kept, SCORES)
    assert scores.schema.equals(schema)
    assert scores.to_pylist() == [{"user_id": "8", "uid": "8", "rated": [2, 3]}]
    assert main(["forget", "7", "--yes"]) == 0
    assert "Found nothing about 7." in capsys.readouterr().out


def test_forget_finds_a_request_by_what_it_was_called(kept):
    assert main(["forget", "a", "--yes"]) == 0
    assert set(Yard(kept).model("two_tower").captured()["inference_id"]) == {"b", "c", "d"}


def test_forget_removes_earlier_versions_and_those_under_a_delete_marker(kept, capsys):
    key = f"{FOLDER}/date=2026-11-28/hour=07/20261128T070000-1.parquet"
    earlier = {each for each in versions(kept) if each[0] == key}
    put(kept, key, requests(exchange("e", {"uid": 1})))
    gone = f"{FOLDER}/date=2026-11-27/hour=07/x.parquet"
    put(kept, gone, requests(exchange("f", {"uid": 7})))
    kept.target.client("s3").delete_object(Bucket=BUCKET, Key=gone)
    assert main(["forget", "7", "--yes", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [each["current"] for each in document["versions"] if each["key"] in (key, gone)] == [False, False]
    left = versions(kept)
    assert not earlier & left
    assert gone not in {name for name, _ in left}
    # What was put in its place has nothing about the id: it stays as it is.
    assert read(kept, key).column("inference_id").to_pylist() == ["e"]


def test_forget_keeps_to_a_recipe_or_model(kept, capsys):
    other = "captured/recipe=two_tower/model=two_tower--shop/date=2026-11-28/hour=07/x.parquet"
    put(kept, other, requests(exchange("a", {"uid": 7})))
    assert main(["forget", "7", "--recipe", "two_tower", "--model", "shop", "--yes"]) == 0
    assert "1 row about 7 in 1 file." in capsys.readouterr().out
    assert main(["forget", "7", "--recipe", "prod2vec"]) == 0
    assert "Found nothing" in capsys.readouterr().out
    assert main(["forget", "7", "--model", "shop"]) == 2


def test_forget_searches_what_the_shadow_was_asked_too(kept, capsys):
    for name in ("two_tower.shadow", "two_tower--shop.shadow"):
        key = f"captured/recipe=two_tower/model={name}/date=2026-11-28/hour=07/x.parquet"
        put(kept, key, requests(exchange("a", {"uid": 7}), exchange("b", {"uid": 8})))
    asked = ["forget", "7", "--recipe", "two_tower", "--model", "shop", "--yes", "--json"]
    assert main(asked) == 0
    [held] = json.loads(capsys.readouterr().out)["versions"]
    assert held["key"].startswith("captured/recipe=two_tower/model=two_tower--shop.shadow/")
    assert read(kept, held["key"]).column("request").to_pylist() == ['{"uid":8}']
    assert main(["forget", "7", "--json"]) == 0
    everywhere = {each["key"].split("/")[2] for each in json.loads(capsys.readouterr().out)["versions"]}
    assert everywhere == {"model=two_tower", "model=two_tower.shadow"}


def test_forget_asks_for_fields_where_the_environment_names_none(kept, capsys):
    kept.target._clients["lambda"] = FakeLambda({})
    assert main(["forget", "7"]) == 0
    assert "name fields with --field" in capsys.readouterr().out
    assert main(["forget", "7", "--field", "user-id"]) == 0
    assert "1 row about 7 in 1 file would be removed" in capsys.readouterr().out


def test_forget_leaves_a_file_that_somebody_else_wrote_meanwhile(kept):
    wanted, other = Wanted(id="7", fields=("uid",)), Wanted(id="8", fields=("uid",))
    held, others = (list(forgetting.found(kept, each)) for each in (wanted, other))
    assert {each.key for each in others} < {each.key for each in held}
    list(forgetting.remove(kept, held, wanted=wanted))
    with pytest.raises(TrainyardError, match="written or deleted meanwhile"):
        list(forgetting.remove(kept, others, wanted=other))
    # What the first call removed is not there again.
    assert list(forgetting.found(kept, wanted)) == []


def test_forget_does_not_write_over_a_file_that_was_replaced_since_it_was_found(kept):
    wanted = Wanted(id="7", fields=("uid",))
    held = [each for each in forgetting.found(kept, wanted) if each.key == SCORES]
    put(kept, SCORES, table(uid=["9"]))
    with pytest.raises(TrainyardError, match="Call it again"):
        list(forgetting.remove(kept, held, wanted=wanted))
    assert read(kept, SCORES).to_pylist() == [{"uid": "9"}]


@pytest.mark.parametrize(
    "content",
    [
        requests(exchange("a", {"user": {"id": 7}})),
        captured_files.encoded(
            [exchange("a", {})._replace(answers=[{"like": [{"user": 7}]}])], run_id="r1", never_kept=frozenset()
        ),
        table(similar=[[{"user": "7", "score": 0.5}]]),
        table(user=[7.0]),
        table(compression="none", user=["7"]),
    ],
    ids=["inside a field", "in an answer", "inside a column", "a number", "not packed"],
)
def test_an_id_is_found_and_removed_wherever_a_field_holds_it(content):
    wanted = Wanted(id="7", fields=("user",))
    assert matching.count(content, wanted) == 1
    assert matching.count(matching.without(content, wanted), wanted) == 0


def test_a_file_whose_rows_all_go_keeps_its_columns():
    content = requests(exchange("a", {"uid": 7}))
    wanted = Wanted(id="a")
    left = matching.without(content, wanted)
    assert pq.read_schema(io.BytesIO(left)).equals(pq.read_schema(io.BytesIO(content)))
    assert (matching.count(content, wanted), matching.count(left, wanted)) == (1, 0)
