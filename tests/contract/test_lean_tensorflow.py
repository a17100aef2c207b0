"""TensorFlow comes without what Keras loads in case of need, and all of that can be had afterwards."""

import subprocess
import sys

import pytest

pytest.importorskip("tensorflow")

LOADED = """
import gc, sys
from trainyard.contract.lean_tensorflow import keras, tf
print(sorted({"matplotlib", "pandas", "sklearn"} & set(sys.modules)), gc.isenabled())
import matplotlib, pandas, sklearn
print(sklearn.__name__, float(keras.ops.sum(tf.ones(3))))
"""


def test_optional_packages_are_left_out_and_can_still_be_imported():
    found = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines() == ["[] True", "sklearn 3.0"]
