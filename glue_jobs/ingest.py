"""Glue shell of stage ingest: parses the arguments, opens the run, and makes its tables or the list of its children."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import boto3

from trainyard.tables.arguments import parse
from trainyard.tables.children import list_children
from trainyard.tables.ingest import ingest
from trainyard.tables.store import RunStore


def main(argv: Sequence[str]) -> None:
    """Run the job. A fault raises, for Glue takes the reason of a failed run from the exception."""
    arguments = parse(argv)
    store = RunStore.open(boto3.client("s3"), arguments.run_uri)
    if arguments.task == "children":
        print(", ".join(each["name"] for each in list_children(store, arguments)) or "no children")
    else:
        print(ingest(store, arguments).to_json())


if __name__ == "__main__":
    main(sys.argv[1:])
