"""Names, texts and patterns as they stand in a query of DuckDB's; runs in Glue's driver and on a laptop."""

from __future__ import annotations

import re
from pathlib import Path


def identifier(name: str) -> str:
    """A name quoted for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text quoted for SQL."""
    return "'" + text.replace("'", "''") + "'"


def one_file(path: Path) -> str:
    """The arguments by which DuckDB reads this file and no other, and nothing out of its path.

    What makes a pattern of a name (`*`, `?`, `[`) stands for itself, and a folder `kind=book` is no column.
    """
    itself = re.sub(r"[*?[]", r"[\g<0>]", str(path))
    return f"{literal(itself)}, hive_partitioning = false"


def matches(text: str, pattern: str) -> str:
    """Whether all of a text (an SQL expression) is what a regular expression says."""
    return f"regexp_full_match({text}, {literal(pattern)})"
