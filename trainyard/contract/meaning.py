"""What a metric means to a reader: which way is better, and a sentence; standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

ARROWS = {"higher": "↑", "lower": "↓", "near one": "→ 1"}


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """A metric is `better` when it is higher, lower or nearer to one; `help` is a sentence without its full stop."""

    better: Literal["higher", "lower", "near one"]
    help: str

    @property
    def arrow(self) -> str:
        """Which way is better, as a sign."""
        return ARROWS[self.better]


Meanings = Mapping[str, Meaning]


def higher(help: str) -> Meaning:
    """A metric of which more is better."""
    return Meaning(better="higher", help=help)


def lower(help: str) -> Meaning:
    """A metric of which less is better."""
    return Meaning(better="lower", help=help)
