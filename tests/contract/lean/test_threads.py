"""Small work gets one thread of numpy's, large work as many as there are cores."""

import os

import numpy as np
import pytest

threadpoolctl = pytest.importorskip("threadpoolctl")

from trainyard.contract.lean.threads import threads_for  # noqa: E402


def _threads():
    return {each["num_threads"] for each in threadpoolctl.threadpool_info() if each["user_api"] == "blas"}


def test_threads_are_limited_by_the_work_for_as_long_as_it_takes():
    np.ones((2, 2)) @ np.ones((2, 2))
    before = _threads()
    with threads_for(20_000):
        assert _threads() == {1}
        with threads_for(1_000, per_thread=500):
            assert _threads() == {min(2, os.cpu_count() or 1)}
    assert _threads() == before
