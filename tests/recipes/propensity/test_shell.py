"""The ingest job reads an uploaded SQLite file, a database behind a secret, and a flat CSV, with S3 in memory."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import boto3
import pytest
import sqlalchemy as sa
from moto import mock_aws

from glue_jobs import ingest, prepare, register
from recipes.propensity import sample
from recipes.propensity.config import CONFIG, sources
from recipes.propensity.database.schema import MODEL, MODEL_RUN, PRODUCTS
from tests.recipes.propensity.conftest import filled
from tests.recipes.propensity.mariadb import PASSWORD
from tests.recipes.propensity.test_register import model_of
from trainyard.contract.config import to_mapping
from trainyard.errors import JobFailed
from trainyard.glue.arguments import Arguments
from trainyard.glue.secrets import secret_reader
from trainyard.run.run import InputFile, Run
from trainyard.run.settings.overrides import override
from trainyard.run.stage import Stage
from trainyard.run.store import RunStore
from trainyard.stages.ingest import database_extract
from trainyard.stages.resolve.files import missing

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


def request(client, files=(), overrides=None, **data):
    run = Run(
        recipe="propensity",
        run_id="r1",
        dataset="d",
        execution_arn="arn:aws:states:us-east-1:123456789012:execution:training:e1",
        raw_bucket="raw",
        artifacts_bucket="artifacts",
        fingerprint="f",
        code_version="c",
        files=tuple(files),
        config=to_mapping(override(CONFIG, overrides or {"data": data})),
        overrides=overrides or {},
    )
    store = RunStore(client, run)
    store.write_text(Stage.RESOLVE, Run.FILE, text=run.to_json())
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
    assert set(store.tables(Stage.PREPARE)) == {"visits", "population", "description"}


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
        "sslmode": "disable",
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


@pytest.fixture
def secret(client, mariadb_url):
    content = {"url": mariadb_url.render_as_string(hide_password=False), "sslmode": "disable"}
    boto3.client("secretsmanager").create_secret(Name="visits-db", SecretString=json.dumps(content))
    return ["--DATABASE_SECRET", "visits-db"]


def children_of(client, secret, **data):
    store = request(client, source="database", overrides={"seed": 7, "data": {"source": "database", **data}})
    ingest.main(["--RUN_URI", URI, "--TASK", "children", *secret])
    return json.loads(store.read_text(Stage.INGEST, "children.json"))["children"]


def test_the_children_of_a_run_are_its_own_request_for_each_active_product(client, empty_mariadb, secret):
    filled(empty_mariadb, size=3_000, active=(8, 7))
    listed = children_of(client, secret, drop=["os"])
    assert [each["name"] for each in listed] == ["product-7", "product-8"]
    assert listed[0]["overrides"] == {"seed": 7, "data": {"source": "database", "drop": ["os"], "product_id": 7}}
    child = override(CONFIG, listed[0]["overrides"])
    assert (child.fans_out, child.variant, child.data.drop) == (False, "product-7", ("os",))


def test_a_database_without_an_active_product_has_no_children(client, empty_mariadb, secret):
    filled(empty_mariadb, size=3_000)
    empty_mariadb.execute(PRODUCTS.update().values(active=0))
    empty_mariadb.commit()
    assert children_of(client, secret) == []


def test_children_that_the_machine_could_not_tell_apart_are_refused(client, empty_mariadb, secret, monkeypatch):
    filled(empty_mariadb, size=3_000)
    for listed, expected in (
        ([{"data": {"product_id": 0}}], "Expected a child run to have a variant"),
        ([{"data": {"product_id": 7}}, {"data": {"product_id": 7}}], "found product-7 more than once"),
        ([{"data": {"product_id": each}} for each in range(1, 302)], "Expected at most 300 children, found 301"),
    ):
        monkeypatch.setattr("recipes.propensity.ingest.children", lambda *_, listed=listed: listed)
        with pytest.raises(JobFailed, match=expected):
            children_of(client, secret)


@pytest.mark.parametrize("promoted", [True, False])
def test_a_finished_run_is_recorded_with_the_gates_verdict(client, empty_mariadb, secret, tmp_path, promoted):
    store = request(client, source="database", product_id=7)
    store.write_text(Stage.EVALUATE, "evaluation.json", text=json.dumps({"metrics": {"auc": {"value": 0.8}}}))
    store.write_text(Stage.GATE, "decision.json", text=json.dumps({"promote": promoted}))
    (tmp_path / "model").mkdir()
    archive = Path(shutil.make_archive(str(tmp_path / "model"), "gztar", model_of(7, tmp_path / "model")))
    key = store.run.key(Stage.TRAIN, "train-1", "output", "model.tar.gz")
    client.upload_file(str(archive), "artifacts", key)
    for _ in range(2):
        register.main(["--RUN_URI", URI, "--MODEL_URI", f"s3://artifacts/{key}", *secret])
        run = empty_mariadb.execute(sa.select(MODEL_RUN)).mappings().one()
        models = empty_mariadb.execute(sa.select(MODEL.c.model_uri)).scalars().all()
        empty_mariadb.rollback()
        assert (run["run_id"], run["promoted"]) == ("r1", int(promoted))
        assert run["finished_at"] == store.written_at(Stage.GATE, "decision.json")
        assert models == ([f"s3://artifacts/{key}"] if promoted else [])


def test_a_model_of_another_run_is_not_recorded(client):
    request(client, source="database", product_id=7)
    with pytest.raises(JobFailed, match="expected a model below s3://artifacts/propensity/r1/"):
        register.main(["--RUN_URI", URI, "--MODEL_URI", "s3://artifacts/propensity/r2/train/x/output/model.tar.gz"])


def test_the_secret_is_that_of_the_runs_region(client, tmp_path, monkeypatch):
    content = json.dumps({"url": f"sqlite:///{tmp_path / 'visits.sqlite'}"})
    boto3.client("secretsmanager").create_secret(Name="visits-db", SecretString=content)
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    arguments = Arguments(run_uri=URI, database_secret="visits-db")
    store = request(client, source="database")
    read_secret = secret_reader(arguments, store.run)
    with database_extract.connection(store, CONFIG, scratch=tmp_path, read_secret=read_secret) as opened:
        assert opened.exec_driver_sql("SELECT 1").scalar() == 1


def test_without_a_secret_the_job_says_what_to_set(client):
    request(client, source="database")
    with pytest.raises(JobFailed, match="--DATABASE_SECRET"):
        ingest.main(["--RUN_URI", URI])


def test_a_flat_csv_of_visits_is_accepted(client):
    lines = ["PageValues;Region;Weekend;Revenue"]
    lines += [f"{place / 7:.4f};{place % 5}.0;TRUE;{'yes' if place % 3 == 0 else 'no'}" for place in range(600)]
    store = request(client, [upload(client, "online_shoppers_intention.csv", "\n".join(lines).encode())])
    ingest.main(["--RUN_URI", URI])
    assert outcome(store)["ok"], outcome(store)
    notes = outcome(store)["notes"]
    assert any("the outcome is the column Revenue, yes is 'true' (200 of 600 rows, 33.3 %)" in each for each in notes)
    prepare.main(["--RUN_URI", URI])
    assert set(store.tables(Stage.PREPARE)) == {"visits", "population", "description"}


def test_either_file_completes_a_set_and_none_does_not():
    (either,) = missing([], sources(CONFIG))
    assert "visits" in either and "propensity.sqlite" in either
    file = InputFile(source="database", key="k", version_id="1", size=1)
    assert missing([file], sources(CONFIG)) == []
    assert missing([], ()) == []
