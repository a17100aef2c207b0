"""`trainyard deploy`: bootstraps and deploys the stacks with the CDK command line; runs on a laptop or in CI."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.status import Status
from rich.text import Text

from trainyard.aws.deployment import stack_status
from trainyard.aws.session import Target
from trainyard.cli import cdk, console, project, target
from trainyard.cli.options import AwsOption, EnvOption
from trainyard.errors import NotFound

TOOLKIT_STACK = "CDKToolkit"
PLAIN_SECONDS = 10.0


def deploy(
    env: EnvOption = "dev",
    aws: AwsOption = False,
    confirm: Annotated[
        bool, typer.Option("--confirm", help="Let the CDK stop before it widens permissions (AWS only).")
    ] = False,
    api: Annotated[
        bool, typer.Option("--api", help="With the HTTP API; without this, only where the environment says so.")
    ] = False,
) -> None:
    """Deploy the workflow with the real `cdk deploy`, to the local cloud or to AWS.

    The local cloud is bootstrapped when it is not yet; an AWS account must have been, with `cdk bootstrap`.

    Examples:

    * `trainyard deploy`

    * `trainyard deploy --aws --env prod`

    * `trainyard deploy --api`
    """
    to_target(target.connect(aws=aws), env, approval="broadening" if confirm else "never", api=api)


def to_target(place: Target, env: str, *, approval: str = "never", api: bool = False) -> float:
    """Bootstrap (locally) and deploy all stacks of an environment; returns the seconds it took."""
    started = time.monotonic()
    variables = _variables(place)
    state_dir = project.state_dir()
    logs = state_dir / "logs"
    if stack_status(place, TOOLKIT_STACK) is None:
        _bootstrap(place, variables, logs)
    context = ["-c", f"env={env}"]
    if api:
        context += ["-c", "api=true"]
    if place.local:
        # The local cloud does not know a condition in the policy of the CDK's own publishing role.
        context += ["-c", "synthesizer=cli-credentials"]
    output = ["--output", str(state_dir / "cdk.out")]
    arguments = ["deploy", "--all", "--require-approval", approval, *context, *output]
    _call("Deploying", arguments, variables, logs / "cdk-deploy.log", cwd=project.root())
    took = time.monotonic() - started
    console.out().print(Text(f"Deployed environment {env} to {place.name} in {console.duration(took)}."))
    return took


def _bootstrap(place: Target, variables: dict[str, str], logs: Path) -> None:
    account = place.client("sts").get_caller_identity()["Account"]
    where = f"aws://{account}/{place.region}"
    if not place.local:
        raise NotFound(
            f"Expected the stack {TOOLKIT_STACK} in {where}, found none: it was never bootstrapped for the CDK. "
            f"Someone with administrator rights has to run `npx cdk bootstrap {where}` once."
        )
    # Outside the project the CDK does not synthesize the app first, which bootstrapping has no use for.
    _call("Bootstrapping", ["bootstrap", where], variables, logs / "cdk-bootstrap.log", cwd=logs)


def _variables(place: Target) -> dict[str, str]:
    """The environment of the CDK: the shell's own, and locally the way to the local cloud in place of any AWS."""
    if not place.local:
        return dict(os.environ)
    from local_cloud.images import docker

    state_dir = project.state_dir()
    ours = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**ours, **(target.local_variables(state_dir) or {}), "CDK_DOCKER": str(docker.executable(state_dir))}


def _call(verb: str, arguments: list[str], variables: dict[str, str], log: Path, *, cwd: Path) -> None:
    with ExitStack() as stack:
        if console.interactive():
            status = stack.enter_context(console.err().status(f"{verb} …"))
            on_line: Callable[[str], None] = partial(_spin, status, verb)
        else:
            on_line = _now_and_then(verb)
        cwd.mkdir(parents=True, exist_ok=True)
        cdk.call(project.root(), arguments, cwd=cwd, variables=variables, log=log, on_line=on_line)


def _spin(status: Status, verb: str, line: str) -> None:
    status.update(Text(f"{verb} … {console.one_line(line, 100)}"))


def _now_and_then(verb: str) -> Callable[[str], None]:
    """Prints a line every few seconds, so that a CI log shows life without drowning."""
    last = [float("-inf")]

    def tell(line: str) -> None:
        if time.monotonic() - last[0] >= PLAIN_SECONDS:
            last[0] = time.monotonic()
            console.out().print(Text(f"{verb}: {console.one_line(line, 150)}"), soft_wrap=True)

    return tell
