"""What one flow of control of an execution carries from state to state."""

from __future__ import annotations

import copy
import threading
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from local_cloud.step_functions.history import Record, Trail
from local_cloud.step_functions.live import LiveExecution

State = dict[str, Any]


@dataclass
class Frame:
    """The execution, its history, and the context object (`$states.context`) of the main flow or of one branch.

    MiniStack keeps the workflow variables in the context object under "variables".
    """

    execution: Record
    live: LiveExecution
    trail: Trail
    context: dict[str, Any]
    top_level: bool = True
    iteration: str | None = None

    def branch(self, context: dict[str, Any], *, iteration: str | None = None) -> Frame:
        """The frame of a branch: it reads the outer variables, and what it assigns stays inside.

        `iteration` names one of a Map of the main flow, which is remembered by itself.
        """
        inner = {**context, "variables": copy.deepcopy(context["variables"])}
        trail = self.trail.fork()
        return Frame(self.execution, self.live, trail, inner, top_level=False, iteration=iteration)

    def remember(self, state: str, data: Any) -> None:
        """Keep what is needed to go on from `state` after a failure, in the execution's own record."""
        kept = {"state": state, "input": data, "variables": copy.deepcopy(self.context["variables"])}
        if self.top_level:
            self.execution["checkpoint"] = kept
        elif self.iteration is not None:
            keep_iteration(self.execution, self.iteration, kept=kept)


_keeping = threading.Lock()


def iterations(execution: Record) -> Record:
    """What is kept of the iterations of the Map that the main flow is in, by their numbers as text."""
    kept: Record = execution.get("checkpoint", {}).get("iterations", {})
    return kept


def keep_iteration(execution: Record, iteration: str, *, kept: Record) -> None:
    """Keep where an iteration is, or `{"output": ...}` of one that ended well: a redrive goes on from there."""
    # Replaced, never changed in place: whoever writes the record down reads one that stands still.
    with _keeping:
        checkpoint = execution["checkpoint"]
        execution["checkpoint"] = {**checkpoint, "iterations": {**iterations(execution), iteration: kept}}


def forget_iterations(execution: Record) -> None:
    """A Map begins anew: all of its iterations run again."""
    with _keeping:
        execution["checkpoint"] = {**execution["checkpoint"], "iterations": {}}


# MiniStack runs branches through a function that knows no frame: it finds the enclosing one here.
current: ContextVar[Frame | None] = ContextVar("trainyard_frame", default=None)


def enclosing() -> Frame:
    """The frame of the state that is being run on this thread."""
    frame = current.get()
    if frame is None:
        raise RuntimeError(f"No state machine is being run on thread {threading.current_thread().name}.")
    return frame
