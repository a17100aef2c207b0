"""Which files of the repository are deployed with which part, and the hash that names their version."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHARED = ("trainyard", "recipes")
SHELLS = ("lambdas", "glue_jobs", "processing_container", "training_container")
# The command line never runs in the cloud, and documents change nothing there: editing them must not deploy anything.
LEFT_OUT = ("trainyard/cli", "trainyard/client")
SUFFIXES = {".py", ".txt", ".j2", ".css", ""}


def allow_list(*folders: str) -> list[str]:
    """Docker ignore patterns that let through only the deployed files of `folders`."""
    allowed = [pattern for each in folders for pattern in (f"!{each}", f"!{each}/**")]
    return ["**", *allowed, "**/__pycache__", "**/*.md", "**/*.in", *LEFT_OUT]


def files(*folders: str) -> Iterator[Path]:
    """The deployed files of `folders`, relative to the repository root, in a fixed order."""
    for folder in sorted(folders):
        for path in sorted((ROOT / folder).rglob("*")):
            relative = path.relative_to(ROOT)
            left_out = "__pycache__" in relative.parts or relative.as_posix().startswith(LEFT_OUT)
            if path.is_file() and path.suffix in SUFFIXES and not left_out:
                yield relative


def copy(target: Path, *folders: str) -> None:
    """Copy the deployed files of `folders` to `target`, keeping their paths."""
    for each in files(*folders):
        (target / each).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / each, target / each)


def code_version() -> str:
    """Twelve hex digits that change with any deployed file; written beside every model."""
    digest = hashlib.sha256()
    for each in files(*SHARED, *SHELLS):
        digest.update(each.as_posix().encode() + b"\0" + (ROOT / each).read_bytes() + b"\0")
    return digest.hexdigest()[:12]
