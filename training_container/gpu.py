"""Sees to it that a training job on a machine with a GPU computes on it; runs in the training image."""

from __future__ import annotations

import sys

from trainyard.errors import JobFailed
from trainyard.run import container
from trainyard.run.gpu import has_gpu


def require_gpu() -> None:
    """Raise JobFailed where the machine has a GPU that TensorFlow does not see: it would be paid for and idle.

    Elsewhere nothing is looked at, for that loads TensorFlow.
    """
    machine = container.instance_type()
    if not has_gpu(machine):
        return
    from trainyard.contract.lean.tensorflow import tf

    found = tf.config.list_physical_devices("GPU")
    if not found:
        raise JobFailed(
            f"Expected TensorFlow to see the GPU of {machine}, found none: the lines above say what it missed. The "
            "host's driver may be too old for CUDA 12. Train on a machine without a GPU meanwhile, such as "
            "ml.m5.2xlarge."
        )
    sys.stdout.write(f"Training on {len(found)} GPU(s) of {machine}.\n")
