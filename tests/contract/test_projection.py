"""Maps: points of a group lie together, and labels do not lie on each other."""

from __future__ import annotations

import numpy as np

from trainyard.contract.projection import spread_out, tsne


def test_points_of_a_group_lie_together():
    random = np.random.default_rng(3)
    vectors = np.repeat(random.normal(size=(4, 8)), 20, axis=0) + 0.2 * random.normal(size=(80, 8))
    points = tsne(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), 1)
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    groups = np.arange(80) // 20
    assert points.shape == (80, 2)
    assert (groups[distances.argmin(axis=1)] == groups).mean() > 0.95


def test_labels_are_spread_out():
    points = np.array([[0.0, 0.0], [0.01, 0.01], [1.0, 1.0], [0.5, 0.5]])
    assert spread_out(points, 3, minimum_distance=(0.1, 0.1)) == [0, 2, 3]
