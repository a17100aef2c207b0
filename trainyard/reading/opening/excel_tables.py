"""Opens the sheets of workbooks (.xlsx, .xlsm, .xlsb, .xls, .ods); runs in Glue's driver and on a laptop."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import duckdb
from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum, ZipError

from trainyard.contract.sources import FileSettings, Source
from trainyard.errors import BadData
from trainyard.reading.model import Found
from trainyard.reading.opening.csv_tables import csv_table
from trainyard.reading.opening.plain_text import Text
from trainyard.reading.opening.unpacked import require_sheets_fit
from trainyard.reading.sentences import refused

# Rows of a table have texts in most of its columns; titles above it in one or two.
MOST_CELLS = 0.6
JUDGED_ROWS = 50
MAX_ABOVE = 20


@dataclass(frozen=True, kw_only=True)
class _Sheet:
    name: str
    rows: Sequence[Sequence[str]]


def excel_tables(
    connection: duckdb.DuckDBPyConnection, text: Text, *, settings: FileSettings, sources: Sequence[Source]
) -> list[Found]:
    """The tables in a workbook: the sheet that people name, or those that are called like a table, or the first one
    where the file is called like one, or all.

    Cells are what formulas come to; times are ISO, and whole numbers have no fraction.
    """
    sheets = _sheets(text, wanted=settings.sheet)
    named = {
        each.name: source.name for each in sheets for source in sources if source.accepts(each.name.strip().lower())
    }
    if settings.sheet or not named:
        chosen = sheets[:1] if settings.sheet or text.source else sheets
    else:
        chosen = [each for each in sheets if each.name in named]
    given = FileSettings(delimiter=",", quote='"', header=settings.header, decimal=settings.decimal)
    found = []
    for index, sheet in enumerate(chosen):
        path = text.folder / f"sheet-{index}.csv"
        _write(sheet, path)
        several = f" of {len(sheets)}" if len(sheets) > 1 else ""
        here = replace(
            text,
            name=f"{text.name}: {sheet.name}",
            path=path,
            key=f"{text.key}_{index}",
            source=named.get(sheet.name, text.source if not named else ""),
            read_as=(f"Excel, sheet {sheet.name}{several}", *text.read_as),
        )
        table = csv_table(connection, here, settings=given, sources=sources)
        found.append(replace(table, text=None))
    return found


def _sheets(text: Text, *, wanted: str | None) -> list[_Sheet]:
    """The sheets with a table in them, or the one that is wanted; raises BadData where there is none."""
    try:
        require_sheets_fit(text.path, text.name)
        with text.path.open("rb") as file:
            workbook = CalamineWorkbook.from_filelike(file)
        shown = [
            each.name
            for each in workbook.sheets_metadata
            if each.typ == SheetTypeEnum.WorkSheet and (wanted or each.visible == SheetVisibleEnum.Visible)
        ]
        if wanted is not None and wanted not in shown:
            raise BadData(
                [
                    refused(
                        text.name,
                        expected=f"the sheet {wanted}",
                        found=f"the sheets {', '.join(shown)}",
                        advice="correct its name",
                    )
                ]
            )
        names = [wanted] if wanted else shown
        sheets = [_Sheet(name=each, rows=_rows(workbook, each)) for each in names]
    except PasswordError as error:
        raise BadData(
            [
                refused(
                    text.name, expected="a workbook without a password", found="an encrypted one", advice="save it anew"
                )
            ]
        ) from error
    except (CalamineError, ZipError, BadZipFile, OSError, ValueError) as error:
        raise BadData(
            [refused(text.name, expected="a workbook", found=f"a damaged one ({error})", advice="save it anew")]
        ) from error
    found = [each for each in sheets if len(each.rows) > 1]
    if not found:
        raise BadData(
            [refused(text.name, expected="a sheet with a table", found="empty sheets", advice="export it once more")]
        )
    return found


def _rows(workbook: CalamineWorkbook, name: str) -> list[list[str]]:
    """The cells of a sheet as text, without empty columns at both sides, rows at their places."""
    rows = [[_shown(each) for each in row] for row in workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)]
    filled = [index for row in rows for index, each in enumerate(row) if each]
    if not filled:
        return []
    first, last = min(filled), max(filled)
    while rows and not any(rows[-1]):
        rows.pop()
    return [row[first : last + 1] for row in rows]


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value.total_seconds())
    return str(value)


def _write(sheet: _Sheet, path: Path) -> None:
    """The sheet as CSV, in which row n is line n; titles above the table are blank lines."""
    above = _above(sheet.rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        for index, row in enumerate(sheet.rows):
            writer.writerow(row if index >= above and any(row) else [])


def _above(rows: Sequence[Sequence[str]]) -> int:
    """How many rows stand above the table."""
    filled = [sum(map(bool, row)) for row in rows[:JUDGED_ROWS]]
    usual = sorted(each for each in filled if each)[len([each for each in filled if each]) // 2]
    return next((index for index, each in enumerate(filled[:MAX_ABOVE]) if each >= MOST_CELLS * usual), 0)
