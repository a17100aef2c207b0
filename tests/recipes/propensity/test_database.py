"""Addresses come from secrets, and what is in a secret comes out nowhere; bad files are refused in a sentence."""

from __future__ import annotations

import gzip
import json
import sqlite3
import traceback

import pytest
import sqlalchemy as sa

from recipes.propensity import sample
from recipes.propensity.config import CONFIG, sources
from tests.recipes.propensity.mariadb import DATABASE, PASSWORD, USER
from trainyard.errors import BadData, ConfigError, JobFailed
from trainyard.run.settings.overrides import override
from trainyard.stages.ingest import database

SECRET = {
    "engine": "mysql",
    "host": "db.internal",
    "port": 3306,
    "dbname": "vsdb",
    "username": "someone",
    "password": "p@ss/w:rd",
}


def test_a_secret_of_aws_becomes_an_address():
    url = database.url_of_secret(json.dumps(SECRET))
    assert (url.drivername, url.password, url.port) == ("mysql+pymysql", "p@ss/w:rd", 3306)
    assert "p@ss" not in str(url)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"password": ""}, "password"),
        ({"engine": "oracle"}, "engine"),
        ({"port": "x"}, "port"),
        ({"host": None}, "host"),
    ],
)
def test_a_wrong_secret_is_named_by_its_field_only(change, named):
    text = json.dumps({k: v for k, v in {**SECRET, **change}.items() if v is not None})
    with pytest.raises(JobFailed, match=named) as caught:
        database.url_of_secret(text)
    assert "someone" not in str(caught.value) and "p@ss" not in str(caught.value)
    with pytest.raises(JobFailed, match="to be a JSON object"):
        database.url_of_secret("p@ss/w:rd")


def test_every_wrong_field_of_a_secret_is_named_once():
    with pytest.raises(JobFailed) as caught:
        database.url_of_secret("{}")
    assert str(caught.value) == (
        "Expected the database secret to hold username, password, host, port (a number), dbname, "
        "engine (one of mysql, mariadb, aurora-mysql, postgres, postgresql, aurora-postgresql, sqlite); correct the "
        "secret."
    )


def leaks(error):
    text = "".join(traceback.format_exception(error))
    return [word for word in (USER + "'", PASSWORD, "wrong-password", "127.0.0.1") if word in text]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("mysql://u:p%40ss@h:3307/visits", ("mysql+pymysql", "u", "p@ss", "h", 3307, "visits")),
        ("mysql+mysqldb://u:p@h/visits", ("mysql+pymysql", "u", "p", "h", 3306, "visits")),
        ("mariadb://u:p@h/v?ssl-mode=REQUIRED&useSSL=true", ("mysql+pymysql", "u", "p", "h", 3306, "v")),
        ("postgres://u:a@b/c:d?e#f%@h:5433/v", ("postgresql+psycopg", "u", "a@b/c:d?e#f%", "h", 5433, "v")),
        ("postgresql+psycopg2://u@server:密码ñ@h.x/v", ("postgresql+psycopg", "u@server", "密码ñ", "h.x", 5432, "v")),
        ("postgresql://u:p+q%20r@[::1]:5/v?schema=shop", ("postgresql+psycopg", "u", "p+q r", "::1", 5, "v")),
        ("jdbc:postgresql://h/v?user=u&password=a%26b", ("postgresql+psycopg", "u", "a&b", "h", 5432, "v")),
        ("MySQL://u:p@h:1/v", ("mysql+pymysql", "u", "p", "h", 1, "v")),
    ],
)
def test_a_secret_may_hold_the_address_that_people_write(text, parts):
    url = database.url_of_secret(json.dumps({"url": text}))
    assert (url.drivername, url.username, url.password, url.host, url.port, url.database) == parts
    mode = "require" if "REQUIRED" in text else "verify-full"
    assert url.query == {"sslmode": mode} | ({"options": "-csearch_path=shop"} if "schema" in text else {})
    assert str(parts[2]) not in str(url) or len(parts[2]) == 1


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("u:hunter2 at 127.0.0.1", "to begin with one of mysql://, "),
        ("oracle://u:hunter2@h/v", "to begin with one of mysql://, "),
        ("mysql://u:hunter2@", "as <kind>://<user>:<password>@<host>"),
        ("mysql://u:hunter2@h/v?sslmode=prefer", "sslmode in the database secret to be verify-full"),
        ("sqlite:hunter2", "to begin with one of mysql://, "),
    ],
)
def test_other_addresses_are_refused_and_not_shown(url, said):
    with pytest.raises(JobFailed, match=said) as refusal:
        database.url_of_secret(json.dumps({"url": url}))
    assert "hunter2" not in "".join(traceback.format_exception(refusal.value))


