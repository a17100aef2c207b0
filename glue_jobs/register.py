"""Glue shell of stage register: parses the arguments, opens the run and records it in the recipe's database."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence

import boto3

from trainyard.glue.job import opened
from trainyard.stages.register import register


def main(argv: Sequence[str]) -> None:
    """Run the job. A fault raises, for Glue takes the reason of a failed run from the exception."""
    with opened(argv, boto3.client("s3")) as job:
        promoted = register(job.store, model_uri=job.arguments.model_uri, read_secret=job.read_secret)
        print(f"recorded run {job.store.run.run_id}, {'promoted' if promoted else 'refused'}")


if __name__ == "__main__":
    main(sys.argv[1:])
    # Python looks through all objects of a program that ends: a twentieth of a job on few data.
    gc.disable()
