"""The arguments of the jobs in Glue; pure.

Glue passes arguments as `--KEY value` or `--KEY=value`, among others of its own.
"""

from __future__ import annotations

import typing
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from trainyard.errors import ConfigError
from trainyard.glue.engine import EngineName

SPARK_THRESHOLD_GB = 5.0
Task = Literal["tables", "children"]


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """What a job of this product is told: where its run lies, and which engine to use from which size on.

    `task` says what the ingest job is for: the run's tables, or the list of its children. `database_secret` names the
    secret with the address of the source database; `model_uri` is the archive of the model to register.
    """

    run_uri: str
    engine: EngineName = "auto"
    spark_threshold_gb: float = SPARK_THRESHOLD_GB
    database_secret: str = ""
    task: Task = "tables"
    model_uri: str = ""


def parse(argv: Sequence[str]) -> Arguments:
    """The arguments in `argv` (without the script's name); raises ConfigError naming what is missing or wrong."""
    given = pairs(argv)
    engines, tasks = typing.get_args(EngineName), typing.get_args(Task)
    problems = []
    if not given.get("RUN_URI", "").startswith("s3://"):
        problems.append(f"--RUN_URI: expected s3://<bucket>/<recipe>/<run id>, found {given.get('RUN_URI')!r}.")
    engine = given.get("ENGINE", "auto")
    if engine not in engines:
        problems.append(f"--ENGINE: expected one of {', '.join(engines)}, found {engine!r}.")
    task = given.get("TASK", "tables")
    if task not in tasks:
        problems.append(f"--TASK: expected one of {', '.join(tasks)}, found {task!r}.")
    threshold = given.get("SPARK_THRESHOLD_GB", str(SPARK_THRESHOLD_GB))
    if not threshold.replace(".", "", 1).isdecimal():
        problems.append(f"--SPARK_THRESHOLD_GB: expected a number of gigabytes, found {threshold!r}.")
    if problems:
        raise ConfigError(problems)
    return Arguments(
        run_uri=given["RUN_URI"].rstrip("/"),
        engine=typing.cast(EngineName, engine),
        spark_threshold_gb=float(threshold),
        database_secret=given.get("DATABASE_SECRET", ""),
        task=typing.cast(Task, task),
        model_uri=given.get("MODEL_URI", ""),
    )


def pairs(argv: Sequence[str]) -> dict[str, str]:
    """Every `--KEY` with its value; Glue's own keys may lack one, and an empty text is then as good as any."""
    pairs: dict[str, str] = {}
    key = ""
    for word in argv:
        if word.startswith("--"):
            key, _, value = word[2:].partition("=")
            pairs[key] = value
        elif key:
            pairs[key], key = word, ""
    return pairs
