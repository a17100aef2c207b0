"""Starts PostgreSQL, from Debian's package, as a child process on loopback with a folder of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from tests.recipes.propensity.mariadb import DATABASE, PASSWORD, START_SECONDS, USER

PROGRAMS = ("initdb", "postgres")
QUICK = ("fsync=off", "max_connections=20", "shared_buffers=64MB", "timezone=America/New_York")


def programs() -> dict[str, str] | None:
    """Paths of the server's programs, None where one is not installed or nobody but root is there to run it."""
    # Debian keeps the versions side by side, out of the path.
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    path = ":".join([*map(str, folders), os.environ.get("PATH", "")])
    found = {name: shutil.which(name, path=path) for name in PROGRAMS}
    able = os.getuid() != 0 or shutil.which("runuser")
    return {name: where for name, where in found.items() if where} if able and all(found.values()) else None


@contextmanager
def running(settings: Sequence[str] = (), files: Path | None = None) -> Iterator[sa.URL]:
    """The address of an empty database on a server that lives as long as the block.

    `files` are put into the server's folder, its own.
    """
    known = programs()
    assert known, "install postgresql first"
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    # The server refuses to run as root; the package made this user for it.
    by = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    if by:
        shutil.chown(folder, "postgres")
    data, word = folder / "data", folder / "word"
    word.write_text(PASSWORD)
    word.chmod(0o644)
    make = ["-D", str(data), "-U", USER, "--pwfile", str(word), "-A", "scram-sha-256", "-E", "UTF8", "--no-sync"]
    subprocess.run([*by, known["initdb"], *make], check=True, capture_output=True, cwd="/")
    for file in files.iterdir() if files else ():
        shutil.copy(file, data)
        (data / file.name).chmod(0o600)
        if by:
            shutil.chown(data / file.name, "postgres")
    port = _free_port()
    serve = ["-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k", str(folder)]
    serve += [part for each in (*QUICK, *settings) for part in ("-c", each)]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([*by, known["postgres"], *serve], stdin=subprocess.DEVNULL, stderr=log, cwd="/")
    url = sa.URL.create(
        "postgresql+psycopg", username=USER, password=PASSWORD, host="127.0.0.1", port=port, database=DATABASE
    )
    try:
        _make_database(url, server, folder / "log")
        yield url
    finally:
        _stop(data, server)
        shutil.rmtree(folder, ignore_errors=True)


def _stop(data: Path, server: subprocess.Popen[bytes]) -> None:
    """At once: connections that are open are closed. The program that changes the user would not pass a signal on."""
    if server.poll() is None:
        os.kill(int((data / "postmaster.pid").read_text().split()[0]), 2)
    server.wait(60)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _make_database(url: sa.URL, server: subprocess.Popen[bytes], log: Path) -> None:
    engine = sa.create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with engine.connect() as connection:
                connection.execute(sa.text(f"CREATE DATABASE {DATABASE}"))
                break
        except sa.exc.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the server did not start:\n{log.read_text()}") from None
            time.sleep(0.1)
    engine.dispose()
