"""Steps of the retrieval towers: what is learned already moves nothing, whatever was held back of its user."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("tensorflow")

USERS, MOVIES, SIZE, STEPS = 6, 10, 8, 50


@pytest.mark.parametrize("distillation", [0.95, 0.0])
def test_users_of_whom_nothing_is_held_back_do_not_drive_scores_away(distillation):
    from recipes.two_tower.model import build
    from recipes.two_tower.trainers import RetrievalTensors, RetrievalTrainer

    random = np.random.default_rng(0)

    def normal(*shape):
        return random.normal(size=shape).astype(np.float32)

    user, movie = [normal(USERS, 4), normal(USERS, SIZE)], [normal(MOVIES, 3), normal(MOVIES, SIZE)]
    before = user[1] @ movie[1].T
    nothing = np.zeros((USERS, MOVIES), dtype=np.float32)
    batch = RetrievalTensors(
        user=user,
        movie=movie,
        log_popularity=nothing[0],
        sampling_probability_correction=nothing[0],
        targets=nothing,
        # Where training begins, the towers score as their teacher does: there is nothing to learn.
        teacher_logits=before,
        input_mask=nothing,
    )
    model = build(user_features=4, movie_features=3, embedding_size=SIZE, seed=0, with_base_vectors=True)
    trainer = RetrievalTrainer(model, learning_rate=0.01, weight_decay=0.0, steps=STEPS, distillation=distillation)
    losses = [trainer.step(batch) for _ in range(STEPS)]
    after = trainer.user(user).numpy() @ trainer.movie(movie).numpy().T
    assert np.abs(after - before).max() < 0.2
    assert losses[-1] == pytest.approx(losses[0], abs=1e-3)
