"""`trainyard approve`: lets a model that waits for approval come into use; runs on a laptop."""

from __future__ import annotations

import typer
from rich.text import Text

from trainyard.cli.command import target, terminal
from trainyard.cli.command.options import AwsOption, EnvOption, FollowOption, NoteOption, RunArgument
from trainyard.cli.execution_view.follow import follow_or_hint
from trainyard.client.model import approval


def approve(
    run: RunArgument,
    *,
    note: NoteOption = "",
    watch: FollowOption = True,
    env: EnvOption = "dev",
    aws: AwsOption = False,
) -> None:
    """Approve the model of a run that waits for it: the workflow puts it into use, and into service where that is set.

    Where another model has come into use while it waited, it is compared with that one first; if it does not beat it,
    it is rejected. Ends with 0 for a model in use, 5 for one that was rejected, 1 when a job failed.

    Examples:

    * `trainyard approve 20261129-062245-e0b2130a`

    * `trainyard approve latest --note "checked with the shop"`
    """
    deployment = target.deployed(env=env, aws=aws)
    decision = approval.approve(deployment, run, note=note)
    version = decision.version
    terminal.out().print(Text(f"Version {version.number} of run {version.run_id} is approved."), soft_wrap=True)
    execution = approval.started(deployment, decision)
    raise typer.Exit(follow_or_hint(deployment, execution.arn, name=execution.name, watch=watch))
