"""Glue shell of stage ingest: parses the arguments, opens the run, and makes its tables or the list of its children."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence

import boto3

from trainyard.glue.job import opened
from trainyard.stages.ingest.children import list_children
from trainyard.stages.ingest.ingest import ingest


def main(argv: Sequence[str]) -> None:
    """Run the job. A fault raises, for Glue takes the reason of a failed run from the exception."""
    with opened(argv, boto3.client("s3")) as job:
        if job.arguments.task == "children":
            children = list_children(job.store, read_secret=job.read_secret).children
            print(", ".join(each.name for each in children) or "no children")
        else:
            print(ingest(job.store, job.arguments, read_secret=job.read_secret).to_json())


if __name__ == "__main__":
    main(sys.argv[1:])
    # Python looks through all objects of a program that ends: a twentieth of a job on few data.
    gc.disable()
