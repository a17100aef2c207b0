"""Writes tar.gz files whose bytes depend on the contents only; runs in the server after a training job."""

from __future__ import annotations

import gzip
import tarfile
from pathlib import Path


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


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = 0
    return member
