"""Every test here breaks something on purpose and says what it saw; the page of the matrix must say the same.

With `TRAINYARD_FAULTS_SEEN=DIR` the rows that were seen are left in DIR instead, for `python -m tests.faults`.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import matrix
from tests.faults.matrix import Row

SEEN = "TRAINYARD_FAULTS_SEEN"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and item.path.name != "test_matrix.py":
            item.add_marker("faults")
            if item.get_closest_marker("fault") is None:
                raise pytest.UsageError(f"{item.nodeid}: expected @pytest.mark.fault(what is broken, what must come)")


class Observation:
    """What a test saw."""

    def __init__(self) -> None:
        self.text = ""

    def __call__(self, text: str) -> None:
        """Say in a few words what came of the fault; nothing that differs from run to run, and no | in it."""
        assert "|" not in text and "\n" not in text
        self.text = text


@pytest.fixture
def observed(request: pytest.FixtureRequest) -> Iterator[Observation]:
    """Call it at the end of a test with what was seen; it is compared with the page."""
    marker = request.node.get_closest_marker("fault")
    given, expected = marker.args
    observation = Observation()
    yield observation
    if not observation.text:
        return  # the test failed before it saw anything
    area = (request.module.__doc__ or "").splitlines()[0].rstrip(".")
    row = Row(area=area, given=given, expected=expected, observed=observation.text)
    if SEEN in os.environ:
        matrix.keep(Path(os.environ[SEEN]), row)
    else:
        assert matrix.read().get(given) == row, "docs/reliability.md tells something else: write it with `make faults`"


@pytest.fixture
def interruptible() -> Iterator[None]:
    """What a test starts hears of Ctrl-C, also where a shell in the background has these tests ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
