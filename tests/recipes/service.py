"""The real server process around a model folder, for tests: started on a free port, asked over HTTP, ended."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from trainyard.run import recipe
from trainyard.run.model_archive import ModelCard
from trainyard.serving.examples import Examples, check

ROOT = Path(__file__).parents[2]
# The process says at its end which modules it had loaded.
SERVER = """
import sys
from pathlib import Path
from trainyard.serving.server import serve
try:
    serve(Path(sys.argv[1]), host="127.0.0.1", port=int(sys.argv[2]))
finally:
    print("loaded", *sorted({each.partition(".")[0] for each in sys.modules}), flush=True)
"""
READY_S = 60


def check_service(name, model_dir, evaluated):
    """The real server process: TensorFlow stays out, answers are those of evaluation, the API is described."""
    _card(name).write(model_dir)
    predictor = recipe.module(name, "serve").load(model_dir)
    examples = Examples.of(predictor.examples(), predictor.predict(predictor.examples()))
    with served(model_dir) as call:
        status, facts = call("GET", "/")
        assert (status, facts["recipe"], facts["run_id"]) == (200, name, "contract")
        for request, expected in zip(examples.requests, examples.answers, strict=True):
            status, answer = call("POST", "/invocations", request)
            assert (status, check(answer, json.loads(json.dumps(expected)))) == (200, [])
        _check_routes(call, predictor.routes())
        rows, expected = evaluated
        if rows:
            status, answer = call("POST", "/invocations", {"instances": rows})
            assert status == 200
            _assert_same(answer["predictions"], expected)
        assert call("POST", "/invocations", {"instances": [{"no such field": 1}]})[0] == 422


def _check_routes(call, routes):
    assert routes[0].path == "/invocations"
    _, description = call("GET", "/openapi.json")
    for route in routes:
        operation = description["paths"][route.path][route.method.lower()]
        example = operation["responses"]["200"]["content"]["application/json"]["example"]
        if route.method == "POST":
            status, answer = call("POST", route.path, [route.example])
            assert (status, {"predictions": answer}) == (200, example)
        else:
            query = "&".join(f"{n}={v}" for n, v in route.example.items() if f"{{{n}}}" not in route.path)
            status, answer = call("GET", f"{route.path.format(**route.example)}?{query}")
            assert (status, answer) == (200, example)
            answer = [answer]
        TypeAdapter(list[route.response]).validate_python(answer)


def _assert_same(found, expected):
    """Equal but for the last digits: a matrix product adds up in another order when it has another shape."""
    if isinstance(expected, float):
        assert found == pytest.approx(expected, rel=2e-5, abs=1e-6)
    elif isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            if key == "rating":
                # What is rounded for people can fall to either side.
                assert found[key] == pytest.approx(value, abs=0.011)
            else:
                _assert_same(found[key], value)
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for pair in zip(found, expected, strict=True):
            _assert_same(*pair)
    else:
        assert found == expected


def _card(name):
    return ModelCard(
        recipe=name,
        run_id="contract",
        dataset="sample",
        fingerprint="",
        code_version="",
        seed=1,
        hyperparameters={},
        config={},
        objects={},
        metrics={},
    )


@contextlib.contextmanager
def served(model_dir: Path) -> Iterator[object]:
    """A function `call(method, path, document) -> (status, document)`; at the end, TensorFlow must not be loaded."""
    port = free_port()
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", SERVER, str(model_dir), str(port)]
    process = subprocess.Popen(
        command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        await_ping(port, process)
        yield lambda method, path, document=None: call(port, method, path, document)
    finally:
        process.send_signal(signal.SIGINT)
        output = process.communicate(timeout=60)[0]
    loaded = set(output.rpartition("loaded ")[2].split())
    assert "uvicorn" in loaded, output
    assert not loaded & {"tensorflow", "keras", "boto3", "matplotlib"}, output


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def await_ping(port: int, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + READY_S
    while True:
        try:
            assert call(port, "GET", "/ping")[0] == 200
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                raise AssertionError(f"the server did not start: {process.communicate()[0]}") from None
            time.sleep(0.05)


def call(port: int, method: str, path: str, document: object = None) -> tuple[int, object]:
    """One request with a JSON body."""
    with contextlib.closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        body = None if document is None else json.dumps(document)
        connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
