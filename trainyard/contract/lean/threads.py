"""As many threads for numpy and scikit-learn as the work is worth; runs where a recipe trains and evaluates."""

from __future__ import annotations

import os
from typing import Any

ROWS_PER_THREAD = 50_000


def threads_for(rows: int, *, per_thread: int = ROWS_PER_THREAD) -> Any:
    """A context in which numpy and scikit-learn start no more threads than that; TensorFlow keeps its own.

    Threads that wait for each other do so by counting, which costs more CPU time than they help with little work.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    return threadpool_limits(limits=min(max(1, rows // per_thread), os.cpu_count() or 1))
