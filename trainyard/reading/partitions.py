"""Takes columns out of the names of folders, as `year=2024/month=01/part-0.csv` has them; in Glue and on a laptop.

Spark, Hive and Athena write a table's parts into such folders, and leave these columns out of the files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import unquote

from trainyard.contract.sources import plain_name
from trainyard.contract.values import CANONICAL
from trainyard.reading.model import Found
from trainyard.reading.sql import literal

# What Hive calls the folder of rows without a value.
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


def with_folders(found: Found) -> Found:
    """The table with a column more for each folder `name=value` that its file lies in and whose column it lacks."""
    have = {plain_name(each) for each in found.columns}
    said = {name: value for name, value in folders(found.name).items() if plain_name(name) not in have}
    if not said or not found.columns:
        return found
    rows = found.relation
    if found.empty_rows:
        # Here, for with a value from its folder no row is empty any more.
        cells = ", ".join(f"c{at}" for at in range(found.width))
        rows = f"(SELECT * FROM {rows} WHERE coalesce({cells}) IS NOT NULL)"  # noqa: S608
    digits = found.only_digits and all(len(each) < 19 and CANONICAL.fullmatch(each) for each in said.values())
    return replace(
        found,
        relation=_beside(rows, found.width, values=[_text(each) for each in said.values()]),
        columns=(*found.columns, *said),
        width=found.width + len(said),
        read_as=(*found.read_as, f"{', '.join(said)} from the names of its folders"),
        empty_rows=False,
        only_digits=digits,
        as_integers=_beside(found.as_integers, found.width, values=[f"{each}::BIGINT" for each in said.values()])
        if digits
        else "",
    )


def folders(name: str) -> Mapping[str, str]:
    """The columns in the path of a file, in an archive too, with their values; of two folders the inner one counts."""
    outside = name.rpartition("/")[0]
    parts = [each.rpartition(": ")[2].partition("=") for each in outside.split("/")]
    return {unquote(column).strip(): unquote(value) for column, equals, value in parts if column.strip() and equals}


def _beside(relation: str, width: int, *, values: list[str]) -> str:
    more = ", ".join(f"{value} AS c{width + at}" for at, value in enumerate(values))
    return f"(SELECT *, {more} FROM {relation})"  # noqa: S608 - the values are quoted


def _text(value: str) -> str:
    return "NULL::VARCHAR" if value == NO_VALUE else literal(value)
