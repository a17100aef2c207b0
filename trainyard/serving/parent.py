"""Ends a service when whoever started it is gone, even if that was killed; runs in the service, on a laptop."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Mapping

# SageMaker kills a container so many seconds after it told it to stop, and whoever starts the service does the same.
GRACE_S = 30
# Said by a parent that keeps the other end of the service's standard input open for as long as it lives.
WITH_PARENT = "TRAINYARD_END_WITH_PARENT"
STDIN = 0


def end_with_parent(environment: Mapping[str, str] = os.environ) -> None:
    """Watch standard input, if asked to: when it ends, this process is told to stop, and is killed after GRACE_S."""
    if environment.get(WITH_PARENT):
        threading.Thread(target=_watch, name="parent", daemon=True).start()


def _watch() -> None:
    # A kernel closes the other end however the parent ends: no signal can be missed.
    while os.read(STDIN, 4096):
        continue
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_S)
    os.kill(os.getpid(), signal.SIGKILL)
