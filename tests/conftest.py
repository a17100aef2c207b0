"""Settings of the whole test suite: seeded property tests that do not measure time, and a quiet end."""

from __future__ import annotations

import gc

# First of all: its own copy of OpenSSL does not work in a process where TensorFlow was loaded before it. No program of
# the product holds both; a worker of these tests may.
import psycopg  # noqa: F401
from hypothesis import HealthCheck, settings

# A shared machine makes time limits fail at random; derandomised examples make a failure repeatable.
settings.register_profile("trainyard", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("trainyard")


def pytest_unconfigure() -> None:
    """Take back what Hypothesis leaves with the garbage collector.

    It would keep Hypothesis' modules, and through these the parameters of tests, beyond the end of Python: DuckDB
    then reports the tables among them as leaked.
    """
    gc.callbacks[:] = [each for each in gc.callbacks if not _of_hypothesis(each)]


def _of_hypothesis(callback: object) -> bool:
    return getattr(callback, "__module__", "").partition(".")[0] == "hypothesis"
