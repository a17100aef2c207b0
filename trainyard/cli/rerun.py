"""`trainyard rerun`: starts an execution again from its beginning, with what is deployed now; runs on a laptop."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from trainyard.cli.command import target, terminal
from trainyard.cli.command.options import AwsOption, EnvOption, ExecutionArgument, FollowOption, FreshOption, SetOption
from trainyard.cli.dataset.settings import assigned
from trainyard.cli.execution_view.follow import follow_or_hint
from trainyard.client.execution import going_on
from trainyard.client.execution.find_execution import find_execution


def rerun(
    execution: ExecutionArgument,
    settings: SetOption = None,
    *,
    newest: Annotated[
        bool, typer.Option("--newest", help="Read the files as they are in the bucket now, not as they were read.")
    ] = False,
    fresh: FreshOption = False,
    watch: FollowOption = True,
    env: EnvOption = "dev",
    aws: AwsOption = False,
) -> None:
    """Start an execution again from its beginning, as another one, with the code that is deployed now.

    It has the recipe, data set and settings of the first one and reads the same versions of its files; with --newest
    those that are in the bucket now. With --set it has other settings: also those that the environment's policy lets a
    start change, but not the run.json of an upload.

    It starts with the first stage that changes with code, files or settings: with other epochs at training. With
    --fresh it computes all of them.

    Examples:

    * `trainyard rerun latest`

    * `trainyard rerun latest --set hyperparameters.epochs=5`
    """
    deployment = target.deployed(env=env, aws=aws)
    found = find_execution(deployment, execution)
    arn, name = going_on.rerun(deployment, found, changes=assigned({}, settings or []), newest=newest, fresh=fresh)
    terminal.out().print(Text(f"Execution {name}, for {found.name}"), soft_wrap=True)
    raise typer.Exit(follow_or_hint(deployment, arn, name=name, watch=watch))
