"""The outcome of a data check, as written beside the data it judges and read by the state machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from trainyard.contract.quoting import printable

QUALITY_FILE = "quality.json"
MAX_PROBLEMS = 20
MAX_SENTENCE = 500


@dataclass(frozen=True, kw_only=True)
class Quality:
    """Reasons to refuse the data (one sentence each: file, line, expected, found, what to do) and its figures.

    `warnings` say in the same form what is worth knowing of data that can be used all the same; `notes` how the files
    were understood: "ratings.csv: read as semicolon, cp1252, decimal comma".
    """

    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    figures: Mapping[str, float] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return not self.problems

    def __add__(self, other: Quality) -> Quality:
        return Quality(
            problems=self.problems + other.problems,
            warnings=self.warnings + other.warnings,
            notes=self.notes + other.notes,
            figures={**self.figures, **other.figures},
        )

    def to_json(self) -> str:
        """JSON small enough for the state machine's 256 KiB, whatever the data did."""
        document = {
            "ok": self.ok,
            "problems": _first(self.problems, "problems"),
            "warnings": _first(self.warnings, "warnings"),
            "notes": _first(self.notes, "notes"),
            "figures": dict(self.figures),
        }
        return json.dumps(document, indent=2)

    @classmethod
    def from_json(cls, text: str) -> Quality:
        """What `to_json` wrote, now or in an earlier version; problems that it left out are only counted there."""
        document = json.loads(text)
        problems = tuple(document.get("problems") or ())
        unnamed = () if document.get("ok", True) else ("the data were refused without a reason",)
        return cls(
            problems=problems or unnamed,
            warnings=tuple(document.get("warnings") or ()),
            notes=tuple(document.get("notes") or ()),
            figures=document.get("figures") or {},
        )


def _first(sentences: tuple[str, ...], what: str) -> list[str]:
    shown = [printable(each)[:MAX_SENTENCE] for each in sentences[:MAX_PROBLEMS]]
    left = len(sentences) - MAX_PROBLEMS
    return [*shown, f"... and {left} more {what}."] if left > 0 else shown
