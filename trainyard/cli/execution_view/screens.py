"""Shows an execution again and again: a live table for a person, plain lines for a log file; runs on a laptop."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol, Self

from rich.live import Live
from rich.text import Text

from trainyard.cli.command import terminal
from trainyard.cli.execution_view.live import live_table
from trainyard.cli.execution_view.wording import WITHOUT_WORK
from trainyard.client.execution.history import StateVisit
from trainyard.client.execution.observer import Snapshot
from trainyard.client.execution.reused import seen_in
from trainyard.pages import formats
from trainyard.stages.explain_failure.cause import reason_of

PLAIN_PROGRESS_SECONDS = 10.0


class Screen(AbstractContextManager["Screen"], Protocol):
    """Shows one snapshot of an execution after another."""

    def show(self, snapshot: Snapshot) -> None: ...


class LiveScreen:
    """Redraws one table in place."""

    def __init__(self) -> None:
        self._console = terminal.out()
        self._live = Live(console=self._console, auto_refresh=False)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, snapshot: Snapshot) -> None:
        shown = live_table(snapshot, terminal.now(), height=self._console.height)
        self._live.update(shown, refresh=True)


@dataclass
class PlainScreen:
    """Prints one line per change of a state, and progress now and then."""

    clock: Callable[[], float] = time.monotonic
    shown: dict[int, tuple[str, int]] = field(default_factory=dict)
    printed: float = float("-inf")
    last_progress: tuple[float, str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to put back."""

    def show(self, snapshot: Snapshot) -> None:
        for index, visit in enumerate(snapshot.visits):
            now = (visit.status.value, visit.attempts)
            if visit.type not in WITHOUT_WORK and self.shown.get(index) != now:
                self.shown[index] = now
                self._print(_change(visit))
        running = [(each.name, each.job.id) for each in snapshot.visits if each.open and each.job]
        for name, job in [each for each in running if each[1] in snapshot.progress][-1:]:
            self._print_progress(name, snapshot.progress[job])

    def _print_progress(self, name: str, progress: tuple[float, str]) -> None:
        if progress != self.last_progress and self.clock() - self.printed >= PLAIN_PROGRESS_SECONDS:
            self.last_progress, self.printed = progress, self.clock()
            self._print(f"{name}: {progress[0]:.0%} {progress[1]}".rstrip())

    @staticmethod
    def _print(text: str) -> None:
        terminal.out().print(Text(f"{terminal.now().astimezone():%H:%M:%S}  {text}"), soft_wrap=True)


def _change(visit: StateVisit) -> str:
    job = f" ({visit.job.kind} {visit.job.id})" if visit.job is not None else ""
    again = f", attempt {visit.attempts}" if visit.attempts > 1 else ""
    if visit.open:
        return f"{visit.name}: started{again}{job}"
    took = formats.duration(visit.elapsed(terminal.now()).total_seconds())
    why = f": {terminal.one_line(f'{visit.error} {reason_of(visit.cause)}', 300)}" if visit.error else ""
    reuse = seen_in(visit)
    told = "".join(f"\n          {each}" for each in reuse.sentences) if reuse else ""
    return f"{visit.name}: {visit.status.value} after {took}{again}{why}{told}"
