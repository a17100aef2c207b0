"""Opens source databases for a recipe's `ingest`: one named by a secret, or an uploaded SQLite file; runs in Glue.

What a secret says never leaves this module: not into arguments, state, logs or errors. Drivers put user and host into
their messages, so those are replaced by the kind and number of the error.
"""

from __future__ import annotations

import gzip
import json
import shutil
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from trainyard.errors import BadData, JobFailed

# What `engine` says in a secret of AWS, and the driver of this product for it.
DRIVERS = {"mysql": "mysql+pymysql", "mariadb": "mysql+pymysql", "aurora-mysql": "mysql+pymysql", "sqlite": "sqlite"}
FIELDS = ("username", "password", "host", "port", "dbname", "engine")
MEANT = {"port": "port (a number)", "engine": f"engine (one of {', '.join(DRIVERS)})"}
CONNECT_SECONDS = 20
SQLITE_MAGIC = b"SQLite format 3\0"


def url_of_secret(text: str) -> sa.URL:
    """The address in a secret: a JSON object with username, password, host, port, dbname and engine, as RDS keeps it,
    or one with nothing but `url`, any SQLAlchemy URL whose driver the job has.

    Raises JobFailed naming the fields that are wrong, never what is in them.
    """
    try:
        fields = json.loads(text)
    except ValueError:
        fields = None
    if isinstance(fields, Mapping) and fields.get("url"):
        return _url(str(fields["url"]))
    if not isinstance(fields, Mapping):
        raise JobFailed(f"Expected the database secret to be a JSON object with {', '.join(FIELDS)}; it is none.")
    if fields.get("engine") == "sqlite" and fields.get("dbname"):
        return sa.URL.create("sqlite", database=str(fields["dbname"]))
    right = {name: bool(str(fields.get(name, "")).strip()) for name in FIELDS}
    right |= {"port": str(fields.get("port", "")).isdecimal(), "engine": fields.get("engine") in DRIVERS}
    wrong = [MEANT.get(name, name) for name in FIELDS if not right[name]]
    if wrong:
        raise JobFailed(f"Expected the database secret to hold {', '.join(wrong)}; correct the secret.")
    return sa.URL.create(
        DRIVERS[fields["engine"]],
        username=str(fields["username"]),
        password=str(fields["password"]),
        host=str(fields["host"]),
        port=int(fields["port"]),
        database=str(fields["dbname"]),
    )


def _url(text: str) -> sa.URL:
    try:
        return sa.make_url(text)
    except ArgumentError:
        # Not chained: SQLAlchemy's message repeats what it could not read.
        pass
    raise JobFailed("Expected url in the database secret to be an SQLAlchemy URL, found another text; correct it.")


def options_of(url: sa.URL) -> dict[str, Any]:
    """How connections to a server are opened: not for ever, and so that reading locks no row of those who write."""
    if url.get_backend_name() not in ("mysql", "mariadb"):
        return {}
    # Above READ COMMITTED, to draw a sample into a table locks every row that was looked at until the job is done.
    return {"connect_args": {"connect_timeout": CONNECT_SECONDS}, "isolation_level": "READ COMMITTED"}


@contextmanager
def connect(url: sa.URL) -> Iterator[sa.Connection]:
    """A connection for the time of the block; raises JobFailed, without address or user, for what the database says."""
    engine = sa.create_engine(url, hide_parameters=True, **options_of(url))
    failure = ""
    try:
        with engine.connect() as connection:
            yield connection
    except SQLAlchemyError as error:
        failure = _described(error)
    finally:
        engine.dispose()
    if failure:
        # Outside the handler: a chained exception would print the driver's own message after all.
        raise JobFailed(
            f"Expected the database that the secret names to answer; {failure}. Check the secret, the network of the "
            "ingest job, and what the user may do (SELECT and CREATE TEMPORARY TABLES), then redrive the execution."
        )


@contextmanager
def open_sqlite(path: Path, name: str, *, scratch: Path) -> Iterator[sa.Connection]:
    """An uploaded SQLite file, read-only; raises BadData, with the file's `name`, for one that cannot be read."""
    plain = _unpacked(path, name, scratch=scratch) if name.endswith(".gz") else path
    with plain.open("rb") as file:
        start = file.read(len(SQLITE_MAGIC))
    if start != SQLITE_MAGIC:
        raise BadData([f"{name}: expected a SQLite 3 database, found other content; export it once more."])
    engine = sa.create_engine(f"sqlite:///file:{plain.as_posix()}?mode=ro&uri=true")
    try:
        with engine.connect() as connection:
            # An uploaded file may hold views and expressions that call functions; they are not trusted.
            connection.exec_driver_sql("PRAGMA trusted_schema = OFF")
            yield connection
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", error))[:200]
        raise BadData(
            [f"{name}: expected a complete SQLite 3 database, found: {reason}; export it once more."]
        ) from error
    finally:
        engine.dispose()


def _unpacked(path: Path, name: str, *, scratch: Path) -> Path:
    target = scratch / f"{path.name}.unpacked"
    try:
        with gzip.open(path) as packed, target.open("wb") as file:
            shutil.copyfileobj(packed, file)
    except (EOFError, OSError, zlib.error) as error:
        raise BadData([f"{name}: expected a complete gzip file, found: {error}; upload it again."]) from error
    return target


def _described(error: SQLAlchemyError) -> str:
    """Kind and number of an error; its text may name user and host."""
    original = getattr(error, "orig", None)
    if original is None:
        return f"found {type(error).__name__}"
    number = original.args[0] if original.args and isinstance(original.args[0], int) else None
    return f"found {type(original).__name__}" + (f" {number}" if number is not None else "")
