"""What an execution took over from earlier runs, by the state that looked for it; pure, runs on a laptop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from trainyard.client.execution.history import StateVisit
from trainyard.errors import JobFailed
from trainyard.run.reuse import Reuse
from trainyard.run.stage import Stage

LOOK = "Find finished stages"
# The state whose job computes a stage, which is passed by where that was taken over.
STATES = {
    Stage.INGEST: "Ingest raw data",
    Stage.PREPARE: "Prepare training data",
    Stage.PROCESS: "Build training examples",
}


def reuse_of(visits: Iterable[StateVisit]) -> Reuse | None:
    """What the last look found; None before it has, and where it failed, after which everything is computed."""
    found = [reuse for each in visits if (reuse := seen_in(each)) is not None]
    return found[-1] if found else None


def seen_in(visit: StateVisit) -> Reuse | None:
    """What one visit of a state found; None where it looked for nothing of the kind."""
    if visit.name != LOOK or not isinstance(visit.output, Mapping) or "reused" not in visit.output:
        return None
    try:
        return Reuse.from_mapping(visit.output)
    except JobFailed:
        return None


def notes(reuse: Reuse | None) -> dict[str, str]:
    """What stands beside the states that an execution passed by, by their names."""
    reused = reuse.reused if reuse else {}
    return {STATES[Stage(stage)]: f"reused from {run_id}" for stage, run_id in reused.items()}
