"""Settings of the whole test suite: seeded property tests that do not measure time, and a quiet end."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

# First of all: its own copy of OpenSSL does not work in a process where TensorFlow was loaded before it. No program of
# the product holds both; a worker of these tests may.
import psycopg  # noqa: F401
import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

BROWSERS = ("chromium", "chromium-browser", "google-chrome")

# A shared machine makes time limits fail at random; derandomised examples make a failure repeatable.
settings.register_profile("trainyard", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("trainyard")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the tests of a module, and no longer: while Playwright lives, no other event loop can run."""
    from playwright.sync_api import sync_playwright

    program = next((found for each in BROWSERS if (found := shutil.which(each))), None)
    if program is None:
        pytest.skip("No Chromium on this machine: install the package `chromium`.")
    # Root has no sandbox of its own in Chromium.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program, args=arguments)
        yield found
        found.close()


def pytest_unconfigure() -> None:
    """Take back what Hypothesis, and a service that ran here, leave with the garbage collector.

    Hypothesis' callbacks would keep its modules, and through these the parameters of tests, beyond the end of Python; a
    service has what there is at its start never collected. DuckDB reports the tables among it as leaked.
    """
    gc.unfreeze()
    gc.callbacks[:] = [each for each in gc.callbacks if not _of_hypothesis(each)]


def _of_hypothesis(callback: object) -> bool:
    return getattr(callback, "__module__", "").partition(".")[0] == "hypothesis"
