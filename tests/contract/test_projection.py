"""Maps: points of a group lie together, as near as a known algorithm lays them, whatever the vectors."""

from __future__ import annotations

import numpy as np
import pytest

from trainyard.contract.projection import Attraction, spread_out, tsne


def _groups(*, groups: int, each: int) -> np.ndarray:
    random = np.random.default_rng(3)
    vectors = np.repeat(random.normal(size=(groups, 8)), each, axis=0) + 0.2 * random.normal(size=(groups * each, 8))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _nearest_alike(points: np.ndarray, *, each: int) -> float:
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    groups = np.arange(len(points)) // each
    return float((groups[distances.argmin(axis=1)] == groups).mean())


def test_points_of_a_group_lie_together():
    vectors = _groups(groups=6, each=25)
    points = tsne(vectors, 1)
    assert points.shape == (150, 2)
    assert _nearest_alike(points, each=25) > 0.95
    np.testing.assert_array_equal(points, tsne(vectors, 1))


def test_points_move_down_the_slope_of_the_divergence():
    attraction = Attraction.of(_groups(groups=3, each=30))
    points = np.random.default_rng(5).normal(size=(90, 2)).astype(np.float32)

    def divergence(moved: np.ndarray) -> float:
        kernel = 1.0 / (1.0 + ((moved[:, None] - moved[None]) ** 2).sum(axis=2))
        np.fill_diagonal(kernel, 0.0)
        shares, wanted = kernel / kernel.sum(), attraction.probabilities.astype(np.float64)
        different = ~np.eye(90, dtype=bool)
        return float((wanted[different] * np.log(wanted[different] / shares[different])).sum())

    slope = attraction.slope(points, exaggeration=1.0)
    for row, axis in ((0, 0), (40, 1), (89, 0)):
        step = np.zeros((90, 2))
        step[row, axis] = 1e-4
        found = (divergence(points + step) - divergence(points - step)) / 2e-4
        assert slope[row, axis] == pytest.approx(found, rel=1e-2, abs=1e-5)


def test_as_many_neighbours_count_wherever_points_lie():
    probabilities = Attraction.of(_groups(groups=6, each=25)).probabilities
    assert probabilities.sum() == pytest.approx(1.0, abs=1e-5)
    np.testing.assert_allclose(probabilities, probabilities.T)


@pytest.mark.parametrize(
    "vectors", [np.zeros((1, 3)), np.eye(2), np.eye(5), np.ones((40, 2)) / 2**0.5, np.zeros((9, 2))]
)
def test_few_equal_or_empty_vectors_have_places_too(vectors):
    points = tsne(vectors, 0)
    assert points.shape == (len(vectors), 2)
    assert np.isfinite(points).all()


def test_names_leave_each_other_room():
    points = np.array([[0.0, 0.0], [0.1, 0.1], [1.0, 1.0], [0.0, 1.0]])
    assert spread_out(points, 3, minimum_distance=(0.5, 0.5)) == [0, 2, 3]
    assert spread_out(points, 2, minimum_distance=(0.5, 0.5)) == [0, 2]
