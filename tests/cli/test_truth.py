"""What labels say of a model is shown by the command line and Python, and forgotten like all that is kept of an id."""

from __future__ import annotations

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from trainyard.cli.main import main
from trainyard.client.captured import forget as forgetting
from trainyard.client.captured.matching import Wanted
from trainyard.client.model import observed
from trainyard.client.yard import Yard
from trainyard.run.documents import Difference, Metric
from trainyard.run.watch.observed import ModelQuality, ObservedQuality, Period, SameRows

BUCKET = "artifacts-bucket"
OLD, NEW = "20261101-080000-aaaaaaaa", "20261120-080000-bbbbbbbb"


@pytest.fixture
def deployment(deployment, monkeypatch):
    monkeypatch.setattr("trainyard.cli.command.target.deployed", lambda **_: deployment)
    return deployment


def quality(value: float, **more) -> dict:
    return {"quality": Metric(value=value, low=value - 0.02, high=value + 0.02), "metrics": {"auc": value}, **more}


def found(run_id: str = "20261130-080000-cccccccc", dataset: str = "november") -> ObservedQuality:
    """The document of a model that became worse in its last week, and of the one before it."""
    periods = (
        Period(start="2026-11-16", rows=800, verdict="as promised", **quality(0.78)),
        Period(start="2026-11-23", rows=40),
        Period(start="2026-11-30", rows=900, verdict="worse than promised", **quality(0.6)),
    )
    whole = Period(start="2026-11-16", rows=1740, verdict="as promised", **quality(0.75))
    promised = Metric(value=0.77, low=0.74, high=0.8)
    model = ModelQuality(run_id=NEW, primary="auc", whole=whole, periods=periods, promised=promised)
    before = ModelQuality(run_id=OLD, primary="", whole=Period(start="2026-11-16", rows=20))
    return ObservedQuality(
        recipe="propensity",
        model="propensity",
        dataset=dataset,
        run_id=run_id,
        labels=1900,
        judged=1740,
        early=100,
        unknown=60,
        unit="week",
        in_use=NEW,
        worse=True,
        models=(before, model),
        same_rows=(SameRows(first=NEW, second=OLD, rows=500, difference=Difference(value=0.1, low=0.05, high=0.15)),),
        message="The model propensity in use is worse than its evaluation promised.\n\n* and more",
    )


def put(deployment, document: ObservedQuality, model: str = "propensity") -> None:
    key = f"truth/propensity/model={model}/dataset={document.dataset}/{ObservedQuality.FILE}"
    deployment.target.client("s3").put_object(Bucket=BUCKET, Key=key, Body=document.to_json().encode())


def test_the_periods_are_shown_beside_what_was_promised(deployment, capsys):
    put(deployment, found())
    assert main(["truth", "propensity"]) == 0
    said = capsys.readouterr().out
    assert "is worse than its evaluation promised" in said
    rows = [" ".join(line.split()) for line in said.splitlines()]
    assert "week 2026-11-30 900 0.6 (0.58 to 0.62) worse than promised" in rows
    assert "week 2026-11-23 40 unknown too few" in rows
    assert "promised 0.77 (0.74 to 0.8)" in rows
    assert f"Run {NEW}, in use" in said


def test_python_has_the_newest_of_each_data_set_first(deployment):
    put(deployment, found())
    put(deployment, found("20261205-080000-dddddddd", dataset="december"))
    put(deployment, found(dataset="elsewhere"), model="propensity--shop")
    told = Yard(deployment).model("propensity").truth()
    assert [each.dataset for each in told] == ["december", "november"]
    assert told[1].used is not None
    assert [each.start for each in told[1].used.worse] == ["2026-11-30"]


def test_one_data_set_alone_is_shown_and_as_json_too(deployment, capsys):
    put(deployment, found())
    put(deployment, found("20261205-080000-dddddddd", dataset="december"))
    assert main(["truth", "propensity", "--dataset", "december", "--json"]) == 0
    assert [each["dataset"] for each in json.loads(capsys.readouterr().out)] == ["december"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["propensity"], 4, "Expected labels of what propensity predicted, found none"),
        (
            ["propensity", "--data", "nowhere.csv", "--dataset", "x"],
            4,
            "Expected a file or folder of labels at nowhere",
        ),
        (["propensity", "--data", "x.csv"], 2, "Expected --dataset beside --data"),
        (
            ["propensity", "--variant", "shop", "--data", "x.csv", "--dataset", "x"],
            2,
            "Expected --variant without --data",
        ),
        (["neural_topic_model", "--data", ".", "--dataset", "x"], 2, "found neural_topic_model"),
    ],
)
def test_what_cannot_be_shown_or_told_is_said(deployment, capsys, arguments, code, said):
    del deployment
    assert main(["truth", *arguments]) == code
    assert said in " ".join(capsys.readouterr().err.split())


def test_labels_of_an_id_are_forgotten_with_their_predictions(deployment):
    content = io.BytesIO()
    rows = {"version": [NEW, NEW], "predicted_at": [1, 1], "id": ["a", "b"], "label": [True, False]}
    pq.write_table(pa.table(rows | {"propensity": [0.1, 0.2]}), content)
    key = "truth/propensity/model=propensity/dataset=november/rows.parquet"
    s3 = deployment.target.client("s3")
    s3.put_object(Bucket=BUCKET, Key=key, Body=content.getvalue())
    wanted = Wanted(id="a")
    held = list(forgetting.found(deployment, wanted, recipe="propensity"))
    assert [(each.key, each.rows) for each in held] == [(key, 1)]
    list(forgetting.remove(deployment, held, wanted=wanted))
    left = pq.read_table(io.BytesIO(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()))
    assert left["id"].to_pylist() == ["b"]
    assert not list(forgetting.found(deployment, wanted))


def test_labels_never_have_the_settings_of_earlier_ones_nor_of_a_folder(deployment, tmp_path, monkeypatch):
    monkeypatch.setattr("trainyard.client.execution.watch.Watch.wait", lambda _self, done: done)
    (tmp_path / "labels.csv").write_text("id,label\na,1\n")
    (tmp_path / "run.json").write_text('{"model": "of-the-folder"}')
    files = {each.name: each for each in tmp_path.iterdir()}
    s3 = deployment.target.client("s3")
    for settings in ({"model": "shop-north"}, {}):
        done = observed.tell(deployment, "propensity", dataset="november", files=files, settings=settings)
        assert [each.name for each in done] == ["run.json", "labels.csv", "_READY"]
        kept = s3.get_object(Bucket="raw-bucket", Key="truth/propensity/november/run.json")["Body"].read()
        assert json.loads(kept) == settings
