"""How every Glue job begins: with its arguments parsed and its run opened."""

from __future__ import annotations

import gc
from collections.abc import Sequence

import boto3

from trainyard.tables.arguments import Arguments, parse
from trainyard.tables.store import RunStore


def begin(argv: Sequence[str]) -> tuple[Arguments, RunStore]:
    """The arguments in `argv` (without the script's name) and the run they name.

    Raises ConfigError for wrong arguments, and NotFound when there is no such run.
    """
    # What is imported stays until the process ends. Told so, the collector does not take all of it apart at the end,
    # which is a quarter of the CPU time of a job with little data.
    gc.freeze()
    arguments = parse(argv)
    return arguments, RunStore.open(boto3.client("s3"), arguments.run_uri)
