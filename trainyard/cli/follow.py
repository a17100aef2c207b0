"""Watches an execution until it ends: a live table for a person, plain lines for a log file; runs on a laptop."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self

from rich.live import Live
from rich.text import Text

from trainyard.aws import executions
from trainyard.aws.definition import certain
from trainyard.aws.deployment import Deployment
from trainyard.aws.history import StateVisit, visits
from trainyard.aws.jobs import JobKind, tuning_progress
from trainyard.aws.logs import LogTail
from trainyard.cli import console, graph
from trainyard.cli.graph import Picture
from trainyard.failure import reason_of

PLAIN_PROGRESS_SECONDS = 10.0
JOB_CHARACTERS = 40


class Screen(AbstractContextManager["Screen"], Protocol):
    """Something that shows how an execution stands, again and again."""

    def show(self, picture: Picture) -> None: ...


class LiveScreen:
    """Redraws one table in place."""

    def __init__(self) -> None:
        self._console = console.out()
        self._live = Live(console=self._console, auto_refresh=False)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def show(self, picture: Picture) -> None:
        shown = graph.live(picture, console.now(), height=self._console.height)
        self._live.update(shown, refresh=True)


@dataclass
class PlainScreen:
    """Prints one line per change of a state, and progress now and then."""

    clock: Callable[[], float] = time.monotonic
    told: dict[int, tuple[str, int]] = field(default_factory=dict)
    spoke: float = float("-inf")
    last_progress: tuple[float, str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to put back."""

    def show(self, picture: Picture) -> None:
        for index, visit in enumerate(picture.visits):
            state = (visit.status.value, visit.attempts)
            if visit.type not in graph.WITHOUT_WORK and self.told.get(index) != state:
                self.told[index] = state
                self._say(_change(visit))
        running = [each for each in picture.visits if each.open and each.job and each.job.id in picture.progress]
        for visit in running[-1:]:
            assert visit.job is not None  # noqa: S101 - chosen so above
            self._say_progress(visit.name, picture.progress[visit.job.id])

    def _say_progress(self, name: str, progress: tuple[float, str]) -> None:
        if progress != self.last_progress and self.clock() - self.spoke >= PLAIN_PROGRESS_SECONDS:
            self.last_progress, self.spoke = progress, self.clock()
            self._say(f"{name}: {progress[0]:.0%} {progress[1]}".rstrip())

    @staticmethod
    def _say(text: str) -> None:
        console.out().print(Text(f"{console.now().astimezone():%H:%M:%S}  {text}"), soft_wrap=True)


def _change(visit: StateVisit) -> str:
    job = f" ({visit.job.kind} {visit.job.id})" if visit.job is not None else ""
    again = f", attempt {visit.attempts}" if visit.attempts > 1 else ""
    if visit.open:
        return f"{visit.name}: started{again}{job}"
    took = console.duration(visit.elapsed(console.now()).total_seconds())
    why = f": {console.one_line(f'{visit.error} {reason_of(visit.cause)}', 300)}" if visit.error else ""
    return f"{visit.name}: {visit.status.value} after {took}{again}{why}"


@dataclass
class Observer:
    """Takes pictures of one execution, reading only what is new in its jobs' logs."""

    deployment: Deployment
    arn: str
    machine: Mapping[str, Any] = field(default_factory=dict)
    tails: dict[str, LogTail] = field(default_factory=dict)
    progress: dict[str, tuple[float, str]] = field(default_factory=dict)
    last_line: str = ""

    def picture(self) -> Picture:
        """How the execution stands now."""
        target = self.deployment.target
        self.machine = self.machine or executions.definition(target, self.arn)
        # Status first: an execution that has ended gets no more events after it.
        execution = executions.describe(target, self.arn)
        visited = visits(executions.history(target, self.arn))
        for visit in visited:
            if visit.open and visit.job is not None and visit.job.counts and visit.job.log.prefix:
                self._listen(visit)
        pending = certain(self.machine, visited[-1].name) if visited and execution.running else []
        return Picture(
            execution=execution,
            visits=visited,
            pending=pending,
            progress=self.progress,
            last_line=self.last_line if execution.running else "",
        )

    def _listen(self, visit: StateVisit) -> None:
        assert visit.job is not None  # noqa: S101 - asked by the caller
        target = self.deployment.target
        tuning = visit.job.kind is JobKind.TUNING
        if tuning:
            self.progress[visit.job.id] = tuning_progress(target, visit.job)
        tail = self.tails.setdefault(visit.job.id, LogTail(target, visit.job))
        for line in tail.read():
            if line.progress is None and line.text.strip():
                self.last_line = f"{visit.job.id[:JOB_CHARACTERS]} │ {line.text}"
            elif line.progress is not None and not tuning:
                # A tuning job's lines tell of single training jobs, several at a time.
                self.progress[visit.job.id] = line.progress


def follow(deployment: Deployment, arn: str, *, screen: Screen | None = None) -> Picture:
    """Show an execution until it ends; returns its last picture."""
    observer = Observer(deployment, arn)
    with ExitStack() as stack:
        shown = stack.enter_context(screen or (LiveScreen() if console.interactive() else PlainScreen()))
        while True:
            picture = observer.picture()
            shown.show(picture)
            if not picture.execution.running:
                return picture
            time.sleep(deployment.target.poll_seconds)
