"""What a check for drift is about: which kept requests are looked at, and beside what; written by Resolve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from trainyard.run.document import Document
from trainyard.run.watch.profile import TableProfile

# In SageMaker's form: the keys of the files that a job gets.
MANIFEST_FILE = "captured.manifest"


@dataclass(frozen=True, kw_only=True)
class DriftCheck(Document):
    """The requests of the last `hours` that the model of the run `model_run` answered, of `files` of `found` files.

    `tables` are the profiles of what the model was trained on, `answers` that of what it said of held-out rows, where
    it has one. Fields that are `never_kept` say nothing.
    """

    FILE: ClassVar[str] = "drift_check.json"

    model_run: str
    hours: int
    files: int
    found: int
    tables: Mapping[str, TableProfile]
    answers: TableProfile | None = None
    never_kept: tuple[str, ...] = field(default=())
