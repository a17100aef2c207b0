"""`trainyard console`: serves the web page of a deployment on this machine until it is stopped; runs on a laptop."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from trainyard.cli.command import console_of, target, terminal
from trainyard.cli.command.options import AwsOption, EnvOption


def console(
    port: Annotated[
        int | None, typer.Option("--port", min=1, max=65535, help="Loopback port: 4600 or the next free one.")
    ] = None,
    *,
    env: EnvOption = "dev",
    aws: AwsOption = False,
) -> None:
    """Serve a web page that shows runs, models, reports and logs, and acts on them; Ctrl-C ends it.

    `trainyard up` starts one for the local cloud, and `trainyard open` shows it.

    Examples:

    * `trainyard console`

    * `trainyard console --aws --env prod --port 4700`
    """
    from trainyard.client import deployment
    from trainyard.console import server
    from trainyard.console.note import Running
    from trainyard.console.site import Site

    def ready(running: Running) -> None:
        terminal.out().print(Text(f"The console is at {running.link()}"), soft_wrap=True)

    site = Site(
        find=lambda: deployment.find(target.connect(aws=aws), env),
        label=f"{'AWS' if aws else 'local cloud'} · {env}",
    )
    server.serve(site, note=console_of.note(env=env, aws=aws), port=port, ready=ready)
