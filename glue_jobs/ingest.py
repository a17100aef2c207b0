"""Glue shell of stage ingest: parses the arguments, opens the run and checks its files into typed Parquet."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import boto3

from trainyard.tables.arguments import parse
from trainyard.tables.ingest import ingest
from trainyard.tables.store import RunStore


def main(argv: Sequence[str]) -> None:
    """Run the job. A fault raises, for Glue takes the reason of a failed run from the exception."""
    arguments = parse(argv)
    store = RunStore.open(boto3.client("s3"), arguments.run_uri)
    quality = ingest(store, arguments)
    print(quality.to_json())


if __name__ == "__main__":
    main(sys.argv[1:])
