"""Leaves out of a query what no partition of the catalogue names, such as half a scoring; runs in the server.

MiniStack reads every file below the location of a table. Athena reads the partitions that are registered, or that the
table computes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ministack.services import athena, glue

from local_cloud.athena import projection

Relation = Callable[[dict[str, Any], Sequence[str]], str]


def only_registered(relation: Relation) -> Relation:
    """A relation of DuckDB over the files of registered partitions, where a table has partitions."""

    def registered(table: dict[str, Any], files: Sequence[str]) -> str:
        if not table.get("PartitionKeys"):
            return relation(table, files)
        kept = projection.kept(table, files) if projection.is_projected(table) else _registered(table, files)
        return relation(table, kept) if kept else str(athena._empty_relation(table))

    return registered


def _registered(table: dict[str, Any], files: Sequence[str]) -> list[str]:
    folders = _folders(table)
    return [path for path in files if any(f"/{folder}/" in path for folder in folders)]


def _folders(table: dict[str, Any]) -> list[str]:
    """The folders of the registered partitions, below the location of the table."""
    location = table["StorageDescriptor"]["Location"].rstrip("/") + "/"
    found = glue._partitions.get(f"{table['DatabaseName']}/{table['Name']}", [])
    locations = (each["StorageDescriptor"]["Location"] for each in found)
    return [each.removeprefix(location).strip("/") for each in locations if each.startswith(location)]
