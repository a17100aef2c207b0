"""TensorFlow comes without what Keras loads in case of need, and all of that can be had afterwards."""

import subprocess
import sys

import pytest

pytest.importorskip("tensorflow")

LOADED = """
import gc, sys
from trainyard.contract.lean.tensorflow import keras, tf
print(sorted({"matplotlib", "pandas", "sklearn"} & set(sys.modules)), gc.isenabled())
import matplotlib, pandas, sklearn
print(sklearn.__name__, float(keras.ops.sum(tf.ones(3))))
"""
NAMES = """
import sys
from trainyard.contract.lean.tensorflow import keras, tf
print("tensorflow.python.keras" in sys.modules, "tensorflow.lite.python.interpreter" in sys.modules)
print(tf.lite.Interpreter.__name__, tf.lite.Interpreter.__name__, tf.distribute.has_strategy())
print(tf.compat.v1.placeholder.__name__, tf.distribute.experimental.rpc.Server.__name__, "relu" in dir(tf.nn))
print(hasattr(tf.nn, "no_such_name"))
"""


def test_optional_packages_are_left_out_and_can_still_be_imported():
    assert _printed(LOADED) == ["[] True", "sklearn 3.0"]


def test_what_tensorflow_has_a_name_for_is_loaded_when_it_is_used():
    assert _printed(NAMES) == ["False False", "Interpreter Interpreter False", "placeholder Server True", "False"]


def _printed(program):
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return found.stdout.splitlines()
