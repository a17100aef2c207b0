"""Glue shell of stage prepare: parses the arguments, opens the run and makes the tables its recipe trains on."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence

import boto3

from trainyard.glue.job import opened
from trainyard.stages.prepare import prepare


def main(argv: Sequence[str]) -> None:
    """Run the job. A fault raises, for Glue takes the reason of a failed run from the exception."""
    with opened(argv, boto3.client("s3")) as job:
        rows = prepare(job.store, job.arguments)
        print(", ".join(f"{table}: {count:,} rows" for table, count in rows.items()))


if __name__ == "__main__":
    main(sys.argv[1:])
    # Python looks through all objects of a program that ends: a twentieth of a job on few data.
    gc.disable()
