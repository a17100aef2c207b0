"""How the table of a search's training jobs is called and written, as SageMaker's analytics have it; pure."""

from __future__ import annotations

from typing import Any

FILE = "jobs.csv"
JOB, STATUS, STARTED = "TrainingJobName", "TrainingJobStatus", "TrainingStartTime"
OBJECTIVE, SECONDS = "FinalObjectiveValue", "TrainingElapsedTimeSeconds"


def number(value: Any) -> float | None:
    """A finite number out of a cell or a service's answer; None where it holds none."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if abs(found) < float("inf") else None
