"""Stages that are reused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from recipes.prod2vec import sample
from tests.faults.conftest import Observation
from tests.stages.reuse_world import World, world
from trainyard.run.stage import Stage
from trainyard.run.stage_record import REUSABLE


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[World]:
    for name, value in {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    sample.write(tmp_path / "data", size=200, seed=5)
    with world("prod2vec", tmp_path / "data", real=False) as empty:
        yield empty


def told(reused: object) -> str:
    return f"reused {', '.join(map(str, reused))}" if reused else "reused nothing"


@pytest.mark.fault(
    "An object of a prepared table is overwritten, and then the data are trained again with other epochs",
    "ingest is reused; prepare and what follows are computed, and the reason is told",
)
def test_overwritten(made: World, observed: Observation) -> None:
    first = made.run()
    made.finish(first)
    made.s3.put_object(Bucket="artifacts", Key=first.run.key(Stage.PREPARE, "table", "part-0.parquet"), Body=b"x")
    found = made.finish(made.run({"hyperparameters": {"epochs": 2}}))
    reason = found.computed["prepare"].replace(first.run.run_id, "RUN")
    observed(f"{told(found.reused)}; started with {found.start}: {reason}")


@pytest.mark.fault(
    "The run whose stages another one has taken over is pruned",
    "that one keeps all of them, and a third run takes them over from it",
)
def test_pruned(made: World, observed: Observation) -> None:
    first, second, third = made.run(), made.run(), made.run()
    made.finish(first)
    made.finish(second)
    kept = {stage: made.content(second, stage) for stage in REUSABLE}
    for stage in (Stage.RESOLVE, *REUSABLE):
        first.clear(stage)
    assert {stage: made.content(second, stage) for stage in REUSABLE} == kept
    observed(f"{told(made.finish(third).reused)}; nothing of the second was gone")


@pytest.mark.fault(
    "The execution that computes a stage for which another one waits is stopped",
    "the other one stops waiting and computes it, and a third waits for that",
)
def test_stopped(made: World, observed: Observation) -> None:
    one, two, three = made.run(), made.run(), made.run()
    made.running |= {each.run.execution_arn for each in (one, two, three)}
    made.find(one)
    assert made.find(two).waits_for == one.run.execution_arn
    made.running.remove(one.run.execution_arn)
    assert made.find(two).waits_for == ""
    assert made.find(three).waits_for == two.run.execution_arn
    observed("it took the work over; the third waits for it")
