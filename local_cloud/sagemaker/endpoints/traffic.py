"""Which fleet of an endpoint gets a call: during a roll-out a share of them goes to the new one; runs in the server."""

from __future__ import annotations

import random

from local_cloud.sagemaker.endpoints.fleet import Fleet
from local_cloud.sagemaker.endpoints.server import ModelServer


class Traffic:
    """The fleet that serves an endpoint, and during a roll-out the one that is to replace it."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self._arriving: Fleet | None = None
        self._share = 0.0

    @property
    def servers(self) -> tuple[ModelServer, ...]:
        return self.fleet.servers + (self._arriving.servers if self._arriving else ())

    def reserve(self, target: str) -> ModelServer:
        """A server for one call (see `Fleet.reserve`)."""
        # Which fleet gets a call is chance in AWS as well; no result of ours depends on it.
        moved = self._arriving is not None and random.random() < self._share
        return (self._arriving if moved and self._arriving else self.fleet).reserve(target)

    def move(self, fleet: Fleet, share: float) -> None:
        """Send a share of the calls to a fleet that arrives."""
        self._arriving, self._share = fleet, share

    def settle(self) -> Fleet:
        """Serve with the fleet that has arrived alone; returns the one that it replaces, which the caller closes."""
        former, self.fleet = self.fleet, self._arriving or self.fleet
        self._arriving, self._share = None, 0.0
        return former

    def back(self) -> None:
        """Serve as before, with all calls."""
        self._arriving, self._share = None, 0.0
