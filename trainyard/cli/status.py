"""`trainyard status`: what is deployed on the target, which models are in use, and what ran last; on a laptop."""

from __future__ import annotations

from itertools import islice
from typing import Any

from rich.table import Table
from rich.text import Text

from trainyard.cli.command import console_of, target, terminal
from trainyard.cli.command.options import AwsOption, EnvOption, JsonOption
from trainyard.client import alarms, deployment
from trainyard.client.deployment import Deployment
from trainyard.client.execution import executions
from trainyard.client.model import approval, models


def status(env: EnvOption = "dev", aws: AwsOption = False, *, as_json: JsonOption = False) -> None:
    """Show the target, the stacks of an environment, the models in use and those that wait, executions, and alarms.

    Examples:

    * `trainyard status`

    * `trainyard status --aws --env prod --json`
    """
    cloud = target.connect(aws=aws)
    stacks = {
        deployment.stack_name(env, part): deployment.stack_status(cloud, deployment.stack_name(env, part))
        for part in deployment.STACKS
    }
    facts: dict[str, Any] = {"target": cloud.name, "environment": env, "stacks": stacks}
    if all(stacks.values()):
        facts |= _deployed_facts(deployment.find(cloud, env))
    running = console_of.note(env=env, aws=aws).running()
    facts["console"] = running.address if running else ""
    if as_json:
        terminal.print_json(facts)
    else:
        _print(facts)


def _deployed_facts(found: Deployment) -> dict[str, Any]:
    recent = list(islice(executions.summaries(found), 100))
    counts: dict[str, int] = {}
    for each in recent:
        counts[each["status"]] = counts.get(each["status"], 0) + 1
    return {
        "raw_bucket": found.raw_bucket,
        "artifacts_bucket": found.artifacts_bucket,
        "state_machine": found.state_machine_arn,
        "dashboard": found.dashboard_url,
        "models_in_use": {each.name: each.run_id for each in models.in_use(found)},
        "waiting_for_approval": [
            {"model": each.recipe, "version": each.number, "run_id": each.run_id, "since": each.created.isoformat()}
            for each in approval.waiting(found)
        ],
        "latest_executions": counts,
        "in_alarm": [{"what": each.sentence, "since": each.since.isoformat()} for each in alarms.ringing(found)],
    }


def _print(facts: dict[str, Any]) -> None:
    table = Table.grid(padding=(0, 2))
    table.add_row("Target", facts["target"])
    for name, state in facts["stacks"].items():
        table.add_row("Stack", f"{name}  {state or 'not deployed'}")
    if facts["console"]:
        table.add_row("Console", f"{facts['console']}  (`trainyard open`)")
    for label, key in (("Raw bucket", "raw_bucket"), ("Artifacts", "artifacts_bucket"), ("Dashboard", "dashboard")):
        if facts.get(key):
            table.add_row(label, facts[key])
    for name, run_id in facts.get("models_in_use", {}).items():
        table.add_row("Model in use", f"{name}  {run_id}")
    for each in facts.get("waiting_for_approval", ()):
        approve = f"`trainyard approve {each['run_id']}`"
        said = f"version {each['version']} of {each['model']} since {each['since']}: {approve}"
        table.add_row("Waits for approval", said, style="yellow")
    if facts.get("latest_executions"):
        table.add_row("Executions", ", ".join(f"{n} {state}" for state, n in facts["latest_executions"].items()))
    for each in facts.get("in_alarm", ()):
        table.add_row("In alarm", f"{each['what']}  since {each['since']}", style="red")
    terminal.out().print(table)
    if not all(facts["stacks"].values()):
        terminal.out().print(Text(f"Deploy with `trainyard deploy --env {facts['environment']}`.", style="dim"))
