"""Reads a trained model's archive and the `model.json` that every model carries."""

from __future__ import annotations

import json
import tarfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from trainyard.errors import JobFailed

MODEL_FILE = "model.json"


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """What made a model: enough to make it again."""

    recipe: str
    run_id: str
    dataset: str
    fingerprint: str
    code_version: str
    seed: int
    hyperparameters: dict[str, Any]
    config: dict[str, Any]
    objects: dict[str, str]
    metrics: dict[str, float]

    def write(self, directory: Path) -> None:
        (directory / MODEL_FILE).write_text(json.dumps(asdict(self), indent=2, sort_keys=True), encoding="utf-8")

    @classmethod
    def read(cls, directory: Path) -> ModelCard:
        return cls(**json.loads((directory / MODEL_FILE).read_text(encoding="utf-8")))


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
