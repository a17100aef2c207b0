"""Odd addresses, runs of recipes that are not installed here, and errors of the console itself are told on a page."""

from __future__ import annotations

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.console.conftest import Console
from tests.console.test_pages import RUN, put_run
from trainyard.client.model import models
from trainyard.run.watch.drift import DataDrift, Move

pytestmark = pytest.mark.xdist_group("console")
# Python refuses to read a number of so many digits.
HUGE = "9" * 5000


@pytest.mark.parametrize(
    "path",
    [f"/?shown={HUGE}", "/?shown=%C2%B2", f"/models/prod2vec/ask?route={HUGE}"],
    ids=["huge", "superscript", "route"],
)
def test_a_number_that_nobody_can_read_is_passed_over(path: str, console: Console) -> None:
    console.put_champion("prod2vec", recipe="prod2vec", run_id=RUN)
    assert console.get(path).status == 200


def test_a_run_without_a_report_says_so(console: Console) -> None:
    """A frame would stay empty: pages of the console may not be shown in one."""
    put_run(console, RUN, epochs=3, value=0.3)
    without = console.get(f"/runs/prod2vec/{RUN}/report").body.decode()
    assert "has left no report" in without
    assert "<iframe" not in without
    console.put_object(f"prod2vec/{RUN}/report/index.html", "<p>All is well</p>")
    assert "<iframe" in console.get(f"/runs/prod2vec/{RUN}/report").body.decode()


def test_what_moved_in_scored_data_stands_above_their_page(console: Console) -> None:
    put_run(console, RUN, epochs=3, value=0.3)
    address = f"/runs/prod2vec/{RUN}/report?stage=score"
    assert "columns moved" not in console.get(address).body.decode()
    move = Move(
        table="products",
        column="<aisle>",
        what="missing",
        distance=0.08,
        enough=0.03,
        p_value=0.0,
        text="missing 2.0% -> 10.0%",
        psi=0.13,
    )
    drift = DataDrift(reference="r0", moves=(move,), compared=4)
    console.put_object(f"prod2vec/{RUN}/score/drift.json", drift.to_json())
    page = console.get(address).body.decode()
    for expected in (
        "1 of 4 columns moved",
        "products.&lt;aisle&gt;",
        "2.0% -&gt; 10.0%",
        "0.13",
        "/runs/prod2vec/r0/data",
    ):
        assert expected in page
    # The report of the training beside it is about other data.
    assert "columns moved" not in console.get(f"/runs/prod2vec/{RUN}/report").body.decode()


def test_runs_of_a_recipe_that_is_not_installed_here_are_shown_and_compared(console: Console) -> None:
    """As where a colleague's package is missing on this machine."""
    runs = ("20261120-120000-aaaaaaaa", "20261120-130000-bbbbbbbb")
    scores = io.BytesIO()
    pq.write_table(pa.table({"example": [0, 1, 2], "score_0": [0.1, 0.2, 0.3]}), scores)
    for number, run_id in enumerate(runs):
        put_run(console, run_id, epochs=3 + number, value=0.3)
        for path in ("resolve/request.json", "evaluate/evaluation.json"):
            kept = console.deployment.target.client("s3").get_object(
                Bucket="artifacts-bucket", Key=f"prod2vec/{run_id}/{path}"
            )
            said = json.loads(kept["Body"].read()) | ({"holdout": "same"} if "evaluation" in path else {})
            console.put_object(f"theirs/{run_id}/{path}", json.dumps({**said, "recipe": "theirs"}))
        console.put_object(f"theirs/{run_id}/evaluate/per_example.parquet", scores.getvalue())
    configuration = console.get(f"/runs/theirs/{runs[0]}/configuration")
    assert (configuration.status, "hyperparameters.epochs" in configuration.body.decode()) == (200, True)
    compared = console.get(f"/compare?run=theirs/{runs[0]}&run=theirs/{runs[1]}")
    assert compared.status == 200
    assert "Expected one of the recipes" in compared.body.decode()


def test_an_error_of_the_console_is_a_page_too(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> list[models.InUse]:
        raise ValueError("secret text")

    monkeypatch.setattr(models, "in_use", broken)
    answer = console.get("/models")
    assert answer.status == 500
    assert "an error of the console (ValueError)" in answer.body.decode()
    assert "secret text" not in answer.body.decode()
    assert answer.headers["content-security-policy"]
