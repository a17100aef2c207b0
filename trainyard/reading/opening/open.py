"""Opens an uploaded file of any packing, format, encoding and layout: the plain tables in it; runs in Glue's driver."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import duckdb

from trainyard.contract.sources import FileSettings, Source
from trainyard.errors import BadData
from trainyard.reading.model import Found, LocalFile
from trainyard.reading.opening.csv_tables import csv_table
from trainyard.reading.opening.drawn_tables import undrawn
from trainyard.reading.opening.excel_tables import excel_tables
from trainyard.reading.opening.formats import OLD_WORKBOOK_MAGIC, PARQUET_MAGIC, ZIP, check
from trainyard.reading.opening.json_tables import json_shape, json_table
from trainyard.reading.opening.labelled_lines import COLUMNS, is_labelled, unlabelled
from trainyard.reading.opening.parquet_tables import parquet_table
from trainyard.reading.opening.plain_text import Text, as_utf8, legible
from trainyard.reading.opening.samples import sample
from trainyard.reading.opening.unpacked import Member, unpacked
from trainyard.reading.partitions import with_folders

HEAD_BYTES = 512


def found_tables(
    connection: duckdb.DuckDBPyConnection,
    file: LocalFile,
    *,
    settings: FileSettings,
    sources: Sequence[Source],
    scratch: Path,
    of_member: Callable[[str, str], FileSettings] | None = None,
) -> list[Found]:
    """The tables in an uploaded file, as `settings` say or as they are detected.

    Files in an archive have settings of their own where `of_member` gives them, by the name that people know and the
    table that the file's name stands for (or nothing). What is unpacked, converted or repaired lies in a folder of its
    own in `scratch`. Raises BadData with one sentence for a file that cannot be understood.
    """
    folder = Path(tempfile.mkdtemp(prefix="open_", dir=scratch))
    upload = Member(name=file.name, inner=file.name, path=file.path, source=file.source)
    members = unpacked(upload, sources=sources, folder=folder)
    found: list[Found] = []
    problems: list[str] = []
    for index, member in enumerate(members):
        text = _text(member, folder, index=index)
        own = settings if of_member is None else of_member(member.name, member.source)
        try:
            found += map(with_folders, _tables(connection, text, settings=own, sources=sources))
        except BadData as problem:
            if member.source:
                raise
            problems += problem.problems
    # What lies in an archive beside tables, and is none itself, nobody has asked for.
    if not found:
        raise BadData(problems[:1])
    return found


def _text(member: Member, folder: Path, *, index: int) -> Text:
    place = folder / f"member-{index}"
    place.mkdir()
    return Text(
        name=member.name,
        path=member.path,
        key=f"{folder.name}_{index}",
        folder=place,
        source=member.source,
        read_as=member.read_as,
    )


def _tables(
    connection: duckdb.DuckDBPyConnection, text: Text, *, settings: FileSettings, sources: Sequence[Source]
) -> list[Found]:
    with text.path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if head.startswith(PARQUET_MAGIC):
        return [parquet_table(connection, text)]
    if head.startswith((OLD_WORKBOOK_MAGIC, *ZIP)):
        return excel_tables(connection, text, settings=settings, sources=sources)
    check(text.name, head)
    text = as_utf8(text, encoding=settings.encoding)
    shape = json_shape(legible(sample(text.path).head))
    if shape:
        return [json_table(connection, text, shape=shape)]
    if is_labelled(text):
        labelled = replace(settings, delimiter=",", quote='"', header=False)
        found = csv_table(connection, unlabelled(text), settings=labelled, sources=sources)
        return [replace(found, columns=COLUMNS)]
    return [csv_table(connection, undrawn(text), settings=settings, sources=sources)]
