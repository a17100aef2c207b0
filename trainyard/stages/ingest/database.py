"""Opens source databases for a recipe's `ingest`: one named by a secret, or an uploaded SQLite file; runs in Glue.

What a secret says never leaves this module: not into arguments, state, logs or errors. Drivers put user and host into
their messages, so those are replaced by the kind and number of the error.
"""

from __future__ import annotations

import gzip
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.exc import DataError, SQLAlchemyError

from trainyard.errors import BadData, JobFailed
from trainyard.stages.ingest import database_tls
from trainyard.stages.ingest.database_address import url_of_secret

__all__ = ["connect", "open_sqlite", "options_of", "url_of_secret"]

CONNECT_SECONDS = 20
SQLITE_MAGIC = b"SQLite format 3\0"


def options_of(url: sa.URL) -> dict[str, Any]:
    """How connections to a server are opened: not for ever, and so that reading locks no row of those who write."""
    if url.get_backend_name() == "postgresql":
        return {"connect_args": {"connect_timeout": CONNECT_SECONDS}}
    if url.get_backend_name() not in ("mysql", "mariadb"):
        return {}
    # The driver takes a password in text for Latin-1.
    password = {"password": url.password.encode()} if url.password else {}
    # Above READ COMMITTED, to draw a sample into a table locks every row that was looked at until the job is done.
    return {"connect_args": {"connect_timeout": CONNECT_SECONDS, **password}, "isolation_level": "READ COMMITTED"}


@contextmanager
def connect(url: sa.URL) -> Iterator[sa.Connection]:
    """A connection for the time of the block, which tells the time in UTC and verifies the server unless `sslmode` in
    the address says otherwise.

    Raises JobFailed, without address or user, for what the database says.
    """
    failure = ""
    with tempfile.TemporaryDirectory(prefix="database-") as folder:
        engine = _engine(url, Path(folder))
        try:
            with engine.connect() as connection:
                yield connection
        except (SQLAlchemyError, UnicodeError) as error:
            failure = database_tls.failure(error) or _unanswered(error)
        finally:
            engine.dispose()
    if failure:
        # Outside the handler, and without the error of the block, which would print the driver's own message after all.
        raise JobFailed(failure) from None


def _engine(url: sa.URL, scratch: Path) -> sa.Engine:
    server = url.get_backend_name()
    if server == "sqlite":
        return sa.create_engine(url, hide_parameters=True)
    verified = url if "sslmode" in url.query else url.update_query_dict({"sslmode": "verify-full"})
    arguments = database_tls.postgres_arguments if server == "postgresql" else database_tls.mysql_arguments
    options = options_of(url)
    options["connect_args"] |= arguments(verified, scratch)
    engine = sa.create_engine(url.difference_update_query(("sslmode", "sslrootcert")), hide_parameters=True, **options)
    sa.event.listen(engine, "connect", _in_utc if server == "postgresql" else _in_utc_of_mysql)
    return engine


def _in_utc(connection: Any, record: object) -> None:
    del record
    connection.execute("SET TIME ZONE 'UTC'")
    connection.commit()


def _in_utc_of_mysql(connection: Any, record: object) -> None:
    del record
    with connection.cursor() as cursor:
        cursor.execute("SET time_zone = '+00:00'")


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
            cast(Any, connection.connection.driver_connection).text_factory = _text
            yield connection
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", error))[:200]
        raise BadData(
            [f"{name}: expected a complete SQLite 3 database, found: {reason}; export it once more."]
        ) from error
    finally:
        engine.dispose()


def _text(content: bytes) -> str:
    """A text of the file, which tools on Windows may have written in their own encoding."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _unpacked(path: Path, name: str, *, scratch: Path) -> Path:
    target = scratch / f"{path.name}.unpacked"
    try:
        with gzip.open(path) as packed, target.open("wb") as file:
            shutil.copyfileobj(packed, file)
    except (EOFError, OSError, zlib.error) as error:
        raise BadData([f"{name}: expected a complete gzip file, found: {error}; upload it again."]) from error
    return target


def _unanswered(error: Exception) -> str:
    if isinstance(error, DataError):
        return (
            "Expected the database to hold times, numbers and flags that it can read as such itself; "
            f"{_described(error)}. Correct the columns of visits and sales, or give them other types."
        )
    return (
        f"Expected the database that the secret names to answer; {_described(error)}. Check the secret, the network of "
        "the ingest job, and what the user may do (SELECT and CREATE TEMPORARY TABLES), then redrive the execution."
    )


def _described(error: Exception) -> str:
    """Kind and number of an error; its text may name user and host."""
    original = getattr(error, "orig", None)
    if original is None:
        return f"found {type(error).__name__}"
    number = original.args[0] if original.args and isinstance(original.args[0], int) else None
    # PostgreSQL's errors have a code of five letters and digits.
    number = number if number is not None else getattr(original, "sqlstate", None)
    return f"found {type(original).__name__}" + (f" {number}" if number is not None else "")
