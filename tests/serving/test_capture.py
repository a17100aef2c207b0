"""What a service keeps of requests and answers: which ones, without which fields, and what becomes of the others."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import signal
import subprocess
import sys
import threading
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import boto3
import pyarrow.parquet as pq
import pytest
from moto import mock_aws

from tests.recipes.service import await_ping, free_port
from tests.serving.served_model import small_model
from tests.serving.toy import Toy, call, refusal, toy_application
from trainyard.run.watch.capture import COLUMNS, VARIABLE, CapturePlan, plain, without
from trainyard.serving import capture
from trainyard.serving.capture import Capture
from trainyard.serving.captured_files import encoded, writer
from trainyard.serving.exchange import Exchange

ROOT = Path(__file__).parents[2]
URI = "s3://bucket/captured/recipe=toy/model=toy"
INFERENCE_ID, ATTRIBUTES = b"x-amzn-sagemaker-inference-id", b"x-amzn-sagemaker-custom-attributes"
# Longer than any test: what is written is written because the service ends, or because it was full.
PATIENCE_S = 900


class Kept:
    """Files by their URI, in place of S3."""

    def __init__(self):
        self.files = {}

    def put(self, uri, content):
        self.files[uri] = content

    @property
    def rows(self):
        return [row for content in self.files.values() for row in pq.read_table(io.BytesIO(content)).to_pylist()]


def capturing(put, *, share=1.0, never_kept=(), seconds=PATIENCE_S):
    plan = CapturePlan(uri=URI, share=share, seconds=seconds)
    return Capture(plan, encode=partial(encoded, run_id="r1", never_kept=frozenset(never_kept)), put=put)


def asked(*requests, **options):
    """What is kept of some requests, each a body and headers, and the answers to them."""
    kept = Kept()
    keeping = capturing(kept.put, **options)
    app = toy_application(capture=keeping)
    answers = [call(app, "/invocations", json.dumps(body).encode(), headers=headers) for body, headers in requests]
    keeping.close()
    return kept, answers


def test_a_row_of_a_request_is_kept_with_its_answer():
    kept, [(status, headers, _)] = asked(({"instances": [{"item": 3}, {"item": 6, "note": "é"}]}, []))
    assert status == 200
    assert [(each["row"], json.loads(each["request"]), json.loads(each["answer"])) for each in kept.rows] == [
        (0, {"item": 3}, {"level": 1.0, "note": ""}),
        (1, {"item": 6, "note": "é"}, {"level": 2.0, "note": "é"}),
    ]
    first, second = kept.rows
    assert (first["run"], first["route"]) == ("r1", "POST /invocations")
    assert first["event_id"] == second["event_id"] == first["inference_id"] == headers[INFERENCE_ID].decode()
    assert 0 < first["latency_ms"] < 60_000
    assert abs((datetime.now(UTC).replace(tzinfo=None) - first["time"]).total_seconds()) < 60


def test_files_lie_where_the_catalogue_looks_for_them_with_its_columns():
    kept, _ = asked(({"item": 3}, []))
    [(uri, content)] = kept.files.items()
    moment = kept.rows[0]["time"]
    assert uri.startswith(f"{URI}/date={moment:%Y-%m-%d}/hour={moment:%H}/")
    assert uri.endswith(".parquet")
    assert pq.read_schema(io.BytesIO(content)).names == [each.name for each in COLUMNS]


@pytest.mark.parametrize(
    ("header", "value"),
    [(INFERENCE_ID, b"order-7"), (ATTRIBUTES, b"inference_id=order-7"), (ATTRIBUTES, b"trace=1;inference_id=order-7")],
)
def test_a_request_is_called_what_its_caller_calls_it(header, value):
    kept, [(_, headers, _)] = asked(({"item": 3}, [(header, value)]))
    assert kept.rows[0]["inference_id"] == "order-7" != kept.rows[0]["event_id"]
    assert headers[INFERENCE_ID] == b"order-7"
    assert headers[ATTRIBUTES] == b"inference_id=order-7"


# As a custom attribute the last two would end early, and the request be kept under another name.
@pytest.mark.parametrize("value", [b"x" * 65, b"two words", "é".encode(), b"order,7", b"order;7"])
def test_what_is_no_name_is_refused(value):
    kept, [answer] = asked(({"item": 3}, [(INFERENCE_ID, value)]))
    status, sentence = refusal(answer)
    assert (status, "inference id of 1 to 64" in sentence) == (400, True)
    assert kept.files == {}


def test_fields_that_are_never_kept_are_not_however_deep_they_are_and_however_they_are_written():
    rows = [{"item": 3, "E-Mail": "a@b.c", "ratings": [{"e_mail": 1, "stars": 5}]}]
    answers = [{"level": 1.0, "reasons": {"email": 0.3, "age": 0.1}}]
    kept = Kept()
    keeping = capturing(kept.put, never_kept=["email"])
    keeping.keep("", "POST /invocations", rows, answers, 10, 0.0)
    keeping.close()
    assert json.loads(kept.rows[0]["request"]) == {"item": 3, "ratings": [{"stars": 5}]}
    assert json.loads(kept.rows[0]["answer"]) == {"level": 1.0, "reasons": {"age": 0.1}}


@dataclass
class Answered:
    """An answer as a recipe of one's own may give it; orjson writes it as an object."""

    level: float
    email: str
    more: list[object]