def test_no_error_of_the_server_shows_credentials(mariadb_url):
    plain = mariadb_url.update_query_dict({"sslmode": "disable"})
    secret = json.dumps(
        {
            "engine": "mariadb",
            "host": mariadb_url.host,
            "port": mariadb_url.port,
            "dbname": DATABASE,
            "username": USER,
            "password": "wrong-password",
            "sslmode": "disable",
        }
    )
    with (
        pytest.raises(JobFailed, match="found OperationalError 1045") as refused,
        database.connect(database.url_of_secret(secret)),
    ):
        pass
    assert leaks(refused.value) == []
    with pytest.raises(JobFailed, match="found ProgrammingError 1146") as missing, database.connect(plain) as own:
        own.execute(sa.text("SELECT * FROM nothing_here WHERE a = :a"), {"a": PASSWORD})
    assert leaks(missing.value) == []


def test_no_error_of_postgres_shows_credentials(postgres_url):
    plain = postgres_url.update_query_dict({"sslmode": "disable"})
    wrong = plain.set(password="wrong-password")
    with pytest.raises(JobFailed, match="found OperationalError") as refused, database.connect(wrong):
        pass
    assert leaks(refused.value) == []
    cases = {
        "SELECT :a FROM nothing_here": "UndefinedTable 42P01",
        "SELECT CAST(:a AS TIMESTAMP)": "hold times, numbers",
    }
    for query, said in cases.items():
        with pytest.raises(JobFailed, match=said) as failed, database.connect(plain) as own:
            own.execute(sa.text(query), {"a": PASSWORD})
        assert leaks(failed.value) == []


def test_files_that_are_no_database_are_refused(tmp_path):
    cases = {"text.sqlite": b"id,name\n", "cut.sqlite.gz": gzip.compress(b"SQLite format 3\0" * 100)[:20]}
    for name, content in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BadData, match=name), database.open_sqlite(tmp_path / name, name, scratch=tmp_path):
            pass


def test_texts_of_another_encoding_are_read(tmp_path):
    with sqlite3.connect(tmp_path / "a.sqlite") as connection:
        connection.execute("CREATE TABLE words AS SELECT CAST(X'636166e9' AS TEXT) AS word UNION SELECT 'caf\u00e9s'")
    connection.close()
    with database.open_sqlite(tmp_path / "a.sqlite", "a.sqlite", scratch=tmp_path) as opened:
        assert opened.execute(sa.text("SELECT word FROM words ORDER BY 1")).scalars().all() == [
            "caf\u00e9s",
            "caf\u00e9",
        ]


def test_a_truncated_database_is_refused_and_a_whole_one_only_read(tmp_path):
    sample.write(tmp_path, size=3000, seed=1)
    path = tmp_path / sample.FILE
    query = sa.text("SELECT sum(pageviews), max(visitor_id) FROM agg_visit_engagement JOIN visits USING (visit_id)")
    with database.open_sqlite(path, path.name, scratch=tmp_path) as connection:
        assert connection.execute(query).one()[0] > 3000
    with (
        pytest.raises(BadData, match="readonly"),
        database.open_sqlite(path, path.name, scratch=tmp_path) as connection,
    ):
        connection.execute(sa.text("DELETE FROM visits"))
    path.write_bytes(path.read_bytes()[:100_000])
    with (
        pytest.raises(BadData, match="expected a complete SQLite 3 database"),
        database.open_sqlite(path, path.name, scratch=tmp_path) as connection,
    ):
        connection.execute(query)


def test_settings_are_checked():
    assert sources(override(CONFIG, {"data": {"source": "database"}})) == ()
    assert [each.required for each in sources(CONFIG)] == [False, False]
    for change, sentence in (
        ({"start_date": "yesterday"}, "expected start_date as"),
        ({"csv_columns": ["a:sale", "b:sale"]}, "at most one name:sale"),
        ({"csv_columns": ["a:date"]}, "label, numeric and categorical say the same"),
    ):
        with pytest.raises(ConfigError, match=sentence):
            override(CONFIG, {"data": change})
