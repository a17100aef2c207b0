"""Handles of the jobs that run right now: how to stop one, wait for one and watch its metrics; in the server."""

from __future__ import annotations

import contextvars
import logging
import threading
from collections.abc import Callable

from local_cloud.jobs.metrics import MetricLog

logger = logging.getLogger("trainyard.jobs")


class Interruption:
    """Somebody takes the machine away: set with the seconds until there is another one."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._seconds = 0.0

    def ask(self, seconds: float) -> None:
        """Take the machine away for so long."""
        self._seconds = seconds
        self._asked.set()

    def is_set(self) -> bool:
        """Whether the machine is wanted back."""
        return self._asked.is_set()

    def taken(self) -> float:
        """The machine is gone: the seconds until there is another one, which may be taken away in its turn."""
        self._asked.clear()
        return self._seconds


class RunningJob:
    """One job's thread: set `stop` to end it, `done` is set when its record is final.

    `interruption` ends its container too, but not the job: the machine is wanted by somebody who pays more.
    """

    def __init__(self, metrics: MetricLog) -> None:
        self.metrics = metrics
        self.stop = threading.Event()
        self.interruption = Interruption()
        self.done = threading.Event()

    def is_set(self) -> bool:
        """Whether the container is to end, for one reason or the other."""
        return self.stop.is_set() or self.interruption.is_set()


class RunningJobs:
    """The running jobs of one kind by name."""

    def __init__(self) -> None:
        self._jobs: dict[str, RunningJob] = {}
        self._lock = threading.Lock()

    def get(self, name: str) -> RunningJob | None:
        """The handle of a job, or None when it has ended."""
        with self._lock:
            return self._jobs.get(name)

    def start(self, name: str, job: RunningJob, *, work: Callable[[RunningJob], None]) -> None:
        """Do the work in a thread that acts for the caller's account and region."""
        with self._lock:
            self._jobs[name] = job

        def run() -> None:
            try:
                work(job)
            except Exception:
                logger.exception("Job %s ended by a defect of the local cloud", name)
            finally:
                with self._lock:
                    self._jobs.pop(name, None)
                job.done.set()

        # Threads do not inherit context variables, and MiniStack keeps account and region in them.
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(run,), name=f"job-{name}", daemon=True).start()
