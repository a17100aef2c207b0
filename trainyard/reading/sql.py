"""Names, texts and patterns as they stand in a query of DuckDB's; runs in Glue's driver and on a laptop."""

from __future__ import annotations


def identifier(name: str) -> str:
    """A name quoted for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text quoted for SQL."""
    return "'" + text.replace("'", "''") + "'"


def matches(text: str, pattern: str) -> str:
    """Whether all of a text (an SQL expression) is what a regular expression says."""
    return f"regexp_full_match({text}, {literal(pattern)})"
