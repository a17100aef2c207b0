"""Unpacks what people upload, by what its bytes are rather than its name; runs in Glue's driver and on a laptop."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import IO, Any

import pyarrow as pa

from trainyard.contract.file_names import is_debris, unpacked_name
from trainyard.contract.sources import Source
from trainyard.errors import BadData
from trainyard.reading.encoding import wide
from trainyard.reading.sentences import refused

CHUNK_BYTES = 2**20
# Tables shrink to a tenth, and of a thousandth only a file of zeros is made: more than this is no table but a trap.
# Small files may be as empty as they like, for they cannot fill a disk.
MAX_RATIO = 200
ALWAYS_BYTES = 2**30
MAX_BYTES = 100 * 2**30
MAX_MEMBERS = 10_000
MAX_DEPTH = 4
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
}
PARQUET_MAGIC = b"PAR1"
OLD_WORKBOOK_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# Of text: tabs, line ends, form feeds, the separators of Hive and of old databases, and escapes.
TEXT_CONTROLS = b"\0\x01\x02\t\n\x0b\f\r\x1b\x1c\x1d\x1e\x1f\x1a"
MAX_CONTROLS = 0.02
READ = "CSV, Parquet, JSON, Excel or plain text, packed or not,"


@dataclass(frozen=True, kw_only=True)
class Member:
    """A file that is no archive: `name` as people know it, `inner` its own name, on disk at `path`."""

    name: str
    inner: str
    path: Path
    source: str
    read_as: tuple[str, ...] = ()


@dataclass
class _Budget:
    """How many bytes may still be unpacked of one upload, and how many members."""

    name: str
    left: int
    members: int = MAX_MEMBERS

    def spend(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            found = "an archive that unpacks to far more than its size"
            raise BadData([_refused(self.name, "an archive of tables", found, "pack the tables once more")])


def unpacked(file: Member, *, sources: Sequence[Source], folder: Path) -> list[Member]:
    """The files in an upload, without debris; the upload itself where it is not packed.

    Raises BadData for an archive that is damaged, encrypted, empty, or unpacks to more than a table could.
    """
    size = file.path.stat().st_size
    budget = _Budget(name=file.name, left=min(max(ALWAYS_BYTES, MAX_RATIO * size), MAX_BYTES))
    members = list(_unpacked(file, folder, budget=budget, depth=0))
    if not members:
        raise BadData([_refused(file.name, f"an archive with {READ}", "none in it", "pack the tables")])
    return _with_sources(members, file, sources)


def _with_sources(members: list[Member], file: Member, sources: Sequence[Source]) -> list[Member]:
    """Each member with the table that it provides by its own name; by the archive's where no name says anything."""
    found = [
        replace(each, source=next((source.name for source in sources if source.accepts(each.inner)), ""))
        for each in members
    ]
    named = len(members) > 1 and any(each.source for each in found)
    return found if named else [replace(each, source=each.source or file.source) for each in found]


def _unpacked(file: Member, folder: Path, *, budget: _Budget, depth: int) -> Iterator[Member]:
    with file.path.open("rb") as opened:
        head = opened.read(512)
    kind = next((kind for magic, kind in STREAMS.items() if head.startswith(magic)), "")
    archive = head.startswith(ZIP) and not is_workbook(file.path)
    tar = head[TAR_MARK] == b"ustar"
    if not kind and not archive and not tar:
        _know(file, head)
        yield file
        return
    if depth >= MAX_DEPTH:
        raise BadData([_refused(file.name, "tables", "archives in archives", "pack the tables once")])
    with _readable(file, kind or ("zip" if archive else "tar")):
        members = [_stream(file, kind, folder, budget=budget)] if kind else None
        for member in members or (_zip if archive else _tar)(file, folder, budget=budget):
            yield from _unpacked(member, folder, budget=budget, depth=depth + 1)


