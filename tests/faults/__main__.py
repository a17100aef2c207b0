"""Writes the table of docs/reliability.md from what the faults showed: `python -m tests.faults DIR`.

Faults that did not run keep the row they have; rows of faults that no test breaks any more are dropped.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.faults import matrix
from tests.faults.collected import givens


def main(folder: Path) -> None:
    """Write the table from the rows in `folder`."""
    rows = {**matrix.read(), **matrix.kept(folder)}
    missing = [each for each in givens() if each not in rows]
    if missing:
        raise SystemExit("These faults have never run: " + "; ".join(missing))
    matrix.write(rows[each] for each in givens())
    print(f"{len(givens())} faults in {matrix.PAGE.name}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
