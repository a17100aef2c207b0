"""`trainyard policy`: what uploads and starts may ask for in an environment; runs on a laptop."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table

from trainyard.cli.command import target, terminal
from trainyard.cli.command.options import AwsOption, EnvOption, JsonOption
from trainyard.client.policy import deployed
from trainyard.run.document import encoded
from trainyard.run.settings.policy import Allowance, Policy

NOTHING = "-"


def policy(env: EnvOption = "dev", aws: AwsOption = False, *, as_json: JsonOption = False) -> None:
    """Show what an environment lets the run.json of an upload ask for, and what the input of a start.

    Example: `trainyard policy --env prod`
    """
    found = deployed(target.deployed(env=env, aws=aws))
    if as_json:
        terminal.print_json(encoded(found))
    else:
        terminal.out().print(_table(found))


def _table(found: Policy) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("", "Upload (run.json)", "Start (states:StartExecution)"):
        table.add_column(column, overflow="fold")
    ways = (found.upload, found.start)
    table.add_row("may change", *(_listed(each.settings) for each in ways))
    table.add_row("except", *(_listed(each.reserved) for each in ways))
    for name in dict.fromkeys(name for each in ways for name in each.most):
        table.add_row(f"{name}, at most", *(_most(each, name) for each in ways))
    for name in dict.fromkeys(name for each in ways for name in each.among):
        table.add_row(name, *(_listed(each.among.get(name, ())) for each in ways))
    return table


def _listed(names: Iterable[str]) -> str:
    return ", ".join("everything" if each == "*" else each for each in names) or NOTHING


def _most(allowance: Allowance, name: str) -> str:
    return f"{allowance.most[name]:,.10g}" if name in allowance.most else NOTHING
