"""Settings of the whole test suite: seeded property tests that do not measure time."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# A shared machine makes time limits fail at random; derandomised examples make a failure repeatable.
settings.register_profile("trainyard", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("trainyard")
