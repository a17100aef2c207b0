"""Prints which model is in use after a promotion or a rollback, and what is left to do; runs on a laptop."""

from __future__ import annotations

import json
from dataclasses import asdict

from rich.text import Text

from trainyard.cli.command import terminal
from trainyard.cli.execution_view.exit_codes import DONE
from trainyard.cli.execution_view.follow import follow_or_hint
from trainyard.client.deployment import Deployment
from trainyard.client.model import promotion
from trainyard.client.model.promotion import Promotion
from trainyard.run.settings.paths import by_path


def report(deployment: Deployment, done: Promotion, *, deploy: bool, watch: bool, as_json: bool) -> int:
    """Say what is in use now, and release it where that is asked for; returns the exit code."""
    if as_json:
        terminal.print_json(asdict(done))
    else:
        _print(done, options=deployment.options, deploy=deploy)
    if not deploy:
        return DONE
    arn, execution = promotion.release(deployment, done)
    terminal.err().print(Text(f"Execution {execution}"), soft_wrap=True)
    return follow_or_hint(deployment, arn, name=execution, watch=watch)


def _print(done: Promotion, *, options: str, deploy: bool) -> None:
    out = terminal.out()
    version = done.version
    before = f", in place of that of run {done.replaced_run}" if done.replaced_run else ""
    said = f"Version {version.number} of run {version.run_id} is the model of {done.name} in use{before}."
    out.print(Text(said, style="bold green"), soft_wrap=True)
    if done.rejected is not None:
        out.print(Text(f"Version {done.rejected.number} is rejected; `trainyard promote` brings it back."))
    if done.served_run and not deploy:
        out.print(
            Text(
                f"Its endpoint still serves the model of run {done.served_run}; put this one into service with "
                f"`{_release(done)}{options}`.",
                style="yellow",
            ),
            soft_wrap=True,
        )


def _release(done: Promotion) -> str:
    """The command that puts it into service."""
    settings = (f"--set {path}={json.dumps(value)}" for path, value in by_path(done.settings))
    return " ".join((f"trainyard release {done.recipe}", *settings))
