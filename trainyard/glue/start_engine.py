"""Starts the engine a job of a run needs, for as long as it needs it; runs in Glue."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trainyard.glue import engine
from trainyard.glue.arguments import Arguments
from trainyard.run.store import RunStore


@contextmanager
def start(store: RunStore, arguments: Arguments, *, scratch: Path) -> Iterator[engine.Engine]:
    """The engine asked for, or the one that the size of the run's uploads calls for."""
    size = sum(each.size for each in store.run.files)
    name = engine.choose(arguments.engine, size=size, threshold_gb=arguments.spark_threshold_gb)
    print(f"engine={name}; {size:,} uploaded bytes", flush=True)
    running = engine.start(name, scratch, confined=True)
    try:
        yield running
    finally:
        running.close()
