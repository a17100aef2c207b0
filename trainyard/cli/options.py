"""Options and arguments that several commands share, so that they mean and are called the same; runs on a laptop."""

from __future__ import annotations

from typing import Annotated

import typer

EnvOption = Annotated[str, typer.Option("--env", envvar="TRAINYARD_ENV", help="Environment that was deployed.")]
AwsOption = Annotated[bool, typer.Option("--aws", help="Talk to AWS even while a local cloud is up.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of tables.")]
FollowOption = Annotated[bool, typer.Option("--follow/--no-follow", help="Watch until it ends, or return at once.")]
StateOption = Annotated[str | None, typer.Option("--state", help="One state: its name or the start of it.")]
WatchOption = Annotated[bool, typer.Option("--follow", "-f", help="Go on until the execution ends.")]
RecipeArgument = Annotated[str, typer.Argument(metavar="RECIPE", help="Name of a recipe; see `trainyard recipes`.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Seed of the generated data.")]
ExecutionArgument = Annotated[
    str,
    typer.Argument(
        metavar="EXECUTION", help="ARN, name, unique start of a name, run id, or `latest` (idle ones passed over)."
    ),
]
