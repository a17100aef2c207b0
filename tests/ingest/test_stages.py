"""The two Glue shells from upload to prepared tables, against S3 in memory."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from glue_jobs import ingest, prepare
from recipes.prod2vec import sample
from recipes.prod2vec.config import CONFIG, sources
from trainyard.contract.config import to_mapping
from trainyard.errors import JobFailed, NotFound
from trainyard.run.run import InputFile, Run
from trainyard.run.settings.overrides import override
from trainyard.run.stage import Stage
from trainyard.run.store import RunStore

LINES = "order_products__prior.csv"


@dataclass
class Cloud:
    """The two buckets and one run in them."""

    client: Any
    store: RunStore

    def upload(self, name: str, data: bytes) -> None:
        """Put a file beside the others, and let the run read this version of it."""
        key = f"raw/prod2vec/été 1/{name}"
        version = self.client.put_object(Bucket="raw", Key=key, Body=data)["VersionId"]
        source = next(each.name for each in sources(CONFIG) if each.accepts(name))
        file = InputFile(source=source, key=key, version_id=version, size=len(data))
        others = tuple(each for each in self.store.run.files if each.key.partition(".")[0] != key.partition(".")[0])
        self.request(replace(self.store.run, files=(*others, file)))

    def request(self, run: Run) -> None:
        self.store = RunStore(self.client, run)
        self.store.write_text(Stage.RESOLVE, Run.FILE, text=run.to_json())

    def run(self, job: Any) -> None:
        uri = f"s3://artifacts/{self.store.run.prefix}"
        job.main(["--JOB_NAME", "job", "--RUN_URI", uri, "--ENGINE", "duckdb"])

    def document(self, stage: Stage, name: str) -> dict[str, Any]:
        return json.loads(self.store.read_text(stage, name))

    def written(self) -> list[str]:
        found = self.client.list_objects_v2(Bucket="artifacts").get("Contents", [])
        return [each["Key"].removeprefix(self.store.run.prefix + "/") for each in found]


@pytest.fixture
def cloud(monkeypatch, tmp_path: Path) -> Iterator[Cloud]:
    for name, value in {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="raw")
        client.put_bucket_versioning(Bucket="raw", VersioningConfiguration={"Status": "Enabled"})
        client.create_bucket(Bucket="artifacts")
        run = Run(
            recipe="prod2vec",
            run_id="20260101-000000-00000000",
            dataset="été 1",
            execution_arn="arn",
            raw_bucket="raw",
            artifacts_bucket="artifacts",
            fingerprint="f",
            code_version="c",
            files=(),
            config=to_mapping(CONFIG),
        )
        cloud = Cloud(client, RunStore(client, run))
        sample.write(tmp_path / "csv", size=1500, seed=5)
        for path in sorted((tmp_path / "csv").iterdir()):
            cloud.upload(path.name, path.read_bytes())
        yield cloud


def test_an_upload_becomes_prepared_tables(cloud, tmp_path):
    cloud.run(ingest)
    quality = cloud.document(Stage.INGEST, "quality.json")
    assert quality["ok"], quality
    assert quality["figures"]["order_products_rows"] == quality["figures"]["order_lines"] == 1500
    cloud.run(prepare)
    summary = cloud.document(Stage.PREPARE, "summary.json")
    assert summary["engine"] == "duckdb"
    files = cloud.store.download_tables(Stage.PREPARE, tmp_path / "prepared")
    assert set(files) == {"baskets", "vocabulary", "catalogue"}
    for table, parts in files.items():
        found = duckdb.connect().execute("SELECT count(*) FROM read_parquet(?)", [parts]).fetchall()[0][0]
        assert found == summary["rows"][table] > 0


def test_the_version_that_was_resolved_is_read(cloud):
    cloud.client.put_object(Bucket="raw", Key=cloud.store.run.files[0].key, Body=b"something else")
    cloud.run(ingest)
    assert cloud.document(Stage.INGEST, "quality.json")["ok"]


def test_a_second_attempt_replaces_the_first(cloud):
    for stage in (Stage.INGEST, Stage.PREPARE):
        cloud.client.put_object(
            Bucket="artifacts", Key=cloud.store.run.key(stage, "baskets", "part-00007.parquet"), Body=b"left over"
        )
    cloud.run(ingest)
    cloud.run(prepare)
    first = cloud.written()
    cloud.run(ingest)
    cloud.run(prepare)
    assert cloud.written() == first
    assert not any("part-00007" in key for key in first)


def test_bad_data_is_an_outcome_and_leaves_no_table(cloud):
    cloud.upload(LINES, b"order_id,product_id,add_to_cart_order,reordered\n1,,1,0\n1,2,2,0\n")
    cloud.upload("products.csv.gz", gzip.compress(b"product_name,aisle_id\nx,1\ny,2\n"))
    cloud.run(ingest)
    quality = cloud.document(Stage.INGEST, "quality.json")
    assert not quality["ok"]
    assert any(each.startswith(f"{LINES}, line 2: expected a key in column product_id") for each in quality["problems"])
    # The catalogue need not be there: one that cannot be read as such is told.
    assert [each.partition(" was not read")[0] for each in quality["warnings"]] == ["products.csv.gz"]
    kept = [key for key in cloud.written() if key.startswith("ingest/")]
    assert kept == ["ingest/quality.json", "ingest/rejected/order_products.csv"]
    with pytest.raises(JobFailed, match="ingest refused it"):
        cloud.run(prepare)


def test_the_recipe_judges_tables_that_are_well_formed(cloud):
    settings = to_mapping(override(CONFIG, {"data": {"min_orders": 100_000}}))
    cloud.request(replace(cloud.store.run, config=settings))
    cloud.run(ingest)
    problems = cloud.document(Stage.INGEST, "quality.json")["problems"]
    assert problems[0].startswith("order_products: expected at least 100,000 orders, found")


def test_a_missing_table_is_named(cloud):
    cloud.request(replace(cloud.store.run, files=tuple(f for f in cloud.store.run.files if f.source == "products")))
    cloud.run(ingest)
    assert cloud.document(Stage.INGEST, "quality.json")["problems"] == [
        "order_products: expected the file order_products__prior or order_products__train or order_products or "
        "order_items, found none; upload it beside the others."
    ]


def test_two_files_of_one_table_are_read_together(cloud, tmp_path):
    cloud.request(replace(cloud.store.run, files=tuple(f for f in cloud.store.run.files if f.source == "products")))
    header, *lines = (tmp_path / "csv" / LINES).read_bytes().splitlines(keepends=True)
    cloud.upload(LINES, header + b"".join(lines[:700]))
    cloud.upload("order_products__train.csv", header + b"".join(lines[700:]))
    cloud.run(ingest)
    assert cloud.document(Stage.INGEST, "quality.json")["figures"]["order_products_rows"] == 1500
    cloud.upload("order_products__train.csv", header + b"".join(lines[699:]))
    cloud.run(ingest)
    quality = cloud.document(Stage.INGEST, "quality.json")
    assert quality["figures"]["order_products_rows"] == 1500
    assert quality["figures"]["order_products_repeated"] == 1
    assert "1 line repeats order_id and product_id of another one" in quality["warnings"][0]


def test_a_line_that_cannot_be_read_is_kept_apart_and_the_rest_is_used(cloud, tmp_path):
    header, *lines = (tmp_path / "csv" / LINES).read_bytes().splitlines(keepends=True)
    cloud.upload(LINES, header + b"".join(lines[:900]) + b"17\n" + b"".join(lines[900:]))
    cloud.run(ingest)
    quality = cloud.document(Stage.INGEST, "quality.json")
    assert quality["ok"], quality
    assert quality["figures"]["order_products_rows"] == 1500
    assert quality["figures"]["order_products_left_out"] == 1
    assert quality["warnings"][0].startswith(f"{LINES}, line 902: left out: expected 4 fields separated by ','")
    assert "ingest/rejected/order_products.csv" in quality["warnings"][0]
    rejected = cloud.store.read_text(Stage.INGEST, "rejected/order_products.csv")
    assert list(csv.reader(rejected.splitlines())) == [
        ["file", "line", "reason", "text"],
        [LINES, "902", "expected 4 fields separated by ',', found 1", "17"],
    ]


def test_a_version_that_is_gone_is_a_fault(cloud):
    file = cloud.store.run.files[0]
    cloud.client.delete_object(Bucket="raw", Key=file.key, VersionId=file.version_id)
    with pytest.raises(NotFound, match="there is no such object"):
        cloud.run(ingest)
    assert not [key for key in cloud.written() if key.startswith("ingest/")]


def test_a_run_that_was_never_resolved_is_a_fault(cloud):
    with pytest.raises(NotFound, match="whose first state writes it"):
        ingest.main(["--RUN_URI", "s3://artifacts/prod2vec/nowhere"])


def test_other_errors_of_s3_stay_what_they_are(cloud):
    cloud.request(replace(cloud.store.run, raw_bucket="not-there"))
    with pytest.raises(ClientError):
        cloud.run(ingest)


def test_the_data_are_profiled(cloud):
    cloud.run(ingest)
    found = cloud.document(Stage.INGEST, "profile.json")["tables"]
    assert set(found) == {"order_products", "orders", "products"}
    lines = found["order_products"]
    assert lines["rows"] == lines["sampled"] == 1500
    assert {name: each["kind"] for name, each in lines["columns"].items()}["add_to_cart_order"] == "number"
    assert lines["columns"]["order_id"]["kind"] == "key"


def test_prepare_waits_for_ingest(cloud):
    with pytest.raises(NotFound, match="The stage ingest must have finished first"):
        cloud.run(prepare)
