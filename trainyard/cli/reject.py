"""`trainyard reject`: keeps a model from coming into use, or takes the one in use back; runs on a laptop."""

from __future__ import annotations

import typer
from rich.text import Text

from trainyard.cli.command import target, terminal
from trainyard.cli.command.options import AwsOption, EnvOption, FollowOption, NoteOption, RunArgument
from trainyard.cli.execution_view.exit_codes import DONE
from trainyard.cli.execution_view.follow import follow_or_hint
from trainyard.client.model import approval


def reject(
    run: RunArgument,
    *,
    note: NoteOption = "",
    watch: FollowOption = True,
    env: EnvOption = "dev",
    aws: AwsOption = False,
) -> None:
    """Reject the model of a run. One that waits for approval never comes into use; the model in use stays.

    In place of one that is in use the approved version before it comes into use, and into service where there is an
    endpoint.

    Examples:

    * `trainyard reject 20261129-062245-e0b2130a`

    * `trainyard reject latest --note "too few customers in the data"`
    """
    deployment = target.deployed(env=env, aws=aws)
    decision = approval.reject(deployment, run, note=note)
    version = decision.version
    terminal.out().print(Text(f"Version {version.number} of run {version.run_id} is rejected."), soft_wrap=True)
    if version.waiting:
        raise typer.Exit(DONE)
    execution = approval.started(deployment, decision)
    raise typer.Exit(follow_or_hint(deployment, execution.arn, name=execution.name, watch=watch))
