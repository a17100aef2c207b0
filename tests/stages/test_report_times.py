"""The page says what the jobs before it took, on which machines, and what that costs."""

from __future__ import annotations

from pathlib import Path

from recipes.prod2vec.config import CONFIG
from trainyard.run.documents import JobTime, JobTimes
from trainyard.run.run import Run
from trainyard.run.search_table import FILE
from trainyard.stages.report.times import time_sections

RUN = Run(
    recipe="prod2vec",
    run_id="20261129-080000-abcdef12",
    dataset="mine",
    execution_arn="arn:aws:states:us-east-1:123456789012:execution:training:first",
    raw_bucket="raw",
    artifacts_bucket="artifacts",
    fingerprint="f",
    code_version="c",
    files=(),
)


def took(state: str, minutes: int, **glue: str | int) -> JobTime:
    return JobTime(
        state=state,
        entered="2026-11-29T08:00:00.000Z",
        left=f"2026-11-29T08:{minutes:02d}:00.000Z",
        machine=str(glue.get("machine", "")),
        count=int(glue.get("count", 0)),
    )


def test_each_state_has_its_time_its_machine_and_its_price(tmp_path: Path) -> None:
    jobs = (took("Ingest raw data", 6, machine="G.1X", count=2), took("Train model", 30))
    JobTimes(jobs=jobs).write(tmp_path)
    (section,) = time_sections(RUN, CONFIG, gated=tmp_path, search=None)
    # Two workers of one DPU at 0.44 an hour, for a tenth of one; a machine at 0.23 an hour, for half of one.
    assert section.tables[0].rows == [
        ("Ingest raw data", "6 min 00 s", "2 x G.1X", 0.088),
        ("Train model", "30 min 00 s", "1 x ml.m5.xlarge", 0.115),
    ]
    assert "took 36 min 00 s, which costs 0.20 USD in AWS, at list prices of us-east-1" in section.text


def test_a_search_costs_all_of_its_training_jobs(tmp_path: Path) -> None:
    JobTimes(jobs=(took("Tune hyperparameters", 10),)).write(tmp_path)
    (tmp_path / FILE).write_text("TrainingElapsedTimeSeconds\n1800\n1800\n\n", encoding="utf-8")
    (section,) = time_sections(RUN, CONFIG, gated=tmp_path, search=tmp_path)
    assert section.tables[0].rows == [("Tune hyperparameters", "10 min 00 s", "1 x ml.m5.xlarge", 0.23)]


def test_a_machine_without_a_price_is_said(tmp_path: Path) -> None:
    JobTimes(jobs=(took("Ingest raw data", 6), took("Evaluate model", 30))).write(tmp_path)
    (section,) = time_sections(RUN, CONFIG, gated=tmp_path, search=None)
    assert section.tables[0].rows[0] == ("Ingest raw data", "6 min 00 s", "unknown", "unknown")
    assert "costs at least 0.12 USD" in section.text


def test_nothing_is_said_where_no_times_were_kept(tmp_path: Path) -> None:
    assert time_sections(RUN, CONFIG, gated=tmp_path, search=None) == ()
    assert time_sections(RUN, CONFIG, gated=None, search=None) == ()
    JobTimes().write(tmp_path)
    assert time_sections(RUN, CONFIG, gated=tmp_path, search=None) == ()
