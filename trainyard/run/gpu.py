"""Which machines have a GPU, and which jobs make use of one; pure.

The state machine tells them apart by the same beginning of their names, where it chooses the image of a training job.
"""

from __future__ import annotations

import re

from trainyard.run.stage import Stage

# Families of NVIDIA's: g4dn, g5, g6, g6e, gr6, p3, p4d, p5en.
FAMILY = re.compile(r"ml\.(gr?|p)\d")
# Everything else computes with NumPy, scikit-learn or DuckDB.
FITTING = (Stage.TUNE, Stage.TRAIN)


def has_gpu(instance_type: str) -> bool:
    """Whether a machine of SageMaker's has a GPU.

    >>> has_gpu("ml.g4dn.xlarge"), has_gpu("ml.p5.48xlarge"), has_gpu("ml.m5.xlarge")
    (True, True, False)
    """
    return FAMILY.match(instance_type) is not None
