"""What the first bytes of a file say about its packing and format; runs in Glue's driver and on a laptop."""

from __future__ import annotations

import zipfile
from pathlib import Path

from trainyard.errors import BadData
from trainyard.reading.opening.encoding import wide
from trainyard.reading.sentences import refused

STREAMS: dict[bytes, str] = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\xfd7zXZ\x00": "xz",
}
ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
TAR_MARK = slice(257, 262)
# A workbook is an archive too: these members tell.
WORKBOOK_MEMBERS = ("xl/workbook.xml", "xl/workbook.bin", "content.xml")
# Of formats that nobody here reads.
UNKNOWN = {
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"SQLite format 3": "an SQLite database",
    b"ARROW1": "an Arrow file",
    b"ORC": "an ORC file",
    b"Obj\x01": "an Avro file",
    b"\x89HDF": "an HDF5 file",
    b"%PDF": "a PDF document",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    # Text that is no table: what servers answer instead of a file, and what stands for one.
    b"<?xml": "an XML document",
    b"<html": "a web page",
    b"<!doctype html": "a web page",
    b"<error": "an error of a server",
    b"version https://git-lfs": "a pointer of Git LFS instead of the file",
    b"-- mysql dump": "a dump of a database",
    b"insert into": "a dump of a database",
}
PARQUET_MAGIC = b"PAR1"
OLD_WORKBOOK_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# Of text: tabs, line ends, form feeds, the separators of Hive and of old databases, and escapes.
TEXT_CONTROLS = b"\0\x01\x02\t\n\x0b\f\r\x1b\x1c\x1d\x1e\x1f\x1a"
MAX_CONTROLS = 0.02
READ = "CSV, Parquet, JSON, Excel or plain text, packed or not"


def packing(path: Path) -> str:
    """What a file is packed with, empty where it is not; a workbook is no archive."""
    with path.open("rb") as file:
        head = file.read(TAR_MARK.stop)
    if head.startswith(ZIP):
        return "" if is_workbook(path) else "zip"
    if head[TAR_MARK] == b"ustar":
        return "tar"
    return next((kind for magic, kind in STREAMS.items() if head.startswith(magic)), "")


def is_workbook(path: Path) -> bool:
    """Whether a file that begins as a zip archive is a workbook."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            return any(each in names for each in WORKBOOK_MEMBERS[:2]) or {"mimetype", WORKBOOK_MEMBERS[2]} <= names
    except (zipfile.BadZipFile, OSError, ValueError):
        return False


def check(name: str, head: bytes) -> None:
    """Raise BadData for what is no table: nothing, a format that nobody here reads, bytes that are no text."""
    if not head:
        raise BadData([refused(name, expected="a table", found="an empty file", advice="export it once more")])
    found = next(
        (what for magic, what in UNKNOWN.items() if _text_of(head).startswith(magic) or head.startswith(magic)), ""
    )
    if not found and not wide(head) and _controls(head) > MAX_CONTROLS * len(head):
        found = "bytes of no format that is known"
    if found:
        raise BadData([refused(name, expected=READ, found=found, advice="export the table in one of these")])


def _text_of(head: bytes) -> bytes:
    return head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()


def _controls(head: bytes) -> int:
    """How many bytes no text has; the NUL bytes of dumps, which come one by one, are left out."""
    return sum(each < 32 and each not in TEXT_CONTROLS for each in head)
