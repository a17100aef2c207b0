"""The split: even, stable, and the same for any key; `test_engines` compares the engines."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import ibis
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainyard.contract.holdout import HOLDOUT, VALIDATION, fraction, fraction_of, role

ROOT = Path(__file__).resolve().parents[2]
INT64 = st.integers(-(2**63), 2**63 - 1)
KNOWN = [0.364406852, 0.40281214, 0.460361806, 0.090439234]


@settings(max_examples=30)
@given(keys=st.lists(INT64, min_size=1, max_size=50))
def test_any_whole_number_has_the_same_fraction_in_duckdb(keys):
    table = ibis.memtable(pa.table({"key": pa.array(keys, pa.int64())}))
    found = ibis.duckdb.connect().to_pyarrow(fraction_of(table.key, "s").name("fraction")).to_pylist()
    assert found == [fraction(key, "s") for key in keys]
    assert all(0 <= each < 1 for each in found)


@pytest.mark.parametrize("step", [1, 2, 7, 64, 1000, 2**31, 2**40])
def test_evenly_spaced_keys_are_spread_evenly(step):
    values = np.array([fraction(key * step, "s") for key in range(1, 20_001)])
    shares, _ = np.histogram(values, bins=20, range=(0, 1))
    # Chi-square with 19 degrees of freedom: 43.8 is its 0.999 quantile.
    assert ((shares - 1000) ** 2 / 1000).sum() < 43.8
    assert abs(np.corrcoef(values[1:], values[:-1])[0, 1]) < 0.03


def test_salts_split_independently():
    one = np.array([fraction(key, "one") < 0.5 for key in range(10_000)])
    other = np.array([fraction(key, "other") < 0.5 for key in range(10_000)])
    assert abs((one == other).mean() - 0.5) < 0.03


def test_the_holdout_does_not_depend_on_the_validation_share():
    for key in range(2000):
        before, after = (role(key, holdout=0.1, validation=share, salt="s") for share in (0.05, 0.3))
        assert (before == HOLDOUT) == (after == HOLDOUT)
        assert before != VALIDATION or after == VALIDATION


def test_known_values_never_change():
    """The rows of the holdout must stay the same from version to version, or champions are judged on training rows."""
    assert [round(fraction(key, "prod2vec"), 9) for key in (1, 2, 123456789, "85123A")] == KNOWN


def test_images_without_ibis_can_ask_for_single_keys():
    code = (
        "import sys; sys.modules['ibis'] = None; from recipes.two_tower import process; print(process.fraction(7, ''))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == fraction(7, "")
