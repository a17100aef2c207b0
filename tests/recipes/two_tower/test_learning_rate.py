"""The learning rate rises and falls as Keras' schedule says."""

import pytest

from recipes.two_tower.learning_rate import WARM_UP_STEPS, WarmUpAndCosine

pytest.importorskip("tensorflow")


@pytest.mark.parametrize("steps", [1, 8, 30, 2000])
def test_the_rate_is_that_of_keras(steps):
    from trainyard.contract.lean.tensorflow import keras

    warm_up = max(1, min(WARM_UP_STEPS, steps // 10))
    expected = keras.optimizers.schedules.CosineDecay(
        0.3 / warm_up, max(1, steps - warm_up), warmup_target=0.3, warmup_steps=warm_up
    )
    schedule = WarmUpAndCosine(highest=0.3, steps=steps)
    for step in (0, 1, 2, warm_up, steps // 2, steps - 1, steps + 3):
        assert schedule.at(step) == pytest.approx(float(expected(step)), abs=1e-6)
