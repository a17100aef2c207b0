"""`trainyard serve`: answers requests with a registered model on this machine; runs on a laptop."""

from __future__ import annotations

import socket
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from trainyard.cli.command import target, terminal
from trainyard.cli.command.options import AwsOption, EnvOption, ModelOption, RecipeArgument, VariantOption
from trainyard.client import project
from trainyard.client.model import models
from trainyard.errors import BadRequest, NotFound
from trainyard.run.model_archive import ModelCard
from trainyard.serving import process
from trainyard.serving.wire import ENDPOINT_BYTES, INSTANCES

LOOPBACK = "127.0.0.1"

VersionOption = Annotated[
    str | None, typer.Option("--version", help="Registry version or run id; the model in use if none.")
]
DirOption = Annotated[
    Path | None,
    typer.Option("--dir", metavar="DIR", help="An unpacked model on this machine, in place of a registered one."),
]
ServicePortOption = Annotated[
    int, typer.Option("--port", min=1, max=65535, help="Port on this machine's loopback address.")
]
TypeOption = Annotated[
    str,
    typer.Option(
        "--type",
        metavar="TYPE",
        help="Limits to keep: those of an endpoint on instances (25 MB a request), or of a serverless one (4 MB).",
    ),
]


def serve(
    recipe_name: RecipeArgument,
    version: VersionOption = None,
    *,
    model: ModelOption = "",
    directory: DirOption = None,
    variant: VariantOption = "",
    port: ServicePortOption = 8080,
    endpoint_type: TypeOption = INSTANCES,
    env: EnvOption = "dev",
    aws: AwsOption = False,
) -> None:
    """Answer requests with a model on this machine, by the same server that an endpoint runs; Ctrl-C ends it.

    Examples:

    * `trainyard serve prod2vec`

    * `trainyard serve propensity --version 3 --port 8081`

    * `trainyard serve two_tower --type serverless`
    """
    if endpoint_type not in ENDPOINT_BYTES:
        raise BadRequest(f"Expected {' or '.join(ENDPOINT_BYTES)} after --type, found {endpoint_type!r:.60}.")
    _check_free(port)
    if directory is not None:
        _check_model(directory, recipe_name)
        _run(directory.resolve(), port, endpoint_type=endpoint_type)
        return
    deployment = target.deployed(env=env, aws=aws)
    if version is None:
        found = models.champion(deployment, recipe_name, variant=variant, model=model)
    else:
        found = models.registered(deployment, recipe_name, version=version, model=model)
    with tempfile.TemporaryDirectory(prefix="trainyard-serve-") as scratch:
        terminal.err().print(Text(f"Fetching {recipe_name}, {found.name}, from {found.data}"), soft_wrap=True)
        _run(models.fetch(deployment, found, directory=Path(scratch)), port, endpoint_type=endpoint_type)


def _run(model_dir: Path, port: int, *, endpoint_type: str) -> None:
    terminal.err().print(Text(f"Requests, and how to make them: http://localhost:{port}/docs"), soft_wrap=True)
    process.serve(model_dir, port=port, endpoint_type=endpoint_type, code=project.code())


def _check_free(port: int) -> None:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
        except OSError as error:
            raise BadRequest(
                f"Expected port {port} to be free: {error.strerror}. Choose another with --port."
            ) from None


def _check_model(directory: Path, recipe_name: str) -> None:
    if not (directory / ModelCard.FILE).is_file():
        raise NotFound(f"Expected a model with {ModelCard.FILE} in {directory}, found none.")
    found = ModelCard.read(directory).recipe
    if found != recipe_name:
        raise BadRequest(f"Expected a model of {recipe_name} in {directory}, found one of {found}.")
