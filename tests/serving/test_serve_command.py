"""`trainyard serve` fetches the model that is asked for, and runs the real service on it."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import tarfile
import time
import urllib.request
from pathlib import Path

import pytest

from tests.cli.conftest import deployment, own_environment, step_functions  # noqa: F401
from tests.recipes.service import free_port
from tests.serving.served_model import small_model
from trainyard.cli.main import main
from trainyard.client.model import models
from trainyard.errors import JobFailed, NotFound
from trainyard.run.model_archive import ModelCard

ROOT = Path(__file__).parents[2]


@pytest.fixture
def model_dir(tmp_path):
    return small_model(tmp_path / "trained")


def upload(deployment, folder, key):  # noqa: F811
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        tar.add(folder, arcname=".")
    deployment.target.client("s3").put_object(Bucket="artifacts-bucket", Key=key, Body=archive.getvalue())
    return f"s3://artifacts-bucket/{key}"


def test_the_champion_is_fetched(deployment, model_dir, tmp_path):  # noqa: F811
    with pytest.raises(NotFound, match=r"Expected a model of prod2vec in use, found none. Train one"):
        models.champion(deployment, "prod2vec")
    data = upload(deployment, model_dir, "prod2vec/r7/train/job/output/model.tar.gz")
    item = {"id": {"S": "champion/prod2vec"}, "run_id": {"S": "r7"}, "model_data": {"S": data}}
    deployment.target.client("dynamodb").put_item(TableName="ledger", Item=item)
    found = models.champion(deployment, "prod2vec")
    assert found == models.Model(name="run r7", data=data)
    folder = models.fetch(deployment, found, directory=tmp_path / "fetched")
    assert ModelCard.read(folder).run_id == "r7"
    assert sorted(each.name for each in (tmp_path / "fetched").iterdir()) == ["model"]


def test_a_version_is_found_by_number_or_run(deployment, model_dir):  # noqa: F811
    client = deployment.target.client("sagemaker")
    client.create_model_package_group(ModelPackageGroupName="trainyard-dev-prod2vec")
    data = [upload(deployment, model_dir, f"prod2vec/r{n}/train/job/output/model.tar.gz") for n in (1, 2)]
    for each in data:
        containers = [{"Image": "image", "ModelDataUrl": each}]
        specification = {"Containers": containers, "SupportedContentTypes": ["a"], "SupportedResponseMIMETypes": ["a"]}
        client.create_model_package(
            ModelPackageGroupName="trainyard-dev-prod2vec", InferenceSpecification=specification
        )
    assert models.registered(deployment, "prod2vec", version="2").data == data[1]
    assert models.registered(deployment, "prod2vec", version="r1") == models.Model(name="version 1", data=data[0])
    with pytest.raises(NotFound, match="found '3'; the registry has 1, 2"):
        models.registered(deployment, "prod2vec", version="3")


def test_an_archive_that_is_none_is_named(deployment, tmp_path):  # noqa: F811
    deployment.target.client("s3").put_object(Bucket="artifacts-bucket", Key="a/b", Body=b"no archive")
    with pytest.raises(JobFailed, match="Expected the archive of a model at s3://artifacts-bucket/a/b"):
        models.fetch(deployment, models.Model(name="x", data="s3://artifacts-bucket/a/b"), directory=tmp_path)


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["nothing"], 2, "Expected one of the recipes"),
        (["prod2vec", "--dir", "{empty}"], 4, "Expected a model with model.json in"),
        (["two_tower", "--dir", "{model}"], 2, "Expected a model of two_tower in"),
        (
            ["prod2vec", "--dir", "{model}", "--type", "lambda"],
            2,
            "Expected instances or serverless after --type, found",
        ),
    ],
)
def test_a_wrong_call_ends_with_one_sentence(model_dir, tmp_path, capsys, arguments, code, sentence):
    port = str(free_port())
    folders = {"{empty}": str(tmp_path), "{model}": str(model_dir)}
    assert main(["serve", *(folders.get(each, each) for each in arguments), "--port", port]) == code
    assert sentence in capsys.readouterr().err


def test_a_taken_port_is_named(model_dir, capsys):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert main(["serve", "prod2vec", "--dir", str(model_dir), "--port", str(port)]) == 2
    assert f"Expected port {port} to be free" in capsys.readouterr().err


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_model_is_served_until_it_is_stopped(model_dir, sent):
    port = free_port()
    # Whoever runs the tests in the background has Ctrl-C ignored, and children inherit that; a terminal's do not.
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from trainyard.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "serve", "prod2vec", "--dir", str(model_dir), "--port", str(port)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/products/100/similar?count=2") as answer:
                    products = json.loads(answer.read())["products"]
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < deadline, process.communicate()
                time.sleep(0.1)
        assert len(products) == 2
        process.send_signal(sent)
        errors = process.communicate(timeout=60)[1]
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
