"""Times, sizes, figures and settings as a reader says them."""

from __future__ import annotations

import pytest

from trainyard.pages import formats


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.84, "0.8 s"), (42, "42 s"), (59.7, "1 min 00 s"), (185, "3 min 05 s"), (7620, "2 h 07 min")],
)
def test_durations(seconds: float, text: str) -> None:
    assert formats.duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(999, "999 B"), (1500, "1.5 kB"), (2_500_000, "2.5 MB"), (3e13, "30.0 TB")]
)
def test_sizes(count: float, text: str) -> None:
    assert formats.size(count) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.79676, "0.7968"), (1248.0, "1248"), (100_000.0, "100,000"), (-29_620.4, "-29,620"), (1e20, "1e+20"), (7, "7")],
)
def test_figures(value: float, text: str) -> None:
    assert formats.number(value) == text


@pytest.mark.parametrize(("value", "text"), [("all", "all"), (True, "true"), (["é"], '["é"]'), (1e-05, "1e-05")])
def test_settings(value: object, text: str) -> None:
    assert formats.setting(value) == text
