"""As many threads for scikit-learn as rows are worth: threads that wait for each other cost more than they help."""

from __future__ import annotations

import os
from typing import Any

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

ROWS_PER_THREAD = 50_000


def threads_for(rows: int) -> Any:
    """A context in which numpy and scikit-learn start no more threads than that."""
    return threadpool_limits(limits=min(max(1, rows // ROWS_PER_THREAD), os.cpu_count() or 1))
