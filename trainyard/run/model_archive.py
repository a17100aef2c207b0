"""Reads a trained model's archive and the `model.json` that every model carries."""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from trainyard.errors import JobFailed
from trainyard.run.document import Document


@dataclass(frozen=True, kw_only=True)
class ModelCard(Document):
    """What made a model: enough to make it again. `libraries` has the versions of those that trained it."""

    FILE: ClassVar[str] = "model.json"

    recipe: str
    run_id: str
    dataset: str = ""
    fingerprint: str = ""
    code_version: str = ""
    seed: int = 0
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    objects: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    libraries: Mapping[str, str] = field(default_factory=dict)


def unpack(folder: Path, destination: Path) -> Path:
    """Extract the one `model.tar.gz` that SageMaker put into `folder`. Raises JobFailed when there is none."""
    archive = folder / "model.tar.gz"
    if not archive.is_file():
        found = ", ".join(sorted(each.name for each in folder.iterdir())) if folder.is_dir() else "no folder"
        raise JobFailed(f"Expected model.tar.gz in {folder.name}, found {found or 'nothing'}.")
    with tarfile.open(archive) as tar:
        # The data filter refuses absolute paths, links out of the folder and device files.
        tar.extractall(destination, filter="data")
    return destination
