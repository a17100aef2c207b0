"""The program `trainyard`: names the commands and turns failures into one sentence; runs on a laptop or in CI."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer
from rich.text import Text

from trainyard.cli import (
    catalogue,
    cloud,
    console,
    control,
    demo,
    deploy,
    endpoints,
    failures,
    inspect,
    journal,
    results,
    runs,
    score,
    serve,
)

app = typer.Typer(
    name="trainyard",
    help="Drop data into a bucket and get a scored, gated, registered model, on AWS or on this machine.\n\n"
    "Commands talk to the local cloud while one is up, unless --aws is given. "
    "Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 3 bad data, 4 not found, 5 model refused.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)

COMMANDS: dict[str, dict[str, Callable[..., Any]]] = {
    "Set up": {"demo": demo.demo, "up": cloud.up, "down": cloud.down, "status": cloud.status},
    "Deploy": {"deploy": deploy.deploy, "env": cloud.env},
    "Run": {"recipes": catalogue.recipes, "sample": runs.sample, "run": runs.run, "score": score.score},
    "Serve": {
        "serve": serve.serve,
        "release": endpoints.release,
        "endpoints": endpoints.list_endpoints,
        "predict": endpoints.predict,
        "undeploy": endpoints.undeploy,
    },
    "Inspect": {
        "executions": inspect.list_executions,
        "show": inspect.show,
        "logs": journal.show_logs,
        "artifacts": results.list_artifacts,
    },
    "Control": {"redrive": control.redrive, "stop": control.stop},
}

for _panel, _commands in COMMANDS.items():
    for _name, _function in _commands.items():
        app.command(_name, rich_help_panel=_panel)(_function)


def _version(asked: bool) -> None:
    if asked:
        print(f"trainyard {importlib.metadata.version('trainyard')}")
        raise typer.Exit


@app.callback()
def options(
    _show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options before the command."""


def main(arguments: Sequence[str]) -> int:
    """Run one command line; returns the exit code. Failures become one sentence on standard error."""
    try:
        app(args=list(arguments), prog_name="trainyard")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except failures.EXPECTED as error:
        sentence, code = failures.explain(error)
        console.err().print(Text(sentence, style="red"), soft_wrap=True)
        return code
    return 0


def run() -> None:
    """The entry point that is installed as `trainyard`."""
    sys.exit(main(sys.argv[1:]))
