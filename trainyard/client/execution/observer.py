"""Takes snapshots of an execution while it runs: states, progress and last log line; runs on a laptop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trainyard.client.deployment import Deployment
from trainyard.client.execution import executions
from trainyard.client.execution.definition import certain_states
from trainyard.client.execution.executions import Execution
from trainyard.client.execution.history import StateVisit, visits
from trainyard.client.execution.jobs import Job, JobKind, tuning_progress
from trainyard.client.execution.logs import LogTail

JOB_CHARACTERS = 40


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """An execution at one moment: what it visited, what will certainly follow, and what its jobs last wrote.

    `progress` has a fraction and a note by the job's id.
    """

    execution: Execution
    visits: Sequence[StateVisit]
    pending: Sequence[str] = ()
    progress: Mapping[str, tuple[float, str]] = field(default_factory=dict)
    last_line: str = ""


@dataclass
class Observer:
    """Takes snapshots of one execution, reading only what is new in its jobs' logs."""

    deployment: Deployment
    arn: str
    machine: Mapping[str, Any] = field(default_factory=dict)
    tails: dict[str, LogTail] = field(default_factory=dict)
    progress: dict[str, tuple[float, str]] = field(default_factory=dict)
    last_line: str = ""

    def snapshot(self) -> Snapshot:
        """The execution as it is now."""
        target = self.deployment.target
        self.machine = self.machine or executions.definition(target, self.arn)
        # Status first: an execution that has ended gets no more events after it.
        execution = executions.describe(target, self.arn)
        visited = visits(executions.history(target, self.arn))
        for visit in visited:
            if visit.open and visit.job is not None and visit.job.counts and visit.job.log.prefix:
                self._read_log(visit.job)
        pending = certain_states(self.machine, visited[-1].name) if visited and execution.running else []
        return Snapshot(
            execution=execution,
            visits=visited,
            pending=pending,
            progress=self.progress,
            last_line=self.last_line if execution.running else "",
        )

    def _read_log(self, job: Job) -> None:
        target = self.deployment.target
        tuning = job.kind is JobKind.TUNING
        if tuning:
            self.progress[job.id] = tuning_progress(target, job)
        tail = self.tails.setdefault(job.id, LogTail(target, job))
        for line in tail.read():
            if line.progress is None and line.text.strip():
                self.last_line = f"{job.id[:JOB_CHARACTERS]} │ {line.text}"
            elif line.progress is not None and not tuning:
                # A tuning job's lines are those of its training jobs, several at a time.
                self.progress[job.id] = line.progress
