"""A checkpoint is whole or not there, whatever happens while it is written."""

from __future__ import annotations

import numpy as np
import pytest

from trainyard.contract.training import checkpoint
from trainyard.errors import JobFailed


def test_arrays_come_back_as_they_were(tmp_path):
    arrays = {"weights": np.arange(6.0).reshape(2, 3), "text": np.asarray("epochs"), "none": np.empty((0, 2))}
    checkpoint.save(tmp_path / "checkpoint.npz", arrays)
    found = checkpoint.load(tmp_path / "checkpoint.npz")
    assert found.keys() == arrays.keys()
    assert all(np.array_equal(found[name], arrays[name]) for name in arrays)
    assert [each.name for each in tmp_path.iterdir()] == ["checkpoint.npz"]


def test_without_a_checkpoint_there_is_nothing(tmp_path):
    assert checkpoint.load(tmp_path / "checkpoint.npz") == {}


def test_a_write_that_breaks_off_leaves_the_checkpoint_before(tmp_path):
    path = tmp_path / "checkpoint.npz"
    checkpoint.save(path, {"epoch": np.asarray(1)})

    def killed(unfinished):
        unfinished.write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        checkpoint.replace(path, killed)
    assert checkpoint.load(path)["epoch"] == 1


@pytest.mark.parametrize("kept", [0, 10, 300])
def test_a_damaged_checkpoint_says_what_to_do(tmp_path, kept):
    path = tmp_path / "checkpoint.npz"
    checkpoint.save(path, {"epoch": np.arange(1000)})
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(JobFailed, match=r"Expected a whole checkpoint in checkpoint\.npz, .*; delete it"):
        checkpoint.load(path)


def test_objects_are_never_unpickled(tmp_path):
    np.savez(tmp_path / "foreign.npz", epoch=np.asarray([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        checkpoint.load(tmp_path / "foreign.npz")
