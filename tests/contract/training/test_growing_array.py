"""Arrays that are written a part at a time, and queries that keep to a limit of memory."""

from __future__ import annotations

import numpy as np
import pytest

from trainyard.contract.spilling import database
from trainyard.contract.training.growing_array import GrowingArray


@pytest.mark.parametrize("parts", [(), (0,), (3, 0, 200_000)])
def test_parts_are_mapped_as_one_array(tmp_path, parts):
    expected = np.arange(2 * sum(parts), dtype=np.int32).reshape(-1, 2)
    with GrowingArray(tmp_path / "a.npy", np.int32, row=(2,)) as file:
        for part in np.split(expected, np.cumsum(parts[:-1]).astype(int)):
            file.add(part)
    found = np.load(tmp_path / "a.npy", mmap_mode="r")
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, expected)


def test_more_than_fits_into_memory_is_sorted(tmp_path):
    with database("64MB") as opened:
        reader = opened.sql(
            "SELECT hash(i) AS key, repeat('x', 200) FROM range(250000) AS t(i) ORDER BY key"
        ).to_arrow_reader(50_000)
        keys = np.concatenate([batch.column(0).to_numpy() for batch in reader])
    assert len(keys) == 250_000
    assert (keys[1:] >= keys[:-1]).all()
