"""Writes and reads the tar.gz archives of models and outputs; runs in the server around a job or an endpoint."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from pathlib import Path

from trainyard.errors import JobFailed


def pack(directory: Path, target: Path) -> None:
    """Write the contents of `directory` to `target`, which appears complete or not at all.

    Members are sorted, without owner and with time 0, so that equal contents give equal bytes.
    """
    partial = target.with_name(f".{target.name}.partial")
    with (
        partial.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=1, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path in sorted(directory.rglob("*")):
            archive.add(path, arcname=path.relative_to(directory).as_posix(), recursive=False, filter=_anonymous)
    partial.replace(target)


def unpack(archive: Path, target: Path, *, uri: str) -> None:
    """Extract an archive that came from `uri` into the folder `target`; raises `JobFailed` for one that is damaged.

    An archive that would write outside the folder (absolute paths, `..`, links that lead out) is refused as well.
    """
    try:
        with tarfile.open(archive) as members:
            members.extractall(target, filter="data")
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise JobFailed(f"Expected a tar.gz archive at {uri}: {error}.") from error


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = 0
    return member
