"""A training job on a machine with a GPU says so, and does not go on beside it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from training_container.gpu import require_gpu
from trainyard.errors import JobFailed

TENSORFLOW = "trainyard.contract.lean.tensorflow"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Where the container says on which machine it is."""
    monkeypatch.setenv("TRAINYARD_ML_ROOT", str(tmp_path))
    config = tmp_path / "input" / "config" / "resourceconfig.json"
    config.parent.mkdir(parents=True)
    return lambda name: config.write_text(json.dumps({"current_host": "algo-1", "current_instance_type": name}))


def devices(monkeypatch: pytest.MonkeyPatch, *found: str) -> None:
    """What TensorFlow sees."""
    seen = SimpleNamespace(config=SimpleNamespace(list_physical_devices=lambda kind: list(found)))
    monkeypatch.setitem(sys.modules, TENSORFLOW, SimpleNamespace(tf=seen))


def test_a_gpu_that_is_not_seen_ends_the_job_before_it_costs_anything(machine, monkeypatch) -> None:
    machine("ml.g5.xlarge")
    devices(monkeypatch)
    with pytest.raises(JobFailed, match=r"Expected TensorFlow to see the GPU of ml\.g5\.xlarge, found none"):
        require_gpu()


def test_a_gpu_that_is_seen_is_named_in_the_log(machine, monkeypatch, capsys) -> None:
    machine("ml.g4dn.12xlarge")
    devices(monkeypatch, "GPU:0", "GPU:1")
    require_gpu()
    assert capsys.readouterr().out == "Training on 2 GPU(s) of ml.g4dn.12xlarge.\n"


@pytest.mark.parametrize("name", ["ml.m5.xlarge", None])
def test_nothing_is_looked_at_where_there_is_none(name: str | None, machine, monkeypatch) -> None:
    if name:
        machine(name)
    # Whoever imports it now fails.
    monkeypatch.setitem(sys.modules, TENSORFLOW, None)
    require_gpu()
