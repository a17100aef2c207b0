"""Serving."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.local_cloud.processes import only_linux_tells
from tests.recipes.service import await_ping, free_port
from tests.serving.served_model import small_model
from tests.serving.toy_service import PATIENCE_S, ROOT, toy_service

HEAD = b"POST /invocations HTTP/1.1\r\nHost: toy\r\nContent-Type: application/json\r\n"
CSV = "text/csv"


@pytest.fixture(scope="module")
def service():
    """A service with the limits of a serverless endpoint."""
    with toy_service(TRAINYARD_ENDPOINT_TYPE="serverless") as found:
        yield found


@pytest.fixture(scope="module")
def impatient():
    """A service that gives clients little time, and takes much work at once."""
    limits = {"HEAD_SECONDS": 4, "TRANSFER_SECONDS": 3, "ROWS": 2_000_000, "ANSWER_BYTES": 2**30, "SECONDS": 600}
    with toy_service(**{f"TRAINYARD_MAX_{name}": str(value) for name, value in limits.items()}) as found:
        yield found


def received(connection):
    """All that comes until the other side closes."""
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def status_and_sentence(answer):
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["error"]


def still_answers(service):
    assert service.call("GET", "/ping")[0] == 200
    return "/ping is answered"


@pytest.mark.fault("A client opens a connection and sends nothing", "It is closed in time")
def test_silent_client(impatient, observed):
    with impatient.connect() as connection:
        assert received(connection) == b""
    observed(f"closed without a word; {still_answers(impatient)}")


@pytest.mark.fault("A client sends the head of a request a byte at a time", "408 in time, and the connection is closed")
def test_slow_head(impatient, observed):
    with impatient.connect() as connection:
        answer = dripped(connection, HEAD * 100)
    status, sentence = status_and_sentence(answer)
    observed(f"{status}: {sentence}")
    assert status == 408


@pytest.mark.fault("A client sends the body of a request a byte at a time", "408 in time, and the connection is closed")
def test_slow_body(impatient, observed):
    with impatient.connect() as connection:
        connection.sendall(HEAD + b"Content-Length: 4000\r\n\r\n")
        answer = dripped(connection, b"x" * 4000)
    status, sentence = status_and_sentence(answer)
    observed(f"{status}: {sentence}")
    assert status == 408


def dripped(connection, content):
    """What comes back to a client that sends ten bytes a second until something does."""
    for byte in content:
        if select.select([connection], [], [], 0.1)[0]:
            return received(connection)
        connection.sendall(bytes([byte]))
    raise AssertionError("the service took all of it")


@pytest.mark.fault(
    "A client asks for 20 MB and never reads them", "The connection is closed in time, its memory is free"
)
def test_client_that_never_reads(impatient, observed):
    body = json.dumps({"item": 1, "note": "x" * 200, "wide": 100_000}).encode()
    with impatient.connect() as connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        watched = select.poll()
        watched.register(connection, select.POLLHUP)
        assert watched.poll(PATIENCE_S * 1000)
    observed(f"the connection is reset; {still_answers(impatient)}")


@pytest.mark.fault("A CSV body of a million lines is worked on", "/ping and other callers are answered meanwhile")
def test_a_million_lines(impatient, observed):
    body = b"item,note\n" + b"3,abc\n" * 1_000_000
    answers = []
    patient = replace(impatient, patience_s=600)
    worker = threading.Thread(target=lambda: answers.append(patient.call(body=body, Content_Type=CSV)))
    worker.start()
    meanwhile = 0
    while worker.is_alive():
        assert impatient.call("GET", "/ping")[0] == 200
        assert impatient.call(body=b'{"item": 3}')[0] == 200
        meanwhile += not answers
        time.sleep(0.1)
    worker.join()
    status, _, content = answers[0]
    assert (status, content.count(b"\n"), content[:22]) == (200, 1_000_001, b"level,note\n1.0,abc\n1.0")
    assert meanwhile > 3
    observed("/ping and a request of one row were answered again and again; then all 1,000,000 answers came")


@pytest.mark.fault(
    "A CSV body of a million lines where 10,000 are allowed", "413 that says how many, before the rest is read"
)
def test_too_many_lines(service, observed):
    status, _, body = service.call(body=b"item\n" + b"3\n" * 1_000_000, Content_Type=CSV)
    observed(f"{status}: {json.loads(body)['error']}")
    assert status == 413


@pytest.mark.fault("A body without length grows past the limit of the endpoint", "The client reads 413 with the limit")
def test_chunked_body_over_the_limit(service, observed):
    with service.connect() as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(128):
            connection.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
        connection.sendall(b"0\r\n\r\nGET /ping HTTP/1.1\r\nHost: toy\r\nConnection: close\r\n\r\n")
        answers = received(connection).split(b"HTTP/1.1 ")
    status, sentence = status_and_sentence(b"HTTP/1.1 " + answers[1])
    observed(f"{status}: {sentence} The connection then takes the next request")
    assert (status, answers[2][:3]) == (413, b"200")


@pytest.mark.fault("A head of a megabyte", "431, and the connection is closed")
def test_endless_head(service, observed):
    with service.connect() as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(HEAD + b"".join(b"X-%d: y\r\n" % number for number in range(100_000)) + b"\r\n")
        status, sentence = status_and_sentence(received(connection))
    observed(f"{status}: {sentence}")
    assert status == 431


@pytest.mark.fault("A gzip body of 400 KB that unpacks to 400 MB", "413, and no more is unpacked than the limit")
def test_gzip_bomb(service, observed):
    once = gzip.compress(b" " * 40_000_000)
    status, _, body = service.call(body=once * 10, Content_Encoding="gzip")
    observed(f"{status}: {json.loads(body)['error']}")
    assert status == 413


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        pytest.param(
            gzip.compress(b'{"item": 1}', mtime=0)[:-9],
            {"Content_Encoding": "gzip"},
            marks=pytest.mark.fault("A gzip body that is cut short", "400 that says so"),
        ),
        pytest.param(
            b"\x00",
            {"Content_Encoding": "br"},
            marks=pytest.mark.fault("A body in an encoding nobody can unpack", "415 with the one that can be"),
        ),
        pytest.param(
            b'{"item": 1}'.decode().encode("utf-16"),
            {"Content_Type": "application/json; charset=utf-16"},
            marks=pytest.mark.fault("A body in UTF-16", "415 that asks for UTF-8"),
        ),
        pytest.param(
            b'{"item": 1}',
            {"Accept": "text/html\t,\tapplication/json ;\tq=0 , text/csv; q=0.000,application/jsonlines;q=0"},
            marks=pytest.mark.fault("Accept excludes every format by q=0, with tabs", "406 with what there is"),
        ),
        pytest.param(
            b"item,note\n1,a\n\n2,b\n",
            {"Content_Type": CSV},
            marks=pytest.mark.fault("A blank line among the rows of a CSV", "400 with the line, no row lost"),
        ),
        pytest.param(
            b"item,note,item\n1,a,2\n",
            {"Content_Type": CSV},
            marks=pytest.mark.fault("A CSV names a field twice", "400 with its name"),
        ),
        pytest.param(
            b'[{"item": 1}, {"item": 2}, {"item": "three"}]',
            {},
            marks=pytest.mark.fault("One bad row among good ones", "422 with row, field and value"),
        ),
        pytest.param(
            b"[" * 9000 + b"]" * 9000,
            {},
            marks=pytest.mark.fault("JSON of 9,000 nested brackets", "400, and the service goes on"),
        ),
        pytest.param(
            b'{"item": ' + b"7" * 5000 + b"}",
            {},
            marks=pytest.mark.fault("A number of 5,000 digits", "400, and the service goes on"),
        ),
        pytest.param(
            b'{"item": 1, "note": "\\ud800"}',
            {},
            marks=pytest.mark.fault("A lone surrogate in a JSON text", "400, and the service goes on"),
        ),
        pytest.param(
            b'{"item": 66}',
            {},
            marks=pytest.mark.fault("The model fails on a row", "500 without a word of the inside"),
        ),
    ],
)  # fmt: skip
def test_refusals(service, observed, body, headers):
    status, _, answer = service.call(body=body, **headers)
    observed(f"{status}: {json.loads(answer)['error']}")
    assert 400 <= status <= 500
    still_answers(service)


@pytest.mark.fault("JSON with a byte order mark and 1.0 for a number of an item", "It is answered as without them")
def test_marks_and_floats(service, observed):
    status, _, answer = service.call(body=b'\xef\xbb\xbf{"item": 1.0}')
    assert (status, answer) == (200, service.call(body=b'{"item": 1}')[2])
    in_a_table = service.call(body=b"\xef\xbb\xbfitem\n1.0\n", Content_Type=CSV, Accept="application/json")
    assert json.loads(in_a_table[2])["predictions"] == [json.loads(answer)]
    observed("the same answer, in CSV too")


@pytest.mark.fault("The model's answer is no number (NaN)", "The answer is JSON that every reader takes")
def test_no_number(service, observed):
    status, _, answer = service.call(body=b'{"item": 67}')
    found = json.loads(answer, parse_constant=pytest.fail)
    observed(f"{status} with level: {json.dumps(found['level'])}")
    assert status == 200


@pytest.mark.fault(
    "A client asks to go over to HTTP/2, as Java's does with every request", "It is answered in HTTP/1.1"
)
def test_upgrade(service, observed):
    upgrade = b"Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n"
    with service.connect() as connection:
        connection.sendall(HEAD + upgrade + b'Content-Length: 11\r\n\r\n{"item": 3}')
        answer = received(connection)
    assert answer.endswith(b'{"level":1.0,"note":""}')
    observed(f"{answer.split(b' ')[1].decode()} with the answer")


@pytest.mark.fault("Bytes that are no HTTP", "400, and the connection is closed")
def test_no_http(service, observed):
    with service.connect() as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\nno size of a chunk\r\n")
        status, sentence = status_and_sentence(received(connection))
    observed(f"{status}: {sentence}")
    assert status == 400


@pytest.mark.fault("The service is told to stop while it works on a request", "The request is answered, then it ends")
def test_stopped_at_work(observed):
    body = json.dumps({"item": 68, "note": "x" * 20_000}).encode()
    with toy_service() as service, service.connect() as connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        # The service takes connections in turn, so by this answer it works on the request.
        still_answers(service)
        service.process.terminate()
        answer = received(connection)
        ended = service.process.wait(PATIENCE_S)
    assert ended == -signal.SIGTERM
    observed(f"{answer.split(b' ')[1].decode()}, then the process ended by SIGTERM")
    assert answer.endswith(b'xxx"}')


@pytest.mark.long
@pytest.mark.fault("The service is told to stop, and its work would last longer than its grace", "It ends all the same")
def test_stopped_at_long_work(observed):
    body = json.dumps([{"item": 68}] * 100).encode()
    with toy_service() as service, service.connect() as connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        still_answers(service)
        service.process.terminate()
        ended = service.process.wait(PATIENCE_S)
        assert received(connection) == b""
    observed(f"the process ended by {signal.Signals(-ended).name} before its work did")


@contextlib.contextmanager
def command(model_dir, port):
    """`trainyard serve` as a person starts it."""
    code = "import sys; from trainyard.cli.main import main; sys.exit(main(sys.argv[1:]))"
    arguments = ["serve", "prod2vec", "--dir", str(model_dir), "--port", str(port)]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=PATIENCE_S)


def children(process):
    only_linux_tells()
    return [int(each) for each in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def sentence_about_the_end(output, folder):
    """What the command said at its end, without the line breaks of a terminal and without names of folders."""
    said = " ".join(output.split())
    return said[said.rindex("Expected the service to run") :].replace(str(folder), "the folder of the model")


@pytest.mark.fault(
    "The files of the model that is to be served are damaged", "`trainyard serve` ends with 1 and says why"
)
def test_damaged_model(tmp_path, observed):
    model = small_model(tmp_path / "model")
    vectors = model / "target_vectors.npy"
    vectors.write_bytes(vectors.read_bytes()[:400])
    with command(model, free_port()) as process:
        output = process.communicate(timeout=PATIENCE_S)[0]
    observed(f"exit code {process.returncode}: {sentence_about_the_end(output, model)}")
    assert process.returncode == 1


@pytest.mark.fault(
    "The process that serves is killed, as for want of memory", "`trainyard serve` ends with 1 and says why"
)
def test_killed_worker(tmp_path, observed):
    port = free_port()
    with command(small_model(tmp_path / "model"), port) as process:
        await_ping(port, process)
        os.kill(children(process)[0], signal.SIGKILL)
        output = process.communicate(timeout=PATIENCE_S)[0]
    observed(f"exit code {process.returncode}: {sentence_about_the_end(output, tmp_path)}")
    assert process.returncode == 1


@pytest.mark.fault("`trainyard serve` is killed with kill -9", "No process of it is left, and the port is free")
def test_killed_parent(tmp_path, observed):
    port = free_port()
    with command(small_model(tmp_path / "model"), port) as process:
        await_ping(port, process)
        child = children(process)[0]
        process.kill()
        process.communicate(timeout=PATIENCE_S)
        wait_until_gone(child)
    with socket.create_server(("127.0.0.1", port)):
        observed("the service is gone, and its port can be bound")


def wait_until_gone(pid):
    deadline = time.monotonic() + PATIENCE_S
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline, "the service survived"
        time.sleep(0.05)


@pytest.mark.fault(
    "The port of the service is taken while its model is loaded", "The service ends with 1 and says which"
)
def test_port_taken(tmp_path, observed):
    small_model(tmp_path / "model")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = subprocess.run(
            [sys.executable, "-m", "training_container.main", "serve"],
            cwd=ROOT,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "TRAINYARD_ML_ROOT": str(tmp_path),
                "SAGEMAKER_BIND_TO_PORT": str(port),
            },
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
    reason = (tmp_path / "output" / "message").read_text(encoding="utf-8").replace(str(port), "N")
    shutil.rmtree(tmp_path / "output")
    observed(f"exit code {process.returncode}: {reason}")
    assert process.returncode == 1
