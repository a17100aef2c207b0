"""What a reader is told of the stages that a run took over."""

from __future__ import annotations

from trainyard.run.reuse import FIRST, Reuse
from trainyard.run.stage import Stage

RUN, OTHER = "20261121-024833-1a2b3c4d", "20261122-024833-1a2b3c4d"


def test_it_says_from_which_run_and_what_changed_of_the_others() -> None:
    found = Reuse(
        start=Stage.PREPARE,
        reused={"ingest": RUN},
        computed={"prepare": "data.holdout_fraction 0.1 -> 0.2", "process": "follows prepare"},
    )
    assert found.sentences == [
        f"ingest reused from run {RUN}",
        "prepare computed: data.holdout_fraction 0.1 -> 0.2",
        "process computed: follows prepare",
    ]
    assert Reuse.from_json(found.to_json()) == found


def test_runs_are_told_apart() -> None:
    found = Reuse(start=Stage.TRAIN, reused={"ingest": RUN, "prepare": OTHER, "process": OTHER})
    assert found.sentences == [f"ingest reused from run {RUN}", f"prepare, process reused from run {OTHER}"]


def test_a_first_run_has_nothing_to_tell() -> None:
    computed = {"ingest": FIRST, "prepare": "follows ingest", "process": "follows ingest"}
    assert Reuse(start=Stage.INGEST, computed=computed).sentences == []
    assert Reuse(start=Stage.INGEST, computed=computed | {"ingest": "file a.csv"}).sentences == [
        "ingest computed: file a.csv"
    ]


def test_one_that_waits_says_for_whom() -> None:
    found = Reuse(start=Stage.INGEST, waits_for="arn:aws:states:us-east-1:1:execution:machine:train-1", computed={})
    assert found.sentences == ["waits for execution train-1, which computes ingest"]
