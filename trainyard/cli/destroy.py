"""`trainyard destroy`: takes an environment away for good, after a plan and a confirmation; on a laptop or in CI."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from trainyard.cli.command import target, terminal
from trainyard.cli.command.options import AwsOption, EnvOption
from trainyard.cli.up import tell
from trainyard.client import removal
from trainyard.errors import BadRequest


def destroy(
    env: EnvOption = "dev",
    aws: AwsOption = False,
    *,
    with_data: Annotated[
        bool,
        typer.Option("--with-data", help="Also an environment that keeps its data, such as prod, and all its data."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove an environment with all that its runs made: endpoints, models, registered versions, buckets, stacks.

    Says what there is, and asks for the environment's name. What is left when it breaks off goes with the next call.

    Examples:

    * `trainyard destroy`

    * `trainyard destroy --aws --env prod --with-data`
    """
    plan = removal.plan_of(target.connect(aws=aws), env)
    out = terminal.out()
    out.print(Text(f"Environment {env} on {plan.target.name} has:"), soft_wrap=True)
    for each in plan.sentences():
        out.print(Text(f"  {each}"), soft_wrap=True)
    if plan.protected and not with_data:
        raise BadRequest(
            f"Environment {env} is protected, for it keeps its data: nothing was removed. With --with-data all of the "
            "above goes, and cannot be brought back."
        )
    if not yes and typer.prompt(f"This cannot be undone. Type {env} to remove all of it") != env:
        raise typer.Abort
    for said in removal.remove(plan, tell=tell):
        out.print(Text(said), soft_wrap=True)
    out.print(Text(f"Environment {env} is gone; `trainyard deploy --env {env}` makes it anew."), soft_wrap=True)
