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

from trainyard.contract.file_names import is_debris, unpacked_name
from trainyard.contract.sources import Source
from trainyard.errors import BadData
from trainyard.reading.opening.formats import READ, packing
from trainyard.reading.sentences import refused

CHUNK_BYTES = 2**20
# Tables shrink to a tenth, and of a thousandth only a file of zeros is made: more than this is no table but a trap.
# Small files may be as empty as they like, as long as a thousand of them cannot fill a disk either.
MAX_RATIO = 200
ALWAYS_BYTES = 100 * 2**20
MAX_BYTES = 100 * 2**30
MAX_MEMBERS = 10_000
MAX_DEPTH = 4
# Bit of a member's flags in a zip archive.
ENCRYPTED = 1
DAMAGED = (EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError)


def _open_zstd(path: Path) -> Any:
    # Arrow is loaded for such files only: it takes .1 s.
    import pyarrow as pa

    return pa.CompressedInputStream(pa.OSFile(str(path)), "zstd")


OPENERS: dict[str, Callable[[Path], Any]] = {
    "gzip": gzip.open,
    "bzip2": bz2.open,
    "xz": lzma.open,
    "zstd": _open_zstd,
}


@dataclass(frozen=True, kw_only=True)
class Member:
    """A file that is no archive: `name` as people know it, `inner` its own name, on disk at `path`."""

    name: str
    inner: str
    path: Path
    source: str
    read_as: tuple[str, ...] = ()


def unpacked(file: Member, *, sources: Sequence[Source], folder: Path) -> list[Member]:
    """The files in an upload, without debris; the upload itself where it is not packed.

    Raises BadData for an archive that is damaged, encrypted, empty, or unpacks to more than a table could.
    """
    allowed = allowed_bytes(file.path)
    members = list(_Unpacker(name=file.name, folder=folder, allowed=allowed, left=allowed).files(file, depth=0))
    if not members:
        raise BadData([refused(file.name, expected=f"an archive with {READ}, in it", found="none", advice="pack one")])
    return _with_sources(members, file, sources=sources)


def allowed_bytes(path: Path) -> int:
    """How much may come out of a packed file of this size."""
    return min(max(ALWAYS_BYTES, MAX_RATIO * path.stat().st_size), MAX_BYTES)


def require_sheets_fit(path: Path, name: str) -> None:
    """Raise BadData for a workbook, which is an archive of XML, that says of itself that it is far larger unpacked."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    allowed = allowed_bytes(path)
    if len(members) > MAX_MEMBERS or sum(each.file_size for each in members) > allowed:
        found, advice = f"one that unpacks to more than {allowed:,} bytes, far more than its size", "save it anew"
        raise BadData([refused(name, expected="a workbook of tables", found=found, advice=advice)])


def _with_sources(members: list[Member], file: Member, *, sources: Sequence[Source]) -> list[Member]:
    """Each member with the table that it provides by its own name; by the archive's where no name says anything."""
    found = [
        replace(each, source=next((source.name for source in sources if source.accepts(each.inner)), ""))
        for each in members
    ]
    named = len(members) > 1 and any(each.source for each in found)
    return found if named else [replace(each, source=each.source or file.source) for each in found]


@dataclass(kw_only=True)
class _Unpacker:
    """Unpacks an upload called `name` into a folder, as long as bytes are `left` of those it is `allowed`."""

    name: str
    folder: Path
    allowed: int
    left: int
    members: int = 0
    copies: int = 0

    def files(self, file: Member, *, depth: int) -> Iterator[Member]:
        """The files in a file, in archives in it too."""
        kind = packing(file.path)
        if not kind:
            yield file
            return
        if depth >= MAX_DEPTH:
            raise BadData([refused(file.name, expected="tables", found="archives in archives", advice="pack once")])
        with _readable(file.name, kind):
            members = {"zip": self._zip, "tar": self._tar}.get(kind, self._stream)
            for member in members(file, kind):
                yield from self.files(member, depth=depth + 1)

    def _stream(self, file: Member, kind: str) -> Iterator[Member]:
        """The one file in a packed stream; people see it under the name of the stream."""
        with OPENERS[kind](file.path) as packed:
            path = self._copied(packed)
        # A tar archive in a stream is often called .tgz.
        inner = unpacked_name(file.inner).removesuffix(".tgz")
        yield replace(file, inner=inner, path=path, read_as=(*file.read_as, kind))

    def _zip(self, file: Member, kind: str) -> Iterator[Member]:
        with zipfile.ZipFile(file.path) as archive:
            for info in archive.infolist():
                self._count()
                if info.is_dir() or is_debris(info.filename):
                    continue
                if info.flag_bits & ENCRYPTED:
                    expected, found = "an archive without a password", "an encrypted one"
                    raise BadData([refused(file.name, expected=expected, found=found, advice="pack it anew")])
                with archive.open(info) as packed:
                    yield _member(file, info.filename, path=self._copied(packed), kind=kind)

    def _tar(self, file: Member, kind: str) -> Iterator[Member]:
        with tarfile.open(file.path, "r:") as archive:
            for info in archive:
                self._count()
                packed = None if is_debris(info.name) else archive.extractfile(info)
                if packed is not None:
                    yield _member(file, info.name, path=self._copied(packed), kind=kind)

    def _copied(self, packed: IO[bytes]) -> Path:
        self.copies += 1
        path = self.folder / f"unpacked-{self.copies}"
        with path.open("wb") as copy:
            while chunk := packed.read(CHUNK_BYTES):
                self.left -= len(chunk)
                if self.left < 0:
                    found = f"an archive that unpacks to far more than its size (to more than {self.allowed:,} bytes)"
                    raise self._trap(found)
                copy.write(chunk)
        return path

    def _count(self) -> None:
        """One more member, of whatever kind: to pass over millions takes its time too."""
        self.members += 1
        if self.members > MAX_MEMBERS:
            raise self._trap(f"an archive of more than {MAX_MEMBERS:,} files")

    def _trap(self, found: str) -> BadData:
        return BadData([refused(self.name, expected="an archive of tables", found=found, advice="pack it anew")])


def _member(file: Member, name: str, *, path: Path, kind: str) -> Member:
    if PurePosixPath(name).name == "run.json":
        found, advice = "run.json among them", "put it beside the archive"
        raise BadData([refused(file.name, expected="tables in the archive", found=found, advice=advice)])
    read_as = file.read_as if kind in file.read_as else (*file.read_as, kind)
    return replace(file, name=f"{file.name}: {name}", inner=name, path=path, read_as=read_as)


def _damage(kind: str) -> tuple[type[Exception], ...]:
    """What is raised about damaged bytes of this kind."""
    if kind != "zstd":
        return DAMAGED
    import pyarrow as pa

    return (*DAMAGED, pa.ArrowException)


@contextmanager
def _readable(name: str, kind: str) -> Iterator[None]:
    """Turn what unpacking raises about damaged bytes into one sentence."""
    damaged = _damage(kind)
    unusual: tuple[type[Exception], ...] = (NotImplementedError, RuntimeError, ValueError)
    try:
        yield
    except damaged + unusual as error:
        known = isinstance(error, damaged)
        found = f"a damaged one ({error})" if known else f"one that is packed in an unusual way ({error})"
        raise BadData([refused(name, expected=f"a {kind} file", found=found, advice="pack it anew")]) from error
