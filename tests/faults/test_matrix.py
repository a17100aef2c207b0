"""The page of the fault matrix names every fault that a test breaks, and no other."""

from __future__ import annotations

from tests.faults import matrix
from tests.faults.collected import givens


def test_the_page_names_exactly_the_faults_that_are_tested() -> None:
    assert list(matrix.read()) == [each for each in matrix.read() if each in set(givens())]
    assert set(givens()) == set(matrix.read())


def test_the_matrix_has_at_least_sixty_faults() -> None:
    assert len(givens()) >= 60
