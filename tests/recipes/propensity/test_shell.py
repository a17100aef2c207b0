"""The ingest job reads an uploaded SQLite file, a database behind a secret, and a flat CSV, with S3 in memory."""

from __future__ import annotations

import json

import boto3
import pytest
from moto import mock_aws

from glue_jobs import ingest, prepare
from recipes.propensity import sample
from recipes.propensity.config import CONFIG, sources
from tests.recipes.propensity.conftest import filled
from tests.recipes.propensity.mariadb import PASSWORD
from trainyard import resolve
from trainyard.config import to_mapping
from trainyard.errors import JobFailed
from trainyard.overrides import override
from trainyard.run import REQUEST_FILE, InputFile, Run
from trainyard.stages import Stage
from trainyard.tables.store import RunStore

URI = "s3://artifacts/propensity/r1"


@pytest.fixture
def client(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        s3 = boto3.client("s3")
        for bucket in ("raw", "artifacts"):
            s3.create_bucket(Bucket=bucket)
        yield s3


def request(client, files=(), **data):
    run = Run(
        recipe="propensity",
        run_id="r1",
        dataset="d",
        execution_arn="arn",
        raw_bucket="raw",
        artifacts_bucket="artifacts",
        fingerprint="f",
        code_version="c",
        files=tuple(files),
        config=to_mapping(override(CONFIG, {"data": data})),
    )
    store = RunStore(client, run)
    store.write_text(Stage.RESOLVE, REQUEST_FILE, run.to_json())
    return store


def upload(client, name, content):
    key = f"raw/propensity/d/{name}"
    client.put_object(Bucket="raw", Key=key, Body=content)
    source = next(each.name for each in sources(CONFIG) if each.accepts(name))
    return InputFile(source=source, key=key, version_id="null", size=len(content))


def outcome(store):
    return json.loads(store.read_text(Stage.INGEST, "quality.json"))


def test_an_uploaded_sqlite_file_becomes_prepared_tables(client, tmp_path):
    sample.write(tmp_path, size=30_000, seed=1)
    store = request(client, [upload(client, sample.FILE, (tmp_path / sample.FILE).read_bytes())])
    ingest.main(["--RUN_URI", URI])
    assert outcome(store)["ok"], outcome(store)
    assert set(store.tables(Stage.INGEST)) == {"visits", "population"}
    prepare.main(["--RUN_URI", URI])
    assert set(store.tables(Stage.PREPARE)) == {"visits", "population"}


def test_a_damaged_sqlite_file_is_an_outcome(client):
    store = request(client, [upload(client, sample.FILE, b"not a database at all")])
    ingest.main(["--RUN_URI", URI])
    assert not outcome(store)["ok"]
    assert "propensity.sqlite: expected a SQLite 3 database" in outcome(store)["problems"][0]
    assert store.tables(Stage.INGEST) == {}


def test_a_database_behind_a_secret_is_read_and_nothing_of_the_secret_shows(client, empty_mariadb, mariadb_url, capfd):
    filled(empty_mariadb, size=30_000)
    secret = {
        "engine": "mysql",
        "host": mariadb_url.host,
        "port": mariadb_url.port,
        "dbname": mariadb_url.database,
        "username": mariadb_url.username,
        "password": mariadb_url.password,
    }
    boto3.client("secretsmanager").create_secret(Name="visits-db", SecretString=json.dumps(secret))
    store = request(client, source="database")
    ingest.main(["--RUN_URI", URI, "--DATABASE_SECRET", "visits-db"])
    assert outcome(store)["ok"], outcome(store)
    assert set(store.tables(Stage.INGEST)) == {"visits", "population"}
    written = [each["Key"] for each in client.list_objects_v2(Bucket="artifacts")["Contents"]]
    texts = [client.get_object(Bucket="artifacts", Key=key)["Body"].read() for key in written]
    assert not any(PASSWORD.encode() in text for text in texts)
    assert PASSWORD not in "".join(capfd.readouterr())


def test_without_a_secret_the_job_says_what_to_set(client):
    request(client, source="database")
    with pytest.raises(JobFailed, match="--DATABASE_SECRET"):
        ingest.main(["--RUN_URI", URI])


def test_a_flat_csv_of_visits_is_accepted(client):
    names = [name for name, _ in CONFIG.data.csv_layout]
    lines = [",".join(names)]
    for place in range(600):
        numbers = [str(place % 9), *["0.5"] * 9]
        lines.append(
            ",".join([*numbers, "Feb", "1", "2", "3", "4", "New_Visitor", "TRUE", str(place % 3 == 0).upper()])
        )
    store = request(client, [upload(client, "online_shoppers_intention.csv", "\n".join(lines).encode())])
    ingest.main(["--RUN_URI", URI])
    assert outcome(store)["ok"], outcome(store)
    prepare.main(["--RUN_URI", URI])
    assert set(store.tables(Stage.PREPARE)) == {"visits", "population"}


def test_either_file_completes_a_set_and_none_does_not():
    both = "visits.csv or online_shoppers_intention.csv or propensity.sqlite"
    assert resolve.missing([], sources(CONFIG)) == [both]
    file = InputFile(source="database", key="k", version_id="1", size=1)
    assert resolve.missing([file], sources(CONFIG)) == []
    assert resolve.missing([], ()) == []
