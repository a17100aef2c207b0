"""Glue shell of stage ingest: parses the arguments, opens the run, and makes its tables or the list of its children."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from trainyard.tables.children import list_children
from trainyard.tables.ingest import ingest
from trainyard.tables.job import begin


def main(argv: Sequence[str]) -> None:
    """Run the job. A fault raises, for Glue takes the reason of a failed run from the exception."""
    arguments, store = begin(argv)
    if arguments.task == "children":
        print(", ".join(each["name"] for each in list_children(store, arguments)) or "no children")
    else:
        print(ingest(store, arguments).to_json())


if __name__ == "__main__":
    main(sys.argv[1:])
