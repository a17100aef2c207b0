"""What an execution of a state machine changes is in the journal before it goes on; on the execution's threads."""

from __future__ import annotations

import time
from collections.abc import Callable

from local_cloud import journal
from local_cloud.journal import touched
from local_cloud.journal.store import NoSpaceLeft
from local_cloud.journal.touched import Touched

_PAUSE_SECONDS = 0.2


class Flow(Touched):
    """What one execution has asked MiniStack's stores for; `ended` tells whether nobody waits for it any longer."""

    def __init__(self, ended: Callable[[], bool]) -> None:
        super().__init__()
        self.ended = ended


def begin(ended: Callable[[], bool]) -> None:
    """From here on this context, and the threads that get a copy of it, belong to an execution."""
    touched.begin(Flow(ended))


def settle() -> None:
    """Write what the execution of this thread has changed; while the disk is full, wait.

    Elsewhere, in the middle of a request for example, nothing is written: the request's end does that.
    """
    flow = touched.noting()
    if not isinstance(flow, Flow):
        return
    while True:
        try:
            journal.current().write(())
        except NoSpaceLeft:
            if flow.ended():
                return
            time.sleep(_PAUSE_SECONDS)
        else:
            return


def end() -> None:
    """The execution of this thread is over; what its tasks still ask for is nobody's."""
    flow = touched.noting()
    if isinstance(flow, Flow):
        flow.leave_to(touched.NOBODY)