def test_fields_of_data_classes_are_left_out_as_others_are():
    answer = Answered(1.0, "a@b.c", [Answered(2.0, "d@e.f", [])])
    content = encoded([Exchange("e", "e", 0.0, 0.0, "", [{}], [answer], 1)], run_id="r1", never_kept={"email"})
    [row] = pq.read_table(io.BytesIO(content)).to_pylist()
    assert json.loads(row["answer"]) == {"level": 1.0, "more": [{"level": 2.0, "more": []}]}


def test_a_letter_with_an_accent_is_the_same_however_it_is_encoded():
    composed = "prénom"
    assert without({unicodedata.normalize("NFD", composed): "Zoë"}, frozenset({plain(composed)})) == {}


def test_a_service_that_cannot_write_waits_for_it_once_when_it_is_told_to_stop(monkeypatch):
    keeping, waited = capturing(Kept().put), []
    monkeypatch.setattr(keeping._thread, "join", waited.append)
    keeping.close()
    keeping.close()
    assert waited == [capture.CLOSE_S]


def test_refused_requests_and_those_of_a_smoke_test_are_not_kept():
    kept, _ = asked(({"item": 100}, []), ({"item": 3}, [(ATTRIBUTES, b"inference_id=trainyard-smoke-test")]))
    assert kept.files == {}


def test_a_share_of_the_requests_is_kept_and_only_those_are_named(monkeypatch):
    draws = iter([0.1, 0.3, 0.2, 0.9])
    monkeypatch.setattr(capture.random, "random", lambda: next(draws))
    kept, answers = asked(*[({"item": number}, []) for number in range(4)], share=0.25)
    assert [json.loads(each["request"])["item"] for each in kept.rows] == [0, 2]
    assert [INFERENCE_ID in headers for _, headers, _ in answers] == [True, False, True, False]


def test_a_service_that_keeps_nothing_names_nothing():
    _, headers, _ = call(toy_application(), "/invocations", b'{"item": 3}', headers=[(INFERENCE_ID, b"two words")])
    assert INFERENCE_ID not in headers


def test_rows_that_an_address_spells_are_kept_too():
    kept = Kept()
    keeping = capturing(kept.put)
    assert call(toy_application(capture=keeping), "/items/3?note=x", method="GET")[0] == 200
    keeping.close()
    assert kept.rows[0]["route"] == "GET /items/{item}"
    assert json.loads(kept.rows[0]["request"]) == {"item": 3, "note": "x"}


def test_many_rows_are_kept_as_others_are():
    kept, _ = asked(([{"item": number % 50} for number in range(300)], []))
    assert [each["row"] for each in kept.rows] == list(range(300))


def test_a_packed_body_takes_the_room_that_it_has_when_it_is_unpacked(monkeypatch):
    body = json.dumps([{"item": 3, "note": "x" * 200_000}]).encode()
    monkeypatch.setattr(capture, "MOST_BYTES", 100_000)
    kept = Kept()
    keeping = capturing(kept.put)
    headers = [(b"content-encoding", b"gzip")]
    assert call(toy_application(capture=keeping), "/invocations", gzip.compress(body), headers=headers)[0] == 200
    keeping.close()
    assert kept.files == {}


def test_a_request_that_nobody_waited_for_until_all_rows_were_answered_is_not_kept():
    class GivenUp(Toy):
        def predict(self, rows):
            return super().predict(rows)[:1]

    kept = Kept()
    keeping = capturing(kept.put)
    app = toy_application(GivenUp(), capture=keeping)
    assert INFERENCE_ID not in call(app, "/invocations", b'[{"item": 3}, {"item": 6}]')[1]
    keeping.close()
    assert kept.files == {}


def test_what_was_kept_is_written_after_some_seconds():
    kept, written = Kept(), threading.Event()

    def put(uri, content):
        kept.put(uri, content)
        written.set()

    keeping = capturing(put, seconds=0.01)
    keeping.keep("a", "POST /invocations", [{}], [{}], 10, 0.0)
    assert written.wait(30)
    keeping.close()


