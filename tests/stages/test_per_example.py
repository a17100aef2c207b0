"""Scores of examples that evaluate keeps: any two runs on the same holdout are paired, and nothing else is."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from trainyard.client.run.comparison import compare
from trainyard.client.run.runs import RunRecord
from trainyard.contract.evaluation import Evaluation, mean
from trainyard.contract.tabular.probabilities import auc_of_places, places
from trainyard.errors import JobFailed, NotFound
from trainyard.run.documents import ChampionMetrics, Comparison, Difference, Metric
from trainyard.run.run import Run
from trainyard.stages.evaluate import per_example
from trainyard.stages.evaluate.bootstrap import paired_difference

RANDOM = np.random.default_rng(7)
FIRST = (RANDOM.random(4000) < 0.3).astype(float)
# Right wherever the first is, and on some examples more.
SECOND = np.maximum(FIRST, (RANDOM.random(4000) < 0.05).astype(float))


class Folder:
    """The artifacts of a run, which kept the scores of its examples alone."""

    def __init__(self, content: bytes | None):
        self.content = content

    def opened(self, path):
        assert path == f"evaluate/{per_example.PER_EXAMPLE_FILE}"
        if self.content is None:
            raise NotFound("none")
        return io.BytesIO(self.content), len(self.content)

    def document(self, *_: object) -> None:
        """It kept no profile of its data."""


def kept(tmp_path, rows, *, statistic=mean, name="hits"):
    found = Evaluation(metrics={name: statistic(rows)}, examples=rows, statistic=statistic)
    assert per_example.write(tmp_path, found, of=statistic, metric=name)
    return (tmp_path / per_example.PER_EXAMPLE_FILE).read_bytes()


def run(run_id, content, *, recipe="prod2vec", primary="hit_rate_at_10", holdout="same"):
    request = Run(
        recipe=recipe,
        run_id=run_id,
        dataset="d",
        execution_arn="",
        raw_bucket="",
        artifacts_bucket="",
        fingerprint="",
        code_version="",
        files=(),
        config={},
    )
    found = Comparison(metrics={primary: Metric(value=0.5)}, primary=primary, rows=4000, holdout=holdout)
    return RunRecord(artifacts=Folder(content), request=request, quality=None, comparison=found, decision=None)


def pair(one, other):
    [found] = compare([one, other]).pairs
    return found


def test_any_two_runs_on_the_same_holdout_are_paired_as_the_gate_pairs_them(tmp_path):
    old, new = (run(name, kept(tmp_path, rows)) for name, rows in (("old", FIRST), ("new", SECOND)))
    found = pair(old, new)
    assert found.difference == paired_difference(SECOND, FIRST)
    assert (found.run, found.other, found.examples, found.verdict) == ("new", "old", 4000, "better than")
    assert pair(new, old).verdict == "worse than"
    assert pair(new, new).verdict == "not better than"


def test_a_statistic_that_is_no_mean_is_that_of_the_recipe(tmp_path):
    labels = (RANDOM.random(600) < 0.4).astype(float)
    rows = [places(labels + RANDOM.normal(size=600) * noise, labels) for noise in (3.0, 0.5)]
    bad, good = (
        run(name, kept(tmp_path, each, statistic=auc_of_places, name="auc"), recipe="propensity", primary="auc")
        for name, each in zip(("bad", "good"), rows, strict=True)
    )
    found = pair(bad, good)
    assert found.difference == paired_difference(rows[1], rows[0], statistic=auc_of_places)
    assert found.verdict == "better than"


def test_rows_of_several_columns_come_back(tmp_path):
    rows = RANDOM.integers(0, 5, (50, 2))
    content = kept(tmp_path, rows, statistic=lambda each: float(each[:, 0].mean()))
    assert np.array_equal(per_example.read(content), rows)


def test_a_large_holdout_keeps_the_same_examples_of_every_run(tmp_path, monkeypatch):
    monkeypatch.setattr(per_example, "MAX_EXAMPLES", 100)
    rows = np.arange(1234, dtype=float)
    content = kept(tmp_path, rows)
    assert len(per_example.read(content)) == 100
    table = pq.read_table(io.BytesIO(content))
    assert table["example"].to_pylist() == per_example.read(content).tolist()
    assert per_example.read(content)[[0, -1]].tolist() == [0, 1221]


def test_rows_are_not_kept_for_a_statistic_that_nobody_could_find_again(tmp_path):
    found = Evaluation(metrics={"own": float(FIRST.sum())}, examples=FIRST, statistic=lambda rows: float(rows.sum()))
    assert not per_example.write(tmp_path, found, of=mean, metric="own")
    assert list(tmp_path.iterdir()) == []


def test_a_holdout_is_known_by_the_names_and_contents_of_its_files(tmp_path):
    for folder in "abc":
        (tmp_path / folder / "in").mkdir(parents=True)
        (tmp_path / folder / "in" / "rows.parquet").write_bytes(b"12")
    (tmp_path / "c" / "in" / "rows.parquet").rename(tmp_path / "c" / "rows.parquet")
    first, same, moved = (per_example.fingerprint(tmp_path / folder) for folder in "abc")
    assert first == same != moved
    (tmp_path / "b" / "in" / "rows.parquet").write_bytes(b"13")
    assert per_example.fingerprint(tmp_path / "b") != first


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ({"holdout": "a"}, {"holdout": "b"}, "The held-out examples of new and old are not the same"),
        ({"holdout": ""}, {}, "kept no scores of the same examples"),
        ({}, {"holdout": ""}, "kept no scores of the same examples"),
        ({}, {"primary": "mrr"}, "The gate of new looks at mrr, that of old at hit_rate_at_10."),
    ],
)
def test_why_two_runs_cannot_be_paired_is_one_sentence(one, other, said):
    found = pair(run("old", None, **one), run("new", None, **other))
    assert found.difference is None
    assert said in found.reason
    assert found.reason.count(". ") == 0


def test_scores_that_are_gone_are_said_to_be(tmp_path):
    found = pair(run("old", None), run("new", kept(tmp_path, FIRST)))
    assert "old kept no scores" in found.reason
    assert "trainyard rerun old" in found.reason
    cut = run("old", kept(tmp_path, FIRST[:100]))
    assert "kept no scores of the same examples" in pair(cut, run("new", kept(tmp_path, FIRST))).reason


def test_other_content_is_refused_in_a_sentence():
    with pytest.raises(JobFailed, match=r"Expected scores of examples in per_example\.parquet"):
        per_example.read(b"no table")


def test_what_the_gate_drew_holds_for_other_files_too(tmp_path):
    drawn = Difference(value=0.2, low=0.1, high=0.3)
    old, new = run("old", None, holdout="a"), run("new", None, holdout="b")
    champion = ChampionMetrics(run_id="old", metrics={}, difference=drawn)
    new = replace(new, comparison=replace(new.comparison, champion=champion))
    assert pair(old, new).difference == drawn
    assert not compare([old, new]).same_holdout
    assert compare([old, new]).caution
