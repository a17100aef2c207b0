"""Options and arguments that several commands share, so that they mean and are called the same; runs on a laptop."""

from __future__ import annotations

from typing import Annotated

import typer

from trainyard.cli.command import completion
from trainyard.errors import BadRequest
from trainyard.run import recipe

DEFAULT_SIZE = "20k"


def known_recipe(context: typer.Context, name: str | None) -> str | None:
    """The name of a recipe that exists, or none. Raises BadRequest for another, but not while a shell completes words.

    Where one of a similar name exists, it is said.
    """
    if name is not None and not context.resilient_parsing and name not in recipe.names():
        raise BadRequest(recipe.unknown(name))
    return name


EnvOption = Annotated[str, typer.Option("--env", envvar="TRAINYARD_ENV", help="Environment that was deployed.")]
AwsOption = Annotated[bool, typer.Option("--aws", help="Use your AWS account instead of the local cloud.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of tables.")]
FreshOption = Annotated[
    bool, typer.Option("--fresh", help="Compute every stage, also those that another run has made from the same.")
]
FollowOption = Annotated[bool, typer.Option("--follow/--no-follow", help="Watch until it ends, or return at once.")]
StateOption = Annotated[str | None, typer.Option("--state", help="One state: its name or the start of it.")]
WatchOption = Annotated[bool, typer.Option("--follow", "-f", help="Go on until the execution ends.")]
RecipeArgument = Annotated[
    str,
    typer.Argument(
        metavar="RECIPE",
        help="Name of a recipe; see `trainyard recipes`.",
        callback=known_recipe,
        autocompletion=completion.recipes,
    ),
]
VariantOption = Annotated[
    str,
    typer.Option("--variant", help="One of several models of a recipe, such as product-3; see `trainyard endpoints`."),
]
ModelOption = Annotated[
    str,
    typer.Option(
        "--model",
        metavar="NAME",
        help="One of several models of a recipe, by the name it is trained under: shop-north.",
    ),
]
DeployOption = Annotated[bool, typer.Option("--deploy", help="Also put it into service, as `trainyard release` does.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change a setting of the recipe; may be repeated. Values are JSON.",
        autocompletion=completion.settings,
    ),
]
SizeOption = Annotated[str, typer.Option("--size", help="Lines to generate: 5000, 10k, 1M, ...")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Seed of the generated data.")]
ExecutionArgument = Annotated[
    str,
    typer.Argument(
        metavar="EXECUTION",
        help="ARN, name, unique start of a name, run id, `latest`, or `previous` to it (idle ones passed over).",
        autocompletion=completion.executions,
    ),
]
RunArgument = Annotated[
    str,
    typer.Argument(metavar="RUN", help="Run id, or what its execution is found by; see `trainyard models`."),
]
NoteOption = Annotated[str, typer.Option("--note", metavar="TEXT", help="Why, for the registry.")]
PortOption = Annotated[
    int | None,
    typer.Option(
        "--port", min=1, max=65535, help="Loopback port it listens on: the one it had, 4566 or the next free one."
    ),
]
ContainersOption = Annotated[
    str | None,
    typer.Option("--containers", metavar="ENGINE", help="Run jobs in real containers with docker, podman, ..."),
]
