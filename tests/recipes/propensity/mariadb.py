"""Starts MariaDB, from Debian's package, as a child process on loopback with a folder of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

USER, PASSWORD, DATABASE = "train", "s3cret-Pa55", "vsdb"
PROGRAMS = ("mariadbd", "mariadb-install-db")
START_SECONDS = 60


def programs() -> dict[str, str] | None:
    """Paths of the server's programs, None where one is not installed."""
    found = {name: shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin") for name in PROGRAMS}
    return {name: path for name, path in found.items() if path} if all(found.values()) else None


@contextmanager
def running(settings: Sequence[str] = (), files: Path | None = None, also: str = "") -> Iterator[sa.URL]:
    """The address of an empty database on a server that lives as long as the block.

    `files` are put into the server's folder, which is where `settings` find them; `also` is SQL for its start.
    """
    known = programs()
    assert known, "install mariadb-server first"
    # A socket's path may have 107 characters, which pytest's folders exceed.
    folder = Path(tempfile.mkdtemp(prefix="mariadb-"))
    user = pwd.getpwuid(os.getuid()).pw_name
    if user == "root":
        # The server refuses to run as root; the package made this user for it.
        user = "mysql"
        shutil.chown(folder, user)
    port = _free_port()
    init = folder / "init.sql"
    for file in files.iterdir() if files else ():
        shutil.copy(file, folder)
        (folder / file.name).chmod(0o644)
    init.write_text(
        f"CREATE DATABASE {DATABASE};\nCREATE USER '{USER}'@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';\n"
        f"GRANT ALL ON {DATABASE}.* TO '{USER}'@'127.0.0.1';\n{also}"
    )
    common = ["--no-defaults", f"--user={user}", f"--datadir={folder / 'data'}"]
    install = [known["mariadb-install-db"], *common, "--auth-root-authentication-method=normal", "--skip-test-db"]
    # Two that are installed at the same time in one folder for temporary files take each other's.
    environment = {**os.environ, "TMPDIR": str(folder)}
    installed = subprocess.run(install, env=environment, capture_output=True, text=True)
    assert installed.returncode == 0, installed.stdout + installed.stderr
    serve = ["--bind-address=127.0.0.1", f"--port={port}", f"--socket={folder / 's.sock'}", f"--init-file={init}"]
    serve += [f"--pid-file={folder / 'pid'}", f"--log-error={folder / 'log'}", "--innodb-flush-log-at-trx-commit=2"]
    serve += ["--local-infile=1", "--innodb-buffer-pool-size=512M"]
    serve += [each.format(folder=folder) for each in settings]
    server = subprocess.Popen([known["mariadbd"], *common, *serve], env=environment, stdin=subprocess.DEVNULL)
    url = sa.URL.create(
        "mysql+pymysql", username=USER, password=PASSWORD, host="127.0.0.1", port=port, database=DATABASE
    )
    try:
        _await(url, server, folder / "log")
        yield url
    finally:
        server.terminate()
        server.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await(url: sa.URL, server: subprocess.Popen[bytes], log: Path) -> None:
    engine = sa.create_engine(url)
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with engine.connect():
                engine.dispose()
                return
        except sa.exc.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the server did not start:\n{log.read_text()}") from None
            time.sleep(0.1)
