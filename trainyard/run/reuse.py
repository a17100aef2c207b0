"""Which stages a run took over from others, and why it computed the rest: what execution, report and pages say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from trainyard.run.document import Document
from trainyard.run.stage import Stage

# Reasons that go without saying.
FIRST = "the first of this data set"
DATABASE = "a database is read anew"


@dataclass(frozen=True, kw_only=True)
class Reuse(Document):
    """With which stage a run starts, `train` where all before it are there; beside the run's request.

    `reused` has the run that computed each stage which was taken over, `computed` what changed for each of the others.
    An execution that `waits_for` another one looks again.
    """

    FILE: ClassVar[str] = "reuse.json"

    start: Stage
    reused: Mapping[str, str] = field(default_factory=dict)
    computed: Mapping[str, str] = field(default_factory=dict)
    waits_for: str = ""

    @property
    def sentences(self) -> list[str]:
        """What a reader is told; nothing of a run that computed everything because there was nothing to reuse."""
        runs = dict.fromkeys(self.reused.values())
        taken = [
            f"{', '.join(stage for stage, origin in self.reused.items() if origin == run)} reused from run {run}"
            for run in runs
        ]
        told = {stage: reason for stage, reason in self.computed.items() if reason not in (FIRST, DATABASE)}
        made = [
            f"{stage} computed: {reason}" for stage, reason in told.items() if runs or reason != f"follows {self.start}"
        ]
        waits = [f"waits for execution {self.waits_for.rpartition(':')[2]}, which computes {self.start}"]
        return [*taken, *(waits if self.waits_for else made)]
