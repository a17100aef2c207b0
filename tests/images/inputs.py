"""Makes the folders that stand for /opt/ml in the proof of the images; called by `prove.sh`."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import ibis

from recipes.prod2vec import prepare, sample
from trainyard.contract.config import to_mapping
from trainyard.run import recipe
from trainyard.run.run import Run
from trainyard.serving import examples

RECIPE = "prod2vec"
SETTINGS = {"hyperparameters": {"epochs": 2, "embedding_size": 16}}


def request(folder: Path) -> None:
    folder.mkdir(parents=True)
    run = Run(
        recipe=RECIPE,
        run_id="proof",
        dataset="sample",
        execution_arn="none",
        raw_bucket="none",
        artifacts_bucket="none",
        fingerprint="none",
        code_version="none",
        files=(),
        config=to_mapping(recipe.config(RECIPE, SETTINGS)),
    )
    (folder / Run.FILE).write_text(run.to_json())


def process_inputs(root: Path) -> None:
    """Inputs of the processing job: a request and the prepared tables of a sample."""
    shutil.rmtree(root, ignore_errors=True)
    inputs = root / "process" / "processing" / "input"
    request(inputs / "resolve")
    config = recipe.config(RECIPE, SETTINGS)
    with tempfile.TemporaryDirectory() as scratch:
        sample.write(Path(scratch), size=20_000, seed=1)
        connection = ibis.duckdb.connect()
        tables = {}
        for source in recipe.sources(RECIPE, config):
            for file in Path(scratch).iterdir():
                if source.accepts(file.name):
                    tables[source.name] = connection.read_csv(file)
        for name, table in prepare.prepare(tables, config).items():
            (inputs / "prepare" / name).mkdir(parents=True)
            table.to_parquet(inputs / "prepare" / name / "part-00000.parquet")


def train_inputs(root: Path) -> None:
    """Channels of the training job: what the processing job wrote."""
    channels = root / "train" / "input" / "data"
    request(channels / "resolve")
    for name in ("train", "validation", "features"):
        shutil.copytree(root / "process" / "processing" / "output" / "process" / name, channels / name)


def check(root: Path) -> None:
    """Exit with a sentence when the training job left no model."""
    card = root / "train" / "model" / "model.json"
    if not card.is_file():
        sys.exit(f"Expected {card}, found none.")
    print("model trained in the image:", json.loads(card.read_text())["metrics"])


def ask(root: Path, port: int) -> None:
    """Wait for the service on the trained model, and exit with a sentence when it does not answer its examples."""
    address, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(f"{address}/ping", timeout=5).read()
            break
        except OSError:
            if time.monotonic() > deadline:
                sys.exit("Expected the service to answer /ping within 60 s.")
            time.sleep(0.1)
    kept = examples.load(root / "train" / "model")
    for body, expected in zip(kept.requests, kept.answers, strict=True):
        headers = {"Content-Type": kept.content_type}
        request = urllib.request.Request(f"{address}/invocations", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            if problems := examples.check(json.loads(answer.read()), expected):
                sys.exit(" ".join(problems))
    print(f"the service in the image answers {len(kept.requests)} examples as the training job did")


if __name__ == "__main__":
    target = Path(sys.argv[1])
    if sys.argv[2:] and sys.argv[2].startswith("--ask="):
        ask(target, int(sys.argv[2].removeprefix("--ask=")))
        sys.exit()
    {"--train": train_inputs, "--check": check}.get("".join(sys.argv[2:]), process_inputs)(target)
