"""What a finished stage was made from, and its files: by this another run knows whether it may take them over."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from trainyard.run.document import Document
from trainyard.run.run import Run
from trainyard.run.stage import Stage

# The stages before training, each of which reads what the one before it wrote.
REUSABLE = (Stage.INGEST, Stage.PREPARE, Stage.PROCESS)


@dataclass(frozen=True, kw_only=True)
class StageRecord(Document):
    """A stage that came to its end, in the folder of what it made; written after all of that.

    `inputs` identifies what it read: the versions of the uploaded files (`identity_of_files`), or the `identity` of the
    stage before it. `code` is the digest of the code that it ran, `settings` the settings that it read by their paths,
    `objects` its files by their names with their entity tags. `origin` is the run that computed it: another one than
    the run it lies in where it was reused.
    """

    FILE: ClassVar[str] = "stage_record.json"

    recipe: str
    stage: Stage
    inputs: str
    code: str
    origin: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    objects: Mapping[str, str] = field(default_factory=dict)

    @property
    def identity(self) -> str:
        """Equal where the same code made it of the same inputs with the same settings."""
        return digest(self.recipe, self.stage, self.inputs, self.code, self.settings)


def identity_of_files(run: Run) -> str:
    """What the first stage of a run reads; empty for a run without files, whose database has no versions."""
    if not run.files:
        return ""
    files = sorted((each.key, each.version_id, each.source) for each in run.files)
    # Whether sentences may quote the data is nobody's setting, and yet in what ingest writes.
    return digest(files, run.show_cells)


def digest(*parts: Any) -> str:
    """SHA-256 of JSON values, in hex."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
