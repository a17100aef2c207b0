"""Visit databases and trained models for the tests of propensity."""

from __future__ import annotations

from pathlib import Path

import ibis
import pytest
import sqlalchemy as sa

from recipes.propensity import ingest, prepare, process, sample
from recipes.propensity.config import CONFIG
from recipes.propensity.database.schema import METADATA
from tests.recipes.propensity import mariadb, postgres
from trainyard.run.settings.overrides import override
from trainyard.stages.ingest import database

SMALL = {
    "data": {"grid": {"node1": [16], "node2": [8], "dropout1": [0.1, 0.3], "dropout2": [0.1], "epochs": 4}},
    "hyperparameters": {"ensemble_size": 5, "epochs": 12, "boosting_rounds": 60},
}


def filled(connection, *, size, seed=3, active=sample.ACTIVE):
    """The schema with generated visits; the probability that each visit was drawn from."""
    sample.create(connection)
    products = sample.products(active)
    chunk = next(sample.chunks(size=size, seed=seed, active=active))
    for name, columns in {"products": products, **chunk.tables}.items():
        table = METADATA.tables[name]
        own = {
            key: values.astype("datetime64[s]").tolist() if key in ("visit_date", "sales_date") else values.tolist()
            for key, values in columns.items()
        }
        rows = [dict(zip(own, each, strict=True)) for each in zip(*own.values(), strict=True)]
        connection.execute(table.insert(), rows)
    connection.commit()
    return chunk.probability


@pytest.fixture(scope="session")
def mariadb_url():
    if mariadb.programs() is None:
        pytest.skip("MariaDB is not installed: apt-get install mariadb-server")
    with mariadb.running() as url:
        yield url


@pytest.fixture
def empty_mariadb(mariadb_url):
    """A connection to a database without tables."""
    engine = sa.create_engine(mariadb_url)
    with engine.connect() as connection:
        reflected = sa.MetaData()
        reflected.reflect(connection)
        reflected.drop_all(connection)
        connection.commit()
        yield connection
    engine.dispose()


@pytest.fixture(scope="session")
def postgres_url():
    if postgres.programs() is None:
        pytest.skip("PostgreSQL is not installed, or there is no user to run it: apt-get install postgresql")
    with postgres.running() as url:
        yield url


@pytest.fixture
def empty_postgres(postgres_url):
    """A connection to a database without tables."""
    engine = sa.create_engine(postgres_url)
    with engine.connect() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
        connection.commit()
        yield connection
    engine.dispose()


@pytest.fixture
def empty_sqlite(tmp_path):
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'own.sqlite'}")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.fixture(params=["sqlite", "mariadb", "postgres"])
def empty(request):
    """A connection to an empty database, of SQLite, MariaDB and PostgreSQL."""
    return request.getfixturevalue(f"empty_{request.param}")


def prepared(tables_dir: Path, target: Path, config) -> Path:
    connection = ibis.duckdb.connect()
    tables = {each.name: connection.read_parquet(str(each / "*.parquet")) for each in tables_dir.iterdir()}
    for name, table in prepare.prepare(tables, config).items():
        (target / name).mkdir(parents=True)
        table.to_parquet(target / name / "part-00000.parquet")
    connection.disconnect()
    return target


@pytest.fixture(scope="session")
def sampled(tmp_path_factory):
    """Processed examples of a generated database of 150,000 visits, and what was planted in it."""
    root = tmp_path_factory.mktemp("propensity")
    planted = sample.write(root / "raw", size=150_000, seed=3)
    with database.open_sqlite(root / "raw" / sample.FILE, sample.FILE, scratch=root) as connection:
        quality = ingest.extract(connection, root / "ingest", config=CONFIG)
    assert quality.ok, quality.problems
    prepared(root / "ingest", root / "prepare", CONFIG)
    process.process(root / "prepare", root / "process", config=CONFIG)
    return root, planted


@pytest.fixture(scope="session")
def trained(sampled, tmp_path_factory):
    """A small model of it: folder and metrics."""
    pytest.importorskip("tensorflow")
    from recipes.propensity.train import train

    root, _ = sampled
    model, checkpoints = tmp_path_factory.mktemp("model"), tmp_path_factory.mktemp("checkpoints")
    channels = {name: root / "process" / name for name in ("train", "validation", "features")}
    return model, train(channels, model, checkpoints=checkpoints, config=override(CONFIG, SMALL))
