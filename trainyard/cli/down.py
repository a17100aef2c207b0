"""`trainyard down`: stops the local cloud; runs on a laptop."""

from __future__ import annotations

from rich.text import Text

from trainyard.cli.command import console_of, terminal
from trainyard.cli.up import tell
from trainyard.client import local_cloud, project
from trainyard.console import background


def down() -> None:
    """Stop the local cloud; everything in it is kept for the next `up`. After a crash, end what was left running.

    Example: `trainyard down`
    """
    background.stop(console_of.note(env="dev", aws=False))
    stopped = local_cloud.down(project.state_dir(), tell=tell)
    terminal.out().print(Text("The local cloud is down; its state is kept." if stopped else "No local cloud was up."))
