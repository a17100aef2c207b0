"""`trainyard up`, `down`, `status` and `env`: the local cloud, and what is deployed on the target; on a laptop."""

from __future__ import annotations

import shlex
from itertools import islice
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from trainyard import recipe
from trainyard.aws import deployment, executions
from trainyard.aws.deployment import Deployment
from trainyard.cli import console, project, target
from trainyard.cli.options import AwsOption, EnvOption, JsonOption
from trainyard.errors import NotFound

DEFAULT_PORT = 4566
# Left over from work on a real account, these would be sent to the local cloud beside its own keys.
FOREIGN = ("AWS_PROFILE", "AWS_SESSION_TOKEN")

PortOption = Annotated[int, typer.Option("--port", min=1, max=65535, help="Loopback port it listens on.")]
ContainersOption = Annotated[
    str | None,
    typer.Option("--containers", metavar="ENGINE", help="Run jobs in real containers with docker, podman, ..."),
]


def up(port: PortOption = DEFAULT_PORT, containers: ContainersOption = None) -> None:
    """Start the local cloud, or say that it runs. What it holds survives `down` and `up`.

    Examples:

    * `trainyard up`

    * `trainyard up --port 4600 --containers podman`
    """
    from local_cloud import lifecycle

    cloud = lifecycle.up(project.state_dir(), port, containers)
    console.out().print(Text(f"The local cloud is up at {cloud.endpoint} (process {cloud.pid})."))
    console.out().print(Text('Use it with other tools: eval "$(trainyard env)"', style="dim"))


def down() -> None:
    """Stop the local cloud; everything in it is kept for the next `up`.

    Example: `trainyard down`
    """
    from local_cloud import lifecycle

    stopped = lifecycle.down(project.state_dir())
    console.out().print(Text("The local cloud is down; its state is kept." if stopped else "No local cloud was up."))


def env() -> None:
    """Print the shell variables that point the AWS CLI, the CDK and boto3 to the local cloud.

    Where the workflow is deployed, its names follow: RAW_BUCKET, ARTIFACTS_BUCKET, STATE_MACHINE_ARN, TOPIC_ARN.

    Example: `eval "$(trainyard env)" && aws s3 ls`
    """
    variables = target.local_variables(project.state_dir())
    if variables is None:
        raise NotFound("Expected a running local cloud, found none; start it with `trainyard up`.")
    print(f"unset {' '.join(FOREIGN)}")
    for name, value in sorted((variables | _deployed_names()).items()):
        print(f"export {name}={shlex.quote(value)}")


def _deployed_names() -> dict[str, str]:
    """What commands of other tools need to name; nothing before the first deployment."""
    place = target.connect(aws=False)
    if not all(deployment.stack_status(place, deployment.stack_name("dev", part)) for part in deployment.STACKS):
        return {}
    found = deployment.find(place, "dev")
    return {
        "RAW_BUCKET": found.raw_bucket,
        "ARTIFACTS_BUCKET": found.artifacts_bucket,
        "STATE_MACHINE_ARN": found.state_machine_arn,
        "TOPIC_ARN": found.topic_arn,
    }


def status(env: EnvOption = "dev", aws: AwsOption = False, as_json: JsonOption = False) -> None:
    """Show the target, the stacks of an environment, the models in use and the latest executions.

    Examples:

    * `trainyard status`

    * `trainyard status --aws --env prod --json`
    """
    place = target.connect(aws=aws)
    stacks = {
        deployment.stack_name(env, part): deployment.stack_status(place, deployment.stack_name(env, part))
        for part in deployment.STACKS
    }
    facts: dict[str, Any] = {"target": place.name, "environment": env, "stacks": stacks}
    if all(stacks.values()):
        facts |= _deployed_facts(deployment.find(place, env))
    if as_json:
        console.print_json(facts)
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
        "models_in_use": _champions(found),
        "latest_executions": counts,
    }


def _champions(found: Deployment) -> dict[str, str]:
    """The run whose model is in use, for each recipe that has one."""
    champions = {}
    for name in recipe.names():
        item = (
            found.target.client("dynamodb")
            .get_item(TableName=found.ledger_table, Key={"id": {"S": f"champion/{name}"}})
            .get("Item")
        )
        if item:
            champions[name] = item["run_id"]["S"]
    return champions


def _print(facts: dict[str, Any]) -> None:
    table = Table.grid(padding=(0, 2))
    table.add_row("Target", facts["target"])
    for name, state in facts["stacks"].items():
        table.add_row("Stack", f"{name}  {state or 'not deployed'}")
    for label, key in (("Raw bucket", "raw_bucket"), ("Artifacts", "artifacts_bucket"), ("Dashboard", "dashboard")):
        if facts.get(key):
            table.add_row(label, facts[key])
    for name, run_id in facts.get("models_in_use", {}).items():
        table.add_row("Model in use", f"{name}  {run_id}")
    if facts.get("latest_executions"):
        table.add_row("Executions", ", ".join(f"{n} {state}" for state, n in facts["latest_executions"].items()))
    console.out().print(table)
    if not all(facts["stacks"].values()):
        console.out().print(Text(f"Deploy with `trainyard deploy --env {facts['environment']}`.", style="dim"))
