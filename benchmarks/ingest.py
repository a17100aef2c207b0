"""Measures the Glue jobs ingest and prepare of prod2vec: lines per second and core, and peak memory; runs on a laptop.

    python -m benchmarks.ingest --lines 10000000
    python -m benchmarks.ingest --lines 200000 --engine spark

The real shells run as processes of their own against an S3 server on this machine; its work is not counted. With
`--engine spark` both engines run, and the tables they prepare are compared. The optional file orders.csv stays out, so
that a line is an order line. Beside it stands what DuckDB's own `COPY (FROM read_csv(...)) TO ... (FORMAT parquet)` of
the same file costs in a process of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import duckdb
from botocore.config import Config

from recipes.prod2vec import sample
from recipes.prod2vec.config import CONFIG, sources
from trainyard.contract.config import to_mapping
from trainyard.contract.quality import QUALITY_FILE
from trainyard.run.run import InputFile, Run
from trainyard.run.stage import Stage
from trainyard.run.store import RunStore

ROOT = Path(__file__).resolve().parents[1]
RAW, ARTIFACTS = "raw", "artifacts"
START_LINES = 1000
BAR_LINES_PER_CORE_SECOND = 1_000_000
BAR_MEMORY_MB = 2_000
# Beside DuckDB's own copy of the same file: CPU seconds of the whole ingest job.
BAR_TIMES_COPY = 2.0
COPY = (
    "import sys, duckdb; duckdb.execute(f\"COPY (FROM read_csv('{sys.argv[1]}')) TO '{sys.argv[2]}' (FORMAT parquet)\")"
)
MEGABYTE = 2**20


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What processes used: CPU seconds of all threads, wall seconds, and peak resident memory in MB.

    `ingest_cpu` is the part of the ingest job where there are two.
    """

    cpu: float
    wall: float
    memory: float
    ingest_cpu: float = 0.0


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder, _s3(Path(folder)) as (client, environment):
        sample.write(Path(folder) / "few", size=START_LINES, seed=1)
        sample.write(Path(folder) / "all", size=arguments.lines, seed=1)
        few, files = (_upload(client, Path(folder) / each) for each in ("few", "all"))
        _, start = _run(client, environment, engine="duckdb", files=few)
        store, total = _run(client, environment, engine="duckdb", files=files)
        _judge(arguments.lines, start, total=total)
        _beside_copy(Path(folder), total=total)
        if arguments.engine == "spark":
            other, spent = _run(client, environment, engine="spark", files=files)
            print(f"spark: {spent.wall:.1f} s of wall time in all")
            _compare(store, other, scratch=Path(folder))


def _judge(lines: int, start: Cost, *, total: Cost) -> None:
    """Print the rates and whether the bar was reached; the bar is for the whole processes, start included."""
    rate, net = lines / total.cpu, (lines - START_LINES) / (total.cpu - start.cpu)
    passed = rate >= BAR_LINES_PER_CORE_SECOND and total.memory < BAR_MEMORY_MB
    print(
        f"duckdb: {lines:,} lines, {rate:,.0f} lines/s per core in all, {net:,.0f} without the {start.cpu:.1f} CPU s of"
    )
    print(
        f"        starting two processes; peak {total.memory:,.0f} MB; bar {'reached' if passed else 'MISSED'}",
        flush=True,
    )


def _beside_copy(folder: Path, *, total: Cost) -> None:
    """Print what DuckDB alone needs to make Parquet of the order lines, and how much more the ingest job needs."""
    lines = folder / "all" / "order_products__prior.csv"
    copied = _spent([sys.executable, "-c", COPY, str(lines), str(folder / "copy.parquet")], dict(os.environ))
    times = total.ingest_cpu / copied.cpu
    passed = "reached" if times <= BAR_TIMES_COPY else "MISSED"
    print(f"        DuckDB's own copy: {copied.cpu:.2f} CPU s; ingest {times:.2f} times that; bar {passed}", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=10_000_000, help="order lines to make and read")
    parser.add_argument("--engine", choices=("duckdb", "spark"), default="duckdb", help="spark compares both")
    return parser.parse_args()


