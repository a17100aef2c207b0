"""Adam in one operation per variable moves weights as Keras' own does."""

import numpy as np
import pytest

pytest.importorskip("tensorflow")


def test_weights_move_as_with_keras():
    from trainyard.contract.lean.tensorflow import keras, tf
    from trainyard.contract.training.fused_adam import FusedAdam

    random = np.random.default_rng(4)
    start = [random.normal(size=shape).astype(np.float32) for shape in ((3, 2), (2,), ())]
    own, theirs = ([keras.Variable(each, name=f"v{place}") for place, each in enumerate(start)] for _ in range(2))
    optimizer, expected = FusedAdam(own), keras.optimizers.Adam(0.05)
    expected.build(theirs)

    def move():
        rows = tf.IndexedSlices(tf.constant(random.normal(size=(2, 2)), tf.float32), tf.constant([2, 2]), (3, 2))
        others = [tf.constant(random.normal(size=each.shape), tf.float32) for each in start[1:]]
        optimizer.apply([rows, *others], tf.constant(0.05))
        expected.apply([tf.convert_to_tensor(rows), *others])

    for _ in range(5):
        move()
    assert all(np.allclose(a.numpy(), b.numpy(), atol=1e-6) for a, b in zip(own, theirs, strict=True))
    optimizer.restart()
    assert all(not each.numpy().any() for each in optimizer.variables)
