"""Documents are read whatever version wrote them, and say in one sentence what is wrong with another file."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainyard.errors import JobFailed
from trainyard.run.document import Document
from trainyard.run.documents import (
    ChampionMetrics,
    Check,
    Child,
    Children,
    Comparison,
    Decision,
    Difference,
    Metric,
    PrepareSummary,
    ScoreSummary,
)
from trainyard.run.model_archive import ModelCard, unpack
from trainyard.run.plan import NextStep, Plan
from trainyard.run.run import InputFile, Run

ARN = "arn:aws:states:us-east-1:123456789012:execution:training:first"
CHAMPION = ChampionMetrics(
    run_id="old", metrics={"hits": Metric(value=0.2)}, difference=Difference(value=0.1, low=0.05, high=0.15)
)
METRICS = {"hits": Metric(value=0.3, low=0.25, high=0.35), "mrr": Metric(value=1)}
DOCUMENTS = [
    Comparison(recipe="r", run_id="1", primary="hits", rows=3, metrics=METRICS, champion=CHAMPION),
    Decision(promote=True, checks=(Check(name="hits", passed=True, sentence="fine"),), metrics=METRICS, champion=None),
    ScoreSummary(rows=3, seconds=1.5, columns=({"Name": "id", "Type": "bigint"},)),
    Children(children=(Child(name="product-1", overrides={"data": {"product_id": 1}}),)),
    PrepareSummary(engine="duckdb", rows={"baskets": 4}),
    ModelCard(recipe="r", run_id="1", config={"seed": 1}, metrics={"loss": 0.5}),
    Run(
        recipe="r",
        run_id="1",
        dataset="d",
        execution_arn=ARN,
        raw_bucket="raw",
        artifacts_bucket="artifacts",
        fingerprint="f",
        code_version="c",
        files=(InputFile(source="s", key="raw/r/d/f.csv", version_id="v", size=3),),
        config={"data": {"values": [1, 2]}},
    ),
]
every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda each: type(each).__name__)


@every_document
def test_a_document_comes_back_as_it_was_written(document, tmp_path):
    document.write(tmp_path)
    assert type(document).read(tmp_path) == document
    assert json.loads((tmp_path / document.FILE).read_text())["version"] == document.VERSION


@every_document
@given(extra=st.dictionaries(st.text(min_size=1), st.none() | st.integers() | st.lists(st.text())))
def test_fields_of_a_newer_version_are_passed_over(document, extra):
    mapping = document.to_mapping()
    newer = {**extra, **mapping, "version": document.VERSION + 1}
    assert type(document).from_mapping(newer) == document


@every_document
def test_what_is_missing_or_wrong_is_named(document):
    kind = type(document)
    with pytest.raises(JobFailed, match=f"Expected a {kind.__name__}: "):
        kind.from_mapping({"version": 1})
    with pytest.raises(JobFailed, match=f"Expected JSON in {kind.FILE}"):
        kind.from_json("{")
    with pytest.raises(JobFailed, match=f"Expected a JSON object in {kind.FILE}, found list"):
        kind.from_json("[]")


@pytest.mark.parametrize(
    "text",
    [
        '{"rows": 3, "version": null}',
        '{"rows": 3, "version": [1]}',
        '{"rows": 3, "version": 1e999}',
        '{"rows": 3, "seconds": "1.5"}',
        '{"rows": 3, "seconds": true}',
        '{"rows": 3, "seconds": 1' + "0" * 400 + "}",
        '{"rows": 1' + "0" * 5000 + "}",
        "[" * 100_000,
        '{"rows": 3, "columns": 7}',
    ],
    ids=range(9),
)
def test_odd_json_is_one_sentence(text):
    with pytest.raises(JobFailed, match="Expected"):
        ScoreSummary.from_json(text)


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "summary.json").write_bytes(b'{"rows": 3, "model_run": "\xff"}')
    with pytest.raises(JobFailed, match=r"Expected JSON in summary\.json"):
        ScoreSummary.read(tmp_path)


def test_a_missing_document_is_named(tmp_path):
    with pytest.raises(JobFailed, match=r"Expected model\.json in .*, found none"):
        ModelCard.read(tmp_path)


def test_an_archive_from_before_documents_had_versions_is_opened(tmp_path):
    """`model.json` as the first release wrote it, in the archive that SageMaker made of the model folder."""
    card = {
        "recipe": "prod2vec",
        "run_id": "20260101-000000-00000000",
        "dataset": "demo",
        "fingerprint": "f",
        "code_version": "c",
        "seed": 42,
        "hyperparameters": {"epochs": 20},
        "config": {"seed": 42},
        "objects": {"raw/prod2vec/demo/products.csv": "v1"},
        "metrics": {"loss": 1},
    }
    (tmp_path / "model.json").write_text(json.dumps(card))
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "model.json", arcname="model.json")
    found = ModelCard.read(unpack(tmp_path, tmp_path / "model"))
    assert (found.run_id, found.seed, found.metrics) == ("20260101-000000-00000000", 42, {"loss": 1.0})


def test_a_document_whose_fields_changed_their_meaning_is_brought_up_to_date():
    @dataclass(frozen=True, kw_only=True)
    class Timed(Document):
        FILE: ClassVar[str] = "timed.json"
        VERSION: ClassVar[int] = 2
        seconds: float

        @classmethod
        def upgraded(cls, document: Mapping[str, Any], *, version: int) -> Mapping[str, Any]:
            return {"seconds": document["minutes"] * 60} if version < 2 else document

    assert Timed.from_json('{"minutes": 2}') == Timed(seconds=120)
    assert Timed.from_json(Timed(seconds=3).to_json()) == Timed(seconds=3)


def test_a_plan_comes_back_from_the_output_of_a_state():
    idle = Plan(outcome=NextStep.NOTHING, reason="waiting", recipe="r", dataset="d")
    assert idle.to_mapping() == {
        **{"outcome": "nothing", "reason": "waiting", "recipe": "r", "dataset": "d"},
        "waited_seconds": 0,
    }
    assert Plan.from_mapping({**idle.to_mapping(), "added_later": 1}) == idle