@contextlib.contextmanager
def _s3(scratch: Path) -> Iterator[tuple[Any, dict[str, str]]]:
    """A client of an S3 server with the two buckets, and the environment in which the shells reach it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    access = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "benchmark",
        "AWS_SECRET_ACCESS_KEY": "benchmark",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    os.environ.update(access)
    settings = {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "TMPDIR": str(scratch)}
    with (scratch / "s3.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "ministack"], env={**os.environ, **settings}, stdout=log, stderr=log
        )
    try:
        client = boto3.client("s3", config=Config(retries={"total_max_attempts": 60, "mode": "standard"}))
        client.create_bucket(Bucket=RAW)
        client.put_bucket_versioning(Bucket=RAW, VersioningConfiguration={"Status": "Enabled"})
        client.create_bucket(Bucket=ARTIFACTS)
        yield client, {**os.environ, "PYTHONPATH": str(ROOT)}
    finally:
        server.terminate()
        server.wait()


def _upload(client: Any, folder: Path) -> tuple[InputFile, ...]:
    found = []
    for path in (folder / "order_products__prior.csv", folder / "products.csv"):
        key = f"raw/prod2vec/{folder.name}/{path.name}"
        client.upload_file(str(path), RAW, key)
        version = client.head_object(Bucket=RAW, Key=key)["VersionId"]
        source = next(each.name for each in sources(CONFIG) if each.accepts(path.name))
        found.append(InputFile(source=source, key=key, version_id=version, size=path.stat().st_size))
    return tuple(found)


def _run(
    client: Any, environment: dict[str, str], *, engine: str, files: tuple[InputFile, ...]
) -> tuple[RunStore, Cost]:
    """Both stages of a run of its own, and what they cost together."""
    run = Run(
        recipe="prod2vec",
        run_id=f"20260101-000000-{secrets.token_hex(4)}",
        dataset="benchmark",
        execution_arn="",
        raw_bucket=RAW,
        artifacts_bucket=ARTIFACTS,
        fingerprint="",
        code_version="",
        files=files,
        config=to_mapping(CONFIG),
    )
    store = RunStore(client, run)
    store.write_text(Stage.RESOLVE, Run.FILE, text=run.to_json())
    ingest = _measure(Stage.INGEST, run, engine=engine, environment=environment)
    quality = store.read_text(Stage.INGEST, QUALITY_FILE)
    if not json.loads(quality)["ok"]:
        raise SystemExit(f"Expected accepted data, found {quality}")
    stages = (ingest, _measure(Stage.PREPARE, run, engine=engine, environment=environment))
    size = sum(each.size for each in files)
    for stage, cost in zip(("ingest", "prepare"), stages, strict=True):
        used = f"cpu {cost.cpu:6.2f} s  wall {cost.wall:6.2f} s  peak {cost.memory:6.0f} MB"
        print(f"{engine:7} {stage:8} {size / MEGABYTE:6.1f} MB  {used}", flush=True)
    one, other = stages
    memory = max(one.memory, other.memory)
    return store, Cost(cpu=one.cpu + other.cpu, wall=one.wall + other.wall, memory=memory, ingest_cpu=one.cpu)


def _measure(stage: Stage, run: Run, *, engine: str, environment: dict[str, str]) -> Cost:
    """Run a shell as Glue would. Spark's Java is a process beyond it, whose CPU and memory are not in the figures."""
    uri = f"s3://{ARTIFACTS}/{run.prefix}"
    command = [sys.executable, f"glue_jobs/{stage}.py", "--JOB_NAME", stage, "--RUN_URI", uri, "--ENGINE", engine]
    return _spent(command, environment)


def _spent(command: list[str], environment: dict[str, str]) -> Cost:
    """Run a command in a process of its own, which must succeed, and say what it used."""
    started = time.perf_counter()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            log.seek(0)
            raise SystemExit(log.read().decode()[-4000:])
    cpu = used.ru_utime + used.ru_stime
    return Cost(cpu=cpu, wall=time.perf_counter() - started, memory=used.ru_maxrss * 1024 / MEGABYTE)


def _compare(one: RunStore, other: RunStore, *, scratch: Path) -> None:
    """Whether two runs prepared the same rows."""
    first = one.download_tables(Stage.PREPARE, scratch / "first")
    second = other.download_tables(Stage.PREPARE, scratch / "second")
    for table, files in first.items():
        left, right = f"read_parquet({files})", f"read_parquet({second[table]})"
        differing = duckdb.sql(
            f"SELECT count(*) FROM ((FROM {left} EXCEPT ALL FROM {right}) "
            f"UNION ALL (FROM {right} EXCEPT ALL FROM {left}))"
        ).fetchall()[0][0]
        rows = duckdb.sql(f"SELECT count(*) FROM {left}").fetchall()[0][0]
        print(f"{table:10} {rows:>10,} rows, {differing} differ between the engines")


if __name__ == "__main__":
    main()
