"""Says what a recipe would make of files, without a cloud: reads them as the workflow would; runs on a laptop."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from trainyard.client.dataset.data_folder import files_below
from trainyard.contract.config import RecipeConfig
from trainyard.contract.file_names import FORMATS
from trainyard.contract.quality import Quality
from trainyard.contract.sources import Source
from trainyard.errors import NotFound
from trainyard.glue import engine
from trainyard.reading.column_questions import some
from trainyard.reading.model import LocalFile, Reading
from trainyard.reading.read import read
from trainyard.reading.sql import identifier
from trainyard.run import recipe
from trainyard.run.folders import OVERRIDES_FILE
from trainyard.stages.ingest import database_extract

# Of a longer file of lines only so much is looked at: what the rest is like shows when it is ingested.
LOOKED_AT_BYTES = 64 * 2**20
PREVIEW_ROWS = 5


@dataclass(frozen=True, kw_only=True)
class Preview:
    """The first rows of a table as they would be read: names and types of its columns, and cells as text.

    Columns without any value, such as those that no file has, are left out.
    """

    table: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str | None, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Looked:
    """How files were read, each table's first rows, and its Parquet files. `cut` names files read in part."""

    quality: Quality
    previews: tuple[Preview, ...]
    cut: tuple[str, ...]
    tables: Mapping[str, Sequence[Path]]
    config: RecipeConfig


def look(recipe_name: str, directory: Path, *, settings: Mapping[str, Any], scratch: Path) -> Looked:
    """Read the files of a folder as the ingest job would.

    Raises NotFound for a folder that does not exist or holds no data.
    """
    config = recipe.config(recipe_name, settings)
    sources = recipe.sources(recipe_name, config)
    given = data_files(directory, sources, config=config)
    if not given:
        raise NotFound(
            f"Expected a folder with data for recipe {recipe_name}, found no file of data in {directory}"
            f"{_instead(directory, sources, config=config)}."
        )
    files = [_bounded(each, scratch) for each in given]
    found = read_tables(recipe_name, files, sources=sources, config=config, scratch=scratch)
    with duckdb.connect() as connection:
        previews = [_preview(connection, name, parts=parts) for name, parts in found.tables.items() if parts]
    cut = tuple(each.name for each, whole in zip(files, given, strict=True) if each.path != whole.path)
    return Looked(
        quality=found.quality,
        previews=tuple(each for each in previews if each.rows),
        cut=cut,
        tables=found.tables,
        config=config,
    )


def judge(recipe_name: str, looked: Looked, *, scratch: Path) -> Quality:
    """What the recipe says of tables that could be read; nothing of others. It takes longer than to look at them."""
    if not looked.quality.ok:
        return Quality()
    running = engine.start("duckdb", scratch)
    try:
        opened = {name: running.read([str(each) for each in parts]) for name, parts in looked.tables.items() if parts}
        judged: Quality = recipe.module(recipe_name, "prepare").check(opened, looked.config)
    finally:
        running.close()
    return judged


def read_tables(
    recipe_name: str, files: Sequence[LocalFile], *, sources: Sequence[Source], config: RecipeConfig, scratch: Path
) -> Reading:
    """The tables, out of a database where one of the files is one, as in the ingest job."""
    databases = database_extract.sqlite_tables(sources)
    database = next((each for each in files if each.source in databases), None)
    if database is None:
        return read(files, sources, settings=config.files, max_bad_share=config.data.max_bad_share, scratch=scratch)
    # Its lines of progress are for the log of a job.
    with redirect_stdout(io.StringIO()):
        quality = database_extract.extract_file(recipe_name, database, config=config, scratch=scratch)
    folders = sorted(each for each in scratch.iterdir() if each.is_dir())
    return Reading(quality=quality, tables={each.name: tuple(sorted(each.glob("*.parquet"))) for each in folders})


def data_files(directory: Path, sources: Sequence[Source], *, config: RecipeConfig) -> list[LocalFile]:
    """The files below a folder that may hold data, with the table that each provides by its name."""
    if not directory.is_dir():
        raise NotFound(f"Expected a folder with files to check, found none at {directory}.")
    found = files_below(directory, sources, settings=config.files)
    return [
        LocalFile(name=name, path=each.path, source=each.table)
        for name, each in found.items()
        if each.table is not None
    ]


def _instead(directory: Path, sources: Sequence[Source], *, config: RecipeConfig) -> str:
    """What there is instead, which may be a table all the same: descriptions of data, and files of other endings."""
    below = [each for each in files_below(directory, sources, settings=config.files) if each != OVERRIDES_FILE]
    if names := [each for each in below if each.lower().endswith(".md")]:
        advice = "save the table in it as CSV, or as a file ending in .txt"
        return f" but {some(names)}, which counts as a description; {advice}"
    if names := [each for each in below if not each.rpartition("/")[2].startswith(".")]:
        return f" but {some(names)}; what can be read ends in {', '.join(FORMATS)}, packed or not: rename or save it so"
    return ""


def _bounded(file: LocalFile, scratch: Path) -> LocalFile:
    """The file, or its beginning where it is long and made of lines."""
    if file.path.stat().st_size <= LOOKED_AT_BYTES:
        return file
    with file.path.open("rb") as whole:
        head = whole.read(LOOKED_AT_BYTES)
    end = head.rfind(b"\n") + 1
    if b"\0" in head[:4096] or not end:
        return file
    cut = scratch / f"head-{len(list(scratch.iterdir()))}"
    cut.write_bytes(head[:end])
    return LocalFile(name=file.name, path=cut, source=file.source)


def _preview(connection: duckdb.DuckDBPyConnection, table: str, *, parts: Sequence[Path]) -> Preview:
    rows = connection.read_parquet([str(each) for each in parts], union_by_name=True)
    filled = rows.aggregate(", ".join(f"count({identifier(each)})" for each in rows.columns)).fetchall()[0]
    kept = [name for name, values in zip(rows.columns, filled, strict=True) if values] or rows.columns
    shown = rows.select(*(duckdb.ColumnExpression(each) for each in kept)).limit(PREVIEW_ROWS)
    columns = tuple(zip(shown.columns, (str(each).lower() for each in shown.types), strict=True))
    cells = tuple(tuple(_cell(value) for value in row) for row in shown.fetchall())
    return Preview(table=table, columns=columns, rows=cells)


def _cell(value: Any) -> str | None:
    if value is None:
        return None
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, list | dict) else str(value)
