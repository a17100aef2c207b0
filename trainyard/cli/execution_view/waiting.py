"""Says which registered versions wait for approval, since when, and how they are approved; runs on a laptop."""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text

from trainyard.cli.command import terminal
from trainyard.client.deployment import Deployment
from trainyard.client.model import approval
from trainyard.pages import formats
from trainyard.run.registry import Version


def print_waiting(deployment: Deployment, found: Iterable[Version] | None = None) -> None:
    """A line for each version that waits, or those `found` already; nothing where none does."""
    for each in approval.waiting(deployment) if found is None else found:
        terminal.out().print(Text(sentence(each, options=deployment.options), style="yellow"), soft_wrap=True)


def sentence(version: Version, *, options: str) -> str:
    """How long a version has waited, and the command that approves it."""
    asked = formats.ago(version.created, terminal.now())
    return (
        f"Version {version.number} of {version.recipe} waits for approval, asked {asked}: "
        f"`trainyard approve {version.run_id}{options}`."
    )
