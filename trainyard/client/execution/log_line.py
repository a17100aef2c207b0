"""One line of a log as it was read, and what it may say in JSON or of a job's progress; runs on a laptop."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

PROGRESS = re.compile(r"^progress=([01](?:\.\d+)?);\s*(.*)$")


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """One line of a log; `stream` tells a tuning job's training jobs apart."""

    time: datetime
    stream: str
    text: str

    @property
    def progress(self) -> tuple[float, str] | None:
        """Fraction and note, when the line is one of `trainyard.contract.training.progress`."""
        found = PROGRESS.match(self.text)
        return (float(found[1]), found[2]) if found else None


def document(text: str) -> Mapping[str, Any]:
    """The JSON object that a line is; empty for other lines."""
    try:
        found = json.loads(text) if text.startswith("{") else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, Mapping) else {}