def test_a_full_queue_drops_and_counts_and_the_rest_is_written_before_its_time(monkeypatch, capsys):
    monkeypatch.setattr(capture, "FULL_REQUESTS", 2)
    monkeypatch.setattr(capture, "MOST_REQUESTS", 3)
    kept, reached, go_on = Kept(), threading.Event(), threading.Event()

    def slow(uri, content):
        reached.set()
        go_on.wait(30)
        kept.put(uri, content)

    keeping = capturing(slow)
    names = [keeping.keep(str(each), "POST /invocations", [{}], [{}], 10, 0.0) for each in range(2)]
    assert reached.wait(30)
    # The two are being written, and three more find room meanwhile.
    names += [keeping.keep(str(each), "POST /invocations", [{}], [{}], 10, 0.0) for each in range(2, 7)]
    go_on.set()
    keeping.close()
    assert names == ["0", "1", "2", "3", "4", "", ""]
    assert sorted(each["inference_id"] for each in kept.rows) == ["0", "1", "2", "3", "4"]
    assert "Requests captured: 5 kept, 2 dropped." in capsys.readouterr().out


def test_large_requests_find_no_room_either(monkeypatch):
    monkeypatch.setattr(capture, "MOST_BYTES", 100)
    keeping = capturing(Kept().put)
    assert keeping.keep("a", "POST /invocations", [{}], [{}], 101, 0.0) == ""
    keeping.close()


def test_what_cannot_be_written_is_told_without_a_word_of_what_it_was(capsys):
    def refused(_uri, _content):
        raise PermissionError("secret")

    keeping = capturing(refused)
    keeping.keep("order-7", "POST /invocations", [{"note": "secret"}], [{}], 10, 0.0)
    keeping.close()
    said = set(capsys.readouterr().out.splitlines())
    assert said == {"Requests captured: 0 kept, 0 dropped, 1 not written (PermissionError)."}


def test_what_cannot_be_written_in_time_at_the_end_is_told(monkeypatch, capsys):
    monkeypatch.setattr(capture, "CLOSE_S", 0.01)
    go_on = threading.Event()
    keeping = capturing(lambda _uri, _content: go_on.wait(30))
    keeping.keep("order-7", "POST /invocations", [{}], [{}], 10, 0.0)
    keeping.close()
    said = capsys.readouterr().out
    go_on.set()
    keeping._thread.join(30)
    assert said == "Requests captured: not all were written within 0.01 s of the end; these are lost.\n"


def test_a_file_is_put_where_its_uri_says(monkeypatch):
    for name, value in (("AWS_REGION", "eu-west-1"), ("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x")):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    with mock_aws():
        s3 = boto3.client("s3", region_name="eu-west-1")
        s3.create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        writer()(f"{URI}/date=2026-11-30/hour=07/a.parquet", b"rows")
        key = "captured/recipe=toy/model=toy/date=2026-11-30/hour=07/a.parquet"
        assert s3.get_object(Bucket="bucket", Key=key)["Body"].read() == b"rows"


def test_the_plan_of_a_service_is_what_its_variable_says():
    assert CapturePlan.of_environment({}) is None
    text = json.dumps({"uri": URI, "share": 1, "never_kept": ["email"]})
    assert CapturePlan.of_environment({VARIABLE: text}) == CapturePlan(uri=URI, share=1.0, never_kept=("email",))


class Bucket(BaseHTTPRequestHandler):
    """Takes what is put, as S3 does, and remembers it with its address."""

    def do_PUT(self):
        self.server.files[self.path] = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def bucket():
    """A server in place of S3."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Bucket) as server:
        server.files = {}
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_a_service_that_is_told_to_stop_writes_what_waits(bucket, tmp_path):
    port, plan = free_port(), {"uri": URI, "share": 1, "seconds": PATIENCE_S}
    environment = {
        **{"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TRAINYARD_ML_ROOT": str(tmp_path)},
        **{"SAGEMAKER_BIND_TO_PORT": str(port), VARIABLE: json.dumps(plan), "AWS_REGION": "us-east-1"},
        **{"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"},
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{bucket.server_port}",
    }
    small_model(tmp_path / "model")
    command = [sys.executable, "-m", "training_container.main", "serve"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        await_ping(port, process)
        with contextlib.closing(HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
            body = json.dumps({"product_id": 101, "count": 2})
            headers = {"content-type": "application/json", "X-Amzn-SageMaker-Inference-Id": "order-7"}
            connection.request("POST", "/invocations", body, headers)
            assert connection.getresponse().status == 200
        assert bucket.files == {}
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=30)
    [(path, content)] = bucket.files.items()
    assert path.startswith("/bucket/captured/recipe%3Dtoy/model%3Dtoy/date%3D")
    [row] = pq.read_table(io.BytesIO(content)).to_pylist()
    assert (row["inference_id"], row["run"], json.loads(row["request"])["product_id"]) == ("order-7", "r7", 101)
    assert "Requests captured: 1 kept, 0 dropped." in said
    assert "order-7" not in said
