"""Glue shell of stage ingest: parses the arguments, opens the run, and makes its tables or the list of its children."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import boto3

from trainyard.glue.arguments import begin
from trainyard.glue.secrets import secret_reader
from trainyard.stages.ingest.children import list_children
from trainyard.stages.ingest.ingest import ingest


def main(argv: Sequence[str]) -> None:
    """Run the job. A fault raises, for Glue takes the reason of a failed run from the exception."""
    arguments, store = begin(argv, boto3.client("s3"))
    read_secret = secret_reader(arguments, store.run)
    if arguments.task == "children":
        children = list_children(store, read_secret=read_secret).children
        print(", ".join(each.name for each in children) or "no children")
    else:
        print(ingest(store, arguments, read_secret=read_secret).to_json())


if __name__ == "__main__":
    main(sys.argv[1:])
