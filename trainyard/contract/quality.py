"""The outcome of a data check, as written beside the data it judges and read by the state machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

QUALITY_FILE = "quality.json"
MAX_PROBLEMS = 20
MAX_SENTENCE = 500


@dataclass(frozen=True, kw_only=True)
class Quality:
    """Reasons to refuse the data (one sentence each: file, line, expected, found, what to do) and its figures."""

    problems: tuple[str, ...] = ()
    figures: Mapping[str, float] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return not self.problems

    def __add__(self, other: Quality) -> Quality:
        return Quality(problems=self.problems + other.problems, figures={**self.figures, **other.figures})

    def to_json(self) -> str:
        """JSON small enough for the state machine's 256 KiB, whatever the data did."""
        shown = [each[:MAX_SENTENCE] for each in self.problems[:MAX_PROBLEMS]]
        if len(self.problems) > MAX_PROBLEMS:
            shown.append(f"... and {len(self.problems) - MAX_PROBLEMS} more problems.")
        return json.dumps({"ok": self.ok, "problems": shown, "figures": dict(self.figures)}, indent=2)

    @classmethod
    def from_json(cls, text: str) -> Quality:
        """What `to_json` wrote, now or in an earlier version; problems that it left out are only counted there."""
        document = json.loads(text)
        problems = tuple(document.get("problems") or ())
        unnamed = () if document.get("ok", True) else ("the data were refused without a reason",)
        return cls(problems=problems or unnamed, figures=document.get("figures") or {})
