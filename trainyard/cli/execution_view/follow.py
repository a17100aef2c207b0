"""Follows an execution to its end and prints how it ended; runs on a laptop."""

from __future__ import annotations

import time
from contextlib import ExitStack

from rich.text import Text

from trainyard.cli.command import terminal
from trainyard.cli.execution_view.ending import print_ending
from trainyard.cli.execution_view.exit_codes import DETACHED, DONE
from trainyard.cli.execution_view.screens import LiveScreen, PlainScreen, Screen
from trainyard.client.deployment import Deployment
from trainyard.client.execution.observer import Observer, Snapshot


def follow(deployment: Deployment, arn: str, *, screen: Screen | None = None) -> Snapshot:
    """Show an execution until it ends; returns its last snapshot."""
    observer = Observer(deployment, arn)
    with ExitStack() as stack:
        shown = stack.enter_context(screen or (LiveScreen() if terminal.interactive() else PlainScreen()))
        while True:
            snapshot = observer.snapshot()
            shown.show(snapshot)
            if not snapshot.execution.running:
                return snapshot
            time.sleep(deployment.target.poll_seconds)


def watch_to_end(deployment: Deployment, arn: str, *, name: str) -> tuple[int, Snapshot | None]:
    """Follow an execution and print its end; an interrupt only detaches. Returns exit code and last snapshot."""
    try:
        snapshot = follow(deployment, arn)
    except KeyboardInterrupt:
        terminal.out().print(Text(f"\nDetached; the run goes on. Watch it again: `trainyard show {name} --follow`."))
        return DETACHED, None
    return print_ending(deployment, snapshot.execution, visits=snapshot.visits), snapshot


def follow_or_hint(deployment: Deployment, arn: str, *, name: str, watch: bool) -> int:
    """Follow an execution to its end, or only say how to; returns the exit code."""
    if watch:
        return watch_to_end(deployment, arn, name=name)[0]
    terminal.out().print(Text(f"Watch it with `trainyard show {name} --follow`.", style="dim"))
    return DONE
