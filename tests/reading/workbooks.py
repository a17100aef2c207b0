"""Writes small workbooks in the format of Excel, for tests."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from xml.sax.saxutils import escape

Cell = str | float | bool | date | datetime | None
EPOCH = datetime(1899, 12, 30)
HIDDEN = " state='hidden'"
NAMESPACE = "http://schemas.openxmlformats.org"


def write(path: Path, sheets: Mapping[str, Sequence[Sequence[Cell]]], *, hidden: Sequence[str] = ()) -> bytes:
    """Write sheets of rows of cells to `path` and return its bytes; style 1 is that of dates."""
    numbered = list(enumerate(sheets, start=1))
    names = "".join(
        f'<sheet name="{escape(name)}" sheetId="{number}" r:id="r{number}"{HIDDEN * (name in hidden)}/>'
        for number, name in numbered
    )
    relations = "".join(
        f'<Relationship Id="r{number}" Type="{NAMESPACE}/officeDocument/2006/relationships/worksheet" '
        f'Target="worksheets/sheet{number}.xml"/>'
        for number, _ in numbered
    )
    main = f'xmlns="{NAMESPACE}/spreadsheetml/2006/main" xmlns:r="{NAMESPACE}/officeDocument/2006/relationships"'
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{NAMESPACE}/package/2006/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{NAMESPACE}/package/2006/relationships"><Relationship Id="w" Type='
        f'"{NAMESPACE}/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f"<workbook {main}><sheets>{names}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{NAMESPACE}/package/2006/relationships">{relations}'
        f'<Relationship Id="s" Type="{NAMESPACE}/officeDocument/2006/relationships/styles" Target="styles.xml"/>'
        "</Relationships>",
        "xl/styles.xml": f'<styleSheet {main}><cellXfs><xf numFmtId="0"/><xf numFmtId="22"/></cellXfs></styleSheet>',
    }
    for number, name in numbered:
        rows = "".join(
            f'<row r="{line}">{"".join(_cell(each, line, place) for place, each in enumerate(row))}</row>'
            for line, row in enumerate(sheets[name], start=1)
        )
        parts[f"xl/worksheets/sheet{number}.xml"] = f"<worksheet {main}><sheetData>{rows}</sheetData></worksheet>"
    with zipfile.ZipFile(path, "w") as archive:
        for part, text in parts.items():
            archive.writestr(part, text)
    return path.read_bytes()


def _cell(value: Cell, line: int, place: int) -> str:
    where = f'r="{chr(ord("A") + place)}{line}"'
    if value is None:
        return ""
    if isinstance(value, bool):
        return f'<c {where} t="b"><v>{int(value)}</v></c>'
    if isinstance(value, date):
        moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
        return f'<c {where} s="1"><v>{(moment - EPOCH).total_seconds() / 86400!r}</v></c>'
    if isinstance(value, str):
        return f'<c {where} t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    return f"<c {where}><f>1*{value!r}</f><v>{value!r}</v></c>"


def write_open(path: Path, sheets: Mapping[str, Sequence[Sequence[str | float]]]) -> bytes:
    """The same in the format of LibreOffice."""
    uri = "urn:oasis:names:tc:opendocument:xmlns"
    tables = "".join(
        f'<table:table table:name="{escape(name)}">'
        + "".join(f"<table:table-row>{''.join(map(_open_cell, row))}</table:table-row>" for row in rows)
        + "</table:table>"
        for name, rows in sheets.items()
    )
    names = " ".join(f'xmlns:{each}="{uri}:{each}:1.0"' for each in ("office", "table", "text"))
    body = f"<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body>"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", f'<manifest:manifest xmlns:manifest="{uri}:manifest:1.0"/>')
        archive.writestr("content.xml", f"<office:document-content {names}>{body}</office:document-content>")
    return path.read_bytes()


def _open_cell(value: str | float) -> str:
    kind = "string" if isinstance(value, str) else f'float" office:value="{value}'
    text = escape(str(value))
    return f'<table:table-cell office:value-type="{kind}"><text:p>{text}</text:p></table:table-cell>'
