"""Ingest of data that are only to be scored: as strict about files, but not asking whether they are worth training."""

from __future__ import annotations

from dataclasses import replace

from glue_jobs import ingest
from tests.ingest.test_stages import LINES, cloud  # noqa: F401 - a fixture
from trainyard.run.stage import Stage

FEW = b"order_id,product_id,add_to_cart_order,reordered\n1,1,1,0\n1,2,2,0\n"


def test_few_rows_are_scored_though_not_trained_on(cloud):  # noqa: F811 - the fixture
    cloud.upload(LINES, FEW)
    cloud.run(ingest)
    refused = cloud.document(Stage.INGEST, "quality.json")
    assert not refused["ok"]
    assert "at least 20 orders" in refused["problems"][0]
    cloud.request(replace(cloud.store.run, task="score"))
    cloud.run(ingest)
    quality = cloud.document(Stage.INGEST, "quality.json")
    assert quality["ok"], quality
    assert quality["figures"]["order_products_rows"] == 2


def test_damaged_files_are_refused_all_the_same(cloud):  # noqa: F811 - the fixture
    cloud.request(replace(cloud.store.run, task="score"))
    cloud.upload(LINES, FEW + b"1\n")
    cloud.run(ingest)
    assert not cloud.document(Stage.INGEST, "quality.json")["ok"]
