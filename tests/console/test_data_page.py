"""The data of a run: columns by the footers of their files, lines that were set aside, and sizes of the split."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import expect

from tests.console.conftest import Console, Visitor
from tests.console.test_pages import HOSTILE, LOOKS, RUN, put_run
from trainyard.client.run import artifacts, data_profile

pytestmark = pytest.mark.xdist_group("console")


def put_table(console: Console, path: str, columns: dict[str, Any], **options: Any) -> None:
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file, **options)
    console.put_object(f"prod2vec/{RUN}/{path}", file.getvalue())


def put_rejected(console: Console, count: int) -> None:
    file = io.StringIO()
    rows = csv.writer(file)
    rows.writerow(("file", "line", "reason", "text"))
    for number in range(count):
        rows.writerow(("orders.csv", f"line {number}", f"expected a number, found {HOSTILE}", f"a;{HOSTILE}\nb"))
    console.put_object(f"prod2vec/{RUN}/ingest/rejected/orders.csv", file.getvalue())


def found(console: Console) -> artifacts.RunArtifacts:
    return artifacts.of_run(console.deployment, "prod2vec", run_id=RUN)


def put_data(console: Console) -> None:
    put_run(console, RUN, epochs=7, value=0.31)
    put_rejected(console, 130)
    put_table(console, "ingest/orders/part-00000.parquet", {"id": [3, 1, None], HOSTILE: ["b", "a", None]})
    put_table(console, "ingest/orders/part-00001.parquet", {"id": [9, None, None], HOSTILE: ["x", "c", "c"]})
    summary = {"engine": "duckdb", "rows": {"baskets": 14103}}
    console.put_object(f"prod2vec/{RUN}/prepare/summary.json", json.dumps(summary))
    figures = {"products": 5.0, "train_baskets": 900.0, "holdout_queries": 62.0}
    console.put_object(f"prod2vec/{RUN}/process/figures.json", json.dumps(figures))
    reuse = {
        "version": 1,
        "start": "process",
        "reused": {"ingest": "r0", "prepare": "r0"},
        "computed": {"process": HOSTILE},
    }
    console.put_object(f"prod2vec/{RUN}/resolve/reuse.json", json.dumps(reuse))


@pytest.mark.parametrize("visitor", LOOKS, indirect=True, ids=[f"{width}-{scheme}" for width, scheme in LOOKS])
def test_what_became_of_the_rows_of_a_run(console: Console, visitor: Visitor):
    put_data(console)
    visitor.open(f"/runs/prod2vec/{RUN}/data")
    aside = visitor.page.get_by_role("region", name="Set aside of orders")
    expect(aside.get_by_role("row")).to_have_count(101)
    expect(aside).to_contain_text(f"found {HOSTILE}")
    expect(visitor.page.get_by_text("The first 100 of 130.")).to_be_visible()
    columns = visitor.page.get_by_role("region", name="Columns of orders")
    expect(columns.get_by_role("row").nth(1)).to_contain_text("3 50.0%")
    expect(columns).to_contain_text(HOSTILE)
    through = visitor.page.get_by_role("region", name="Rows that came through")
    expect(through.get_by_role("row")).to_have_count(3)
    expect(through).to_contain_text("split: holdout queries")
    expect(visitor.page.get_by_text("Stages: ingest, prepare reused from run r0; process computed:")).to_be_visible()
    assert visitor.page.locator("main img").count() == 0
    assert visitor.accessibility() == []
    assert visitor.hangs_over() <= 0
    with visitor.page.expect_download() as download:
        visitor.page.get_by_role("link", name="Download ingest/rejected/orders.csv").click()
    with download.value.path().open(newline="") as file:
        assert len(list(csv.reader(file))) == 131


def test_columns_are_what_the_footers_of_their_files_say(console: Console):
    put_data(console)
    [orders] = data_profile.profiles(found(console))
    assert (orders.name, orders.rows, orders.unread) == ("orders", 6, 0)
    number, text = orders.columns
    assert (number.type, number.missing, number.lowest, number.highest) == ("int64", 3, "1", "9")
    assert (text.missing, text.lowest, text.highest) == (1, "a", "x")


def test_columns_of_several_kinds_and_lists(console: Console):
    days = [date(2026, 1, 31), date(2025, 12, 1)]
    columns = {"day": days, "share": [0.25, 0.5], "words": [["a"], ["b", "c"]], "none": pa.nulls(2, pa.string())}
    put_table(console, "ingest/mixed/part-00000.parquet", columns)
    [table] = data_profile.profiles(found(console))
    day, share, words, none = table.columns
    assert (day.lowest, day.highest, share.highest) == ("2025-12-01", "2026-01-31", "0.5")
    assert (words.missing, words.lowest) == (None, "")
    assert (none.missing, none.lowest) == (2, "")


def test_only_the_footers_are_fetched(console: Console, monkeypatch: pytest.MonkeyPatch):
    size = 200_000
    put_table(console, "ingest/orders/part-00000.parquet", {"id": list(range(size))}, use_dictionary=False)
    fetched: list[int] = []
    end = data_profile._end

    def counted(*arguments: Any, **named: Any) -> bytes:
        content = end(*arguments, **named)
        fetched.append(len(content))
        return content

    monkeypatch.setattr(data_profile, "_end", counted)
    [orders] = data_profile.profiles(found(console))
    assert orders.rows == size
    assert sum(fetched) <= data_profile.FOOTER_BYTES
    # A footer that is longer than what was asked for is asked for whole.
    monkeypatch.setattr(data_profile, "FOOTER_BYTES", 8)
    assert data_profile.profiles(found(console)) == [orders]


def test_of_many_files_some_are_read_and_the_rest_is_said(console: Console, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(data_profile, "MOST_FILES", 2)
    for part in range(5):
        put_table(console, f"ingest/orders/part-{part:05}.parquet", {"id": [part]})
    [orders] = data_profile.profiles(found(console))
    assert (orders.rows, orders.unread, orders.columns[0].highest) == (2, 3, "1")


def test_a_run_that_has_come_nowhere_shows_no_rows(console: Console):
    put_run(console, RUN, epochs=7, value=0.31)
    page = console.get(f"/runs/prod2vec/{RUN}/data")
    assert page.status == 200
    assert "Columns of" not in page.body.decode()
    assert "their columns are not known" in page.body.decode()