def is_workbook(path: Path) -> bool:
    """Whether a file that begins as a zip archive is a workbook."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            return any(each in names for each in WORKBOOK_MEMBERS[:2]) or {"mimetype", WORKBOOK_MEMBERS[2]} <= names
    except (zipfile.BadZipFile, OSError, ValueError):
        return False


def _stream(file: Member, kind: str, folder: Path, *, budget: _Budget) -> Member:
    """The one file in a packed stream; people see it under the name of the stream."""
    openers: dict[str, Callable[[Path], Any]] = {
        "gzip": gzip.open,
        "bzip2": bz2.open,
        "xz": lzma.open,
        "zstd": lambda path: pa.CompressedInputStream(pa.OSFile(str(path)), "zstd"),
    }
    with openers[kind](file.path) as packed:
        path = _copied(packed, folder, budget=budget)
    inner = unpacked_name(file.inner)
    # A tar archive in a stream is often called .tgz.
    return replace(file, inner=inner.removesuffix(".tgz"), path=path, read_as=(*file.read_as, kind))


def _zip(file: Member, folder: Path, *, budget: _Budget) -> Iterator[Member]:
    with zipfile.ZipFile(file.path) as archive:
        for info in archive.infolist():
            if info.is_dir() or is_debris(info.filename):
                continue
            if info.flag_bits & 1:
                raise BadData([_refused(file.name, "an archive without a password", "an encrypted one", "pack it anew")])
            with archive.open(info) as packed:
                yield _member(file, info.filename, path=_copied(packed, folder, budget=budget), kind="zip")


def _tar(file: Member, folder: Path, *, budget: _Budget) -> Iterator[Member]:
    with tarfile.open(file.path, "r:") as archive:
        for info in archive:
            if not info.isfile() or is_debris(info.name):
                continue
            packed = archive.extractfile(info)
            assert packed is not None
            yield _member(file, info.name, path=_copied(packed, folder, budget=budget), kind="tar")


def _member(file: Member, name: str, *, path: Path, kind: str) -> Member:
    if PurePosixPath(name).name == "run.json":
        advice = "put it beside the archive"
        raise BadData([_refused(file.name, "tables in the archive", "run.json among them", advice)])
    read_as = file.read_as if kind in file.read_as else (*file.read_as, kind)
    return replace(file, name=f"{file.name}: {name}", inner=name, path=path, read_as=read_as)


def _copied(packed: IO[bytes] | Any, folder: Path, *, budget: _Budget) -> Path:
    budget.members -= 1
    if budget.members < 0:
        budget.spend(budget.left + 1)
    path = folder / f"unpacked-{MAX_MEMBERS - budget.members}"
    with path.open("wb") as copy:
        while chunk := packed.read(CHUNK_BYTES):
            budget.spend(len(chunk))
            copy.write(chunk)
    return path


@contextmanager
def _readable(file: Member, kind: str) -> Iterator[None]:
    """Turn what unpacking raises about damaged bytes into one sentence."""
    damaged = (EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError, pa.ArrowException)
    try:
        yield
    except (*damaged, NotImplementedError, RuntimeError, ValueError) as error:
        known = isinstance(error, damaged)
        found = f"a damaged one ({error})" if known else f"one that is packed in an unusual way ({error})"
        raise BadData([_refused(file.name, f"a {kind} file", found, "pack it once more")]) from error


def _know(file: Member, head: bytes) -> None:
    """Raise BadData for what is no table: nothing, a format that nobody here reads, bytes that are no text."""
    if not head:
        raise BadData([_refused(file.name, "a table", "an empty file", "export it once more")])
    found = next((what for magic, what in UNKNOWN.items() if head.startswith(magic)), "")
    known = head.startswith((*ZIP, PARQUET_MAGIC, OLD_WORKBOOK_MAGIC))
    if not found and not known and not wide(head) and _controls(head) > MAX_CONTROLS * len(head):
        found = "bytes of no format that is known"
    if found:
        raise BadData([_refused(file.name, READ.rstrip(","), found, "export the table in one of these")])


def _controls(head: bytes) -> int:
    """How many bytes no text has; the NUL bytes of dumps, which come one by one, are left out."""
    return sum(each < 32 and each not in TEXT_CONTROLS for each in head)


def _refused(name: str, expected: str, found: str, advice: str) -> str:
    return refused(name, expected=expected, found=found, advice=advice)
