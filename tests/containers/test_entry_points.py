"""The images' entry points under the container contract: where they read, what they leave, and how they fail."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.images.inputs import process_inputs, train_inputs
from trainyard.errors import JobFailed
from trainyard.run import container
from trainyard.run.documents import Comparison
from trainyard.run.model_archive import ModelCard, unpack
from trainyard.stages.evaluate import per_example

# They share a model that takes long to train.
pytestmark = pytest.mark.xdist_group("entry_points")
ROOT = Path(__file__).parents[2]


def run(root: Path, image: str, *arguments: str, python: Sequence[str] = ()) -> subprocess.CompletedProcess:
    environment = {**os.environ, "TRAINYARD_ML_ROOT": str(root), "PYTHONPATH": str(ROOT)}
    command = python or [sys.executable, "-m", f"{image}_container.main", *arguments]
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)


def archive(folder: Path, destination: Path) -> None:
    destination.mkdir(parents=True)
    with tarfile.open(destination / "model.tar.gz", "w:gz") as tar:
        tar.add(folder, arcname=".")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folders of a processing and a training job, both run."""
    root = tmp_path_factory.mktemp("jobs")
    process_inputs(root)
    done = run(root / "process", "processing", "process")
    assert done.returncode == 0, done.stderr
    train_inputs(root)
    done = run(root / "train", "training", "train")
    assert done.returncode == 0, done.stderr
    return root


def evaluation_inputs(trained: Path, root: Path) -> Path:
    inputs = root / "processing" / "input"
    inputs.mkdir(parents=True)
    (inputs / "resolve").symlink_to(trained / "process" / "processing" / "input" / "resolve")
    (inputs / "process").symlink_to(trained / "process" / "processing" / "output" / "process")
    archive(trained / "train" / "model", inputs / "model")
    return inputs


def test_the_model_carries_what_made_it(trained):
    card = ModelCard.read(trained / "train" / "model")
    assert (card.recipe, card.run_id, card.seed) == ("prod2vec", "proof", 42)
    assert card.hyperparameters["embedding_size"] == 16
    assert card.metrics["validation_hit_rate_at_10"] > 0


def test_a_model_does_not_beat_itself(trained, tmp_path):
    inputs = evaluation_inputs(trained, tmp_path)
    archive(trained / "train" / "model", inputs / "champion")
    done = run(tmp_path, "training", "evaluate")
    assert done.returncode == 0, done.stderr
    evaluation = json.loads((tmp_path / "processing" / "output" / "evaluate" / "evaluation.json").read_text())
    assert evaluation["champion"]["difference"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    metric = evaluation["metrics"]["hit_rate_at_10"]
    assert metric["low"] <= metric["value"] <= metric["high"]
    statistics = json.loads((tmp_path / "processing" / "output" / "evaluate" / "statistics.json").read_text())
    assert statistics["prod2vec"]["hit_rate_at_10"]["value"] == metric["value"]
    # A deployed model's first requests lie beside the scores: the archive is too large to look into.
    kept = tmp_path / "processing" / "output" / "evaluate" / "examples.json"
    assert kept.read_bytes() == (trained / "train" / "model" / "examples.json").read_bytes()
    assert len(per_example.read((kept.parent / per_example.PER_EXAMPLE_FILE).read_bytes())) == evaluation["rows"]


def test_a_champion_of_an_earlier_release_is_still_compared(trained, tmp_path):
    """Its card has no version and lacks what was added since; one of a later release may have more."""
    inputs = evaluation_inputs(trained, tmp_path)
    older = tmp_path / "older"
    shutil.copytree(trained / "train" / "model", older)
    (older / ModelCard.FILE).write_text(json.dumps({"recipe": "prod2vec", "run_id": "older", "added_later": [1]}))
    archive(older, inputs / "champion")
    done = run(tmp_path, "training", "evaluate")
    assert done.returncode == 0, done.stderr
    evaluation = Comparison.read(tmp_path / "processing" / "output" / "evaluate")
    assert evaluation.champion is not None
    assert evaluation.champion.run_id == "older"


@pytest.mark.parametrize(
    ("image", "arguments", "file", "sentence"),
    [
        (
            "training",
            ["fly"],
            "message",
            "Expected one of the commands train, evaluate, score, check_drift, serve; found 'fly'.",
        ),
        ("processing", [], "message", "Expected one of the commands process, analyse, report, verify"),
        ("training", ["train"], "failure", "request.json"),
        ("processing", ["analyse", "--job", "x"], "message", "Expected the arguments --tuning-job NAME"),
    ],
)
def test_a_failure_leaves_its_reason_where_sagemaker_looks(tmp_path, image, arguments, file, sentence):
    done = run(tmp_path, image, *arguments)
    assert done.returncode == 1
    assert sentence in (tmp_path / "output" / file).read_text()


def test_hyperparameters_of_sagemaker_itself_are_left_out(tmp_path, monkeypatch):
    monkeypatch.setenv("TRAINYARD_ML_ROOT", str(tmp_path))
    assert container.hyperparameters() == {}
    folder = tmp_path / "input" / "config"
    folder.mkdir(parents=True)
    (folder / "hyperparameters.json").write_text('{"epochs": "3", "_tuning_objective_metric": "x"}')
    assert container.hyperparameters() == {"epochs": "3"}


def test_an_archive_that_leaves_its_folder_is_refused(tmp_path):
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as tar:
        entry = tarfile.TarInfo("../outside")
        entry.size = 1
        tar.addfile(entry, io.BytesIO(b"x"))
    with pytest.raises(tarfile.OutsideDestinationError):
        unpack(tmp_path, tmp_path / "inside")
    assert not (tmp_path / "outside").exists()


def test_a_missing_archive_is_named(tmp_path):
    (tmp_path / "weights.npy").write_bytes(np.zeros(1).tobytes())
    with pytest.raises(JobFailed, match=r"Expected model.tar.gz in .*found weights.npy"):
        unpack(tmp_path, tmp_path / "inside")
