"""A quick run of propensity for the contract test."""

from __future__ import annotations

SIZE = 30_000
CHANGES = {"hyperparameters": {"search": "none", "epochs": 2, "members": 1}}
