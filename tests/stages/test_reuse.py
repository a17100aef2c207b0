"""Stages that another run has made: which are taken over, which are not and why, and that both give the same."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from s3transfer.exceptions import S3CopyFailedError

from recipes.prod2vec import sample
from tests.stages.reuse_world import READS, World, request, with_other_code, world
from trainyard.run.stage import Stage
from trainyard.run.stage_record import REUSABLE, StageRecord
from trainyard.run.store import RunStore
from trainyard.stages.reuse import taking_over
from trainyard.stages.reuse.record import record

EPOCHS = {"hyperparameters": {"epochs": 3}}


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    sample.write(tmp_path / "data", size=400, seed=5)
    return tmp_path / "data"


@pytest.fixture
def made(data: Path) -> Iterator[World]:
    """Stages are pretended here."""
    with world("prod2vec", data, real=False) as empty:
        yield empty


@pytest.fixture
def first(made: World) -> str:
    """The id of a run that has come as far as training."""
    store = made.run()
    assert made.finish(store).reused == {}
    return store.run.run_id


def test_a_run_with_other_epochs_starts_at_training(made: World, first: str) -> None:
    again = made.run(EPOCHS)
    found = made.find(again)
    assert (found.start, found.waits_for, found.computed) == (Stage.TRAIN, "", {})
    assert found.reused == dict.fromkeys(REUSABLE, first)
    for stage in REUSABLE:
        assert made.content(again, stage) == made.content(again.of_run(first), stage) != {}
    assert made.find(again) == found


def test_reused_and_fresh_runs_of_the_real_stages_give_the_same_bytes(data: Path) -> None:
    """Settings are drawn, those that stages read and those that they do not; each draw is computed once afresh."""
    draw, seen = random.Random(5), set()
    with world("prod2vec", data, real=True) as real:
        first = real.run()
        real.finish(first)
        for threshold in draw.sample([0.001, 0.002, 0.005, 0.01], 2):
            settings = {
                "hyperparameters": {"epochs": draw.randint(1, 9), "embedding_size": draw.randint(8, 90)},
                "data": {"subsampling_threshold": threshold, "holdout_fraction": draw.choice([0.1, 0.2])},
                "gate": {"margin": draw.random() / 10},
            }
            reusing, fresh = real.run(settings), real.run(settings)
            seen.add(real.finish(reusing).start)
            assert real.finish(fresh, fresh=True).reused == {}
            for stage in REUSABLE:
                assert real.content(reusing, stage) == real.content(fresh, stage) != {}
        kept = first.read_document(Stage.PROCESS, StageRecord)
    assert seen & {Stage.PREPARE, Stage.PROCESS, Stage.TRAIN}
    assert kept.settings["data.subsampling_threshold"] == 0.001
    assert not [each for each in kept.settings if each.startswith(("hyperparameters", "gate", "jobs"))]


def test_a_setting_invalidates_the_stages_that_read_it_and_what_follows(made: World, first: str) -> None:
    found = made.find(made.run({"data": {"subsampling_threshold": 0.01}}))
    assert found.start is Stage.PROCESS
    assert found.reused == {Stage.INGEST: first, Stage.PREPARE: first}
    assert found.computed == {Stage.PROCESS: "data.subsampling_threshold 0.001 -> 0.01"}
    found = made.find(made.run({"data": {"holdout_fraction": 0.2}}))
    assert (found.start, found.reused) == (Stage.PREPARE, {Stage.INGEST: first})
    assert found.computed == {Stage.PREPARE: "data.holdout_fraction 0.1 -> 0.2", Stage.PROCESS: "follows prepare"}


def test_a_hyperparameter_that_a_stage_reads_counts_as_well(made: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """As process of topic models reads how many there are to be; who waited for that run computes it then."""
    monkeypatch.setitem(READS, Stage.PROCESS, ("hyperparameters.epochs",))
    first, other = made.run(), made.run(EPOCHS)
    made.running |= {first.run.execution_arn, other.run.execution_arn}
    made.find(first)
    assert made.find(other).waits_for == first.run.execution_arn
    made.finish(first)
    found = made.find(other)
    assert (found.start, found.waits_for) == (Stage.PROCESS, "")
    assert found.computed == {Stage.PROCESS: "hyperparameters.epochs 20 -> 3"}


def test_other_code_invalidates_its_stage_and_what_follows(made: World, first: str) -> None:
    with_other_code(made, "prepare")
    found = made.find(made.run())
    assert (found.start, found.reused) == (Stage.PREPARE, {Stage.INGEST: first})
    assert found.computed == {Stage.PREPARE: "the code of prepare", Stage.PROCESS: "follows prepare"}


def test_another_version_of_a_file_invalidates_everything_and_is_named(made: World, first: str, data: Path) -> None:
    made.upload(data / "products.csv")
    found = made.find(made.run())
    assert (found.start, found.reused) == (Stage.INGEST, {})
    assert found.computed[Stage.INGEST] == "file products.csv"


def test_what_sentences_may_quote_belongs_to_what_ingest_makes(made: World, first: str) -> None:
    assert made.find(request(made.run(), show_cells=False)).start is Stage.INGEST


@pytest.mark.parametrize("damage", ["changed", "gone", "added"])
def test_a_damaged_stage_is_computed(made: World, first: str, damage: str) -> None:
    kept = made.run().of_run(first)
    key = kept.run.key(Stage.PREPARE, sorted(made.content(kept, Stage.PREPARE))[0])
    if damage == "gone":
        made.s3.delete_object(Bucket="artifacts", Key=key)
    else:
        key = key if damage == "changed" else f"{key}.parquet"
        made.s3.put_object(Bucket="artifacts", Key=key, Body=b"other")
    again = made.run(EPOCHS)
    found = made.finish(again)
    assert (found.start, found.reused) == (Stage.PREPARE, {Stage.INGEST: first})
    assert found.computed[Stage.PREPARE] == f"prepare of run {first} was removed or changed since it was made"
    assert made.find(made.run()).reused[Stage.PROCESS] == again.run.run_id


@pytest.mark.parametrize("in_parts", [True, False])
def test_of_a_stage_that_changes_while_it_is_copied_nothing_stays(
    made: World, monkeypatch: pytest.MonkeyPatch, in_parts: bool
) -> None:
    """Half of it would be read together with what is computed, or copied, after it."""
    older, newer = made.run(), made.run()
    made.finish(older)
    made.finish(newer, fresh=True)
    for store, name in ((older, "of-older"), (newer, "of-newer")):
        # As the two engines, and every run of one of them, name their files.
        store.write_text(Stage.PREPARE, f"table/{name}.parquet", text=name * 3)
        record(store, Stage.PREPARE, codes=made.codes, ledger=made.ledger)
    copy = taking_over._copy

    def changed_on_the_way(store: RunStore, kept: StageRecord, *, earlier: RunStore) -> None:
        if (kept.stage, earlier.run.run_id) == (Stage.PREPARE, newer.run.run_id):
            store.write_text(Stage.PREPARE, "table/of-newer.parquet", text="copied already")
            earlier.write_text(Stage.PREPARE, "table/part-0.parquet", text="changed")
            if in_parts:
                raise S3CopyFailedError("Contents of stored object did not match expected ETag.")
        copy(store, kept, earlier=earlier)

    monkeypatch.setattr(taking_over, "_copy", changed_on_the_way)
    again = made.run(EPOCHS)
    assert made.find(again).reused[Stage.PREPARE] == older.run.run_id
    assert made.content(again, Stage.PREPARE) == made.content(older, Stage.PREPARE) != {}


def test_what_a_copy_that_broke_off_left_is_no_part_of_the_next(made: World, first: str) -> None:
    again = made.run(EPOCHS)
    again.write_text(Stage.PROCESS, "table/of-another-run.parquet", text="copied")
    assert made.find(again).start is Stage.TRAIN
    assert made.content(again, Stage.PROCESS) == made.content(again.of_run(first), Stage.PROCESS) != {}


def test_a_run_that_took_a_stage_over_stands_in_for_one_that_was_removed(made: World, first: str) -> None:
    copy = made.run(EPOCHS)
    made.find(copy)
    for stage in REUSABLE:
        copy.of_run(first).clear(stage)
    again = made.run()
    assert made.find(again).reused == dict.fromkeys(REUSABLE, first)
    assert made.content(again, Stage.PROCESS) == made.content(copy, Stage.PROCESS) != {}


def test_fresh_runs_and_databases_take_over_nothing(made: World, first: str) -> None:
    fresh = made.find(made.run(), fresh=True)
    assert (fresh.start, fresh.computed[Stage.INGEST]) == (Stage.INGEST, "asked for afresh")
    database = made.find(request(made.run(), files=()))
    assert (database.start, database.computed[Stage.INGEST]) == (Stage.INGEST, "a database is read anew")


def test_of_two_at_once_one_computes_and_the_other_waits_for_it(made: World) -> None:
    one, two = made.run(), made.run(EPOCHS)
    made.running |= {one.run.execution_arn, two.run.execution_arn}
    assert made.find(one).waits_for == ""
    assert made.find(two).waits_for == one.run.execution_arn
    for done, stage in enumerate(REUSABLE):
        made.compute(one, stage)
        found = made.find(two)
        assert len(found.reused) == done + 1
        assert found.waits_for == ("" if stage is Stage.PROCESS else one.run.execution_arn)
    assert found.start is Stage.TRAIN


def test_the_second_takes_over_from_one_that_failed(made: World) -> None:
    one, two, three = made.run(), made.run(), made.run()
    made.running |= {one.run.execution_arn, two.run.execution_arn}
    made.find(one)
    assert made.find(two).waits_for == one.run.execution_arn
    made.running.remove(one.run.execution_arn)
    assert made.find(two).waits_for == ""
    assert made.find(three).waits_for == two.run.execution_arn


def test_nobody_waits_for_one_that_computes_something_else(made: World) -> None:
    one, two = made.run(), made.run({"data": {"holdout_fraction": 0.2}})
    made.running.add(one.run.execution_arn)
    made.find(one)
    assert made.find(two).waits_for == ""
