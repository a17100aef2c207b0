"""What was acknowledged survives.

The server's process is killed (never the machine's power cut off) right after an answer, or its disk is full.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local_cloud import lifecycle
from tests.faults.conftest import Observation
from tests.local_cloud.conftest import Cloud, start_cloud
from tests.local_cloud.journal.writes import WRITES, Write, kill, prepare


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    running = start_cloud(tmp_path_factory.mktemp("durable") / "state")
    prepare(running)
    yield running
    lifecycle.down(running.state_dir)


def faults() -> list[object]:
    """A test for each kind of change."""
    return [
        pytest.param(write, id=write.what, marks=pytest.mark.fault(f"kill -9 right after {write.what}", "nothing is lost"))
        for write in WRITES
    ]


@pytest.mark.parametrize("write", faults())
def test_a_kill_right_after_the_answer(write: Write, cloud: Cloud, observed: Observation) -> None:
    write.make(cloud, "the-last")
    kill(cloud)
    assert write.seen(cloud, "the-last") == write.expected
    observed("it is there after the next start")
