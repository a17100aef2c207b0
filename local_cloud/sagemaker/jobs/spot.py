"""Machines that may be taken away: the time of a managed spot training job, and its waits; in the server.

AWS takes a spot machine away when somebody pays more for it. Here a tag does it (`api/tags.py`): its value says for how
many seconds there is no machine.
"""

from __future__ import annotations

import time

from local_cloud.jobs.process import Outcome
from local_cloud.jobs.records import Record
from local_cloud.jobs.running import RunningJob
from local_cloud.sagemaker.jobs.lifecycle import stopping_seconds


class Machine:
    """What a training job runs on, from its first start to its end; without spot training it stays.

    MaxRuntimeInSeconds counts the time on machines, MaxWaitTimeInSeconds that and the waits between them.
    """

    def __init__(self, record: Record, job: RunningJob) -> None:
        spot = record.get("EnableManagedSpotTraining")
        wait = (record.get("StoppingCondition") or {}).get("MaxWaitTimeInSeconds") if spot else None
        self._job = job
        self._left = stopping_seconds(record)
        self._deadline = float("inf") if wait is None else time.monotonic() + wait
        self.seconds = 0.0

    @property
    def max_seconds(self) -> float:
        """How long the container may run now, in seconds."""
        return max(0.0, min(self._left, self._deadline - time.monotonic()))

    @property
    def waited_too_long(self) -> bool:
        """Whether MaxWaitTimeInSeconds is over."""
        return time.monotonic() >= self._deadline

    def taken_away(self, outcome: Outcome) -> bool:
        """Whether the container ended only because somebody wanted its machine."""
        self._left -= outcome.seconds
        self.seconds += outcome.seconds
        return outcome.stopped and self._job.interruption.is_set() and not self._job.stop.is_set()

    def wait(self) -> bool:
        """Wait for another machine; False when the job was stopped or its time was over before there was one."""
        until = min(time.monotonic() + self._job.interruption.taken(), self._deadline)
        stopped = self._job.stop.wait(max(0.0, until - time.monotonic()))
        return not stopped and not self.waited_too_long
