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

    def branch(self, context: dict[str, Any]) -> Frame:
        """The frame of a branch: it reads the outer variables, and what it assigns stays inside."""
        inner = {**context, "variables": copy.deepcopy(context["variables"])}
        return Frame(self.execution, self.live, self.trail.fork(), inner, top_level=False)

    def remember(self, state: str, data: Any) -> None:
        """Keep what is needed to go on from `state` after a failure, in the execution's own record."""
        variables = self.context["variables"]
        self.execution["checkpoint"] = {"state": state, "input": data, "variables": copy.deepcopy(variables)}


# MiniStack runs branches through a function that knows no frame: it finds the enclosing one here.
current: ContextVar[Frame | None] = ContextVar("trainyard_frame", default=None)


def enclosing() -> Frame:
    """The frame of the state that is being run on this thread."""
    frame = current.get()
    if frame is None:
        raise RuntimeError(f"No state machine is being run on thread {threading.current_thread().name}.")
    return frame
