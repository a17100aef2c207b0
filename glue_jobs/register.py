"""Glue shell of stage register: parses the arguments, opens the run and records it in the recipe's database."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from trainyard.tables.job import begin
from trainyard.tables.register import register


def main(argv: Sequence[str]) -> None:
    """Run the job. A fault raises, for Glue takes the reason of a failed run from the exception."""
    arguments, store = begin(argv)
    promoted = register(store, arguments)
    print(f"recorded run {store.run.run_id}, {'promoted' if promoted else 'refused'}")


if __name__ == "__main__":
    main(sys.argv[1:])
