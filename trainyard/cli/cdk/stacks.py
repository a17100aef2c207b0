"""Bootstraps and deploys the stacks of an environment with the CDK, showing how far it is; on a laptop or in CI."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from rich.status import Status
from rich.text import Text

from trainyard.cli.cdk import npm, program
from trainyard.cli.command import target, terminal
from trainyard.client import local_cloud, project
from trainyard.client.deployment import stack_status
from trainyard.client.session import Target
from trainyard.errors import NotFound
from trainyard.pages import formats

TOOLKIT_STACK = "CDKToolkit"
PLAIN_SECONDS = 10.0
LOCAL_SETTLING_SECONDS = 3


def deploy_stacks(
    cloud: Target,
    env: str,
    *,
    approval: str = "never",
    api: bool = False,
    capture: float | None = None,
    webhook: str = "",
    mlflow: str = "",
) -> float:
    """Bootstrap (locally) and deploy all stacks of an environment; returns the seconds it took."""
    started = time.monotonic()
    variables = _variables(cloud)
    state_dir = project.state_dir()
    logs = state_dir / "logs"
    if stack_status(cloud, TOOLKIT_STACK) is None:
        _bootstrap(cloud, variables, logs=logs)
    context = ["-c", f"env={env}"]
    if api:
        context += ["-c", "api=true"]
    if capture is not None:
        context += ["-c", f"capture={capture}"]
    if webhook:
        context += ["-c", f"webhook_url={webhook}"]
    if mlflow:
        context += ["-c", f"mlflow={mlflow}"]
    if cloud.local:
        # The local cloud does not know a condition in the policy of the CDK's own publishing role.
        context += ["-c", "synthesizer=cli-credentials"]
        # Whoever tries things out on a laptop uploads one folder and looks on.
        context += ["-c", f"settling_seconds={LOCAL_SETTLING_SECONDS}", "-c", "laptop=true"]
    else:
        # Registry groups outlive an environment that keeps its data; a stack that is made anew takes them over.
        context += ["--import-existing-resources"]
    output = ["--output", str(state_dir / "cdk.out")]
    arguments = ["deploy", "--all", "--require-approval", approval, *context, *output]
    _call("Deploying", arguments, variables=variables, log=logs / "cdk-deploy.log", cwd=None)
    took = time.monotonic() - started
    terminal.out().print(Text(f"Deployed environment {env} to {cloud.name} in {formats.duration(took)}."))
    return took


def _bootstrap(cloud: Target, variables: dict[str, str], *, logs: Path) -> None:
    account = cloud.client("sts").get_caller_identity()["Account"]
    where = f"aws://{account}/{cloud.region}"
    if not cloud.local:
        raise NotFound(
            f"Expected the stack {TOOLKIT_STACK} in {where}, found none: it was never bootstrapped for the CDK. "
            f"Someone with administrator rights has to run `npx cdk bootstrap {where}` once."
        )
    # Outside the project the CDK does not synthesize the app first, which bootstrapping has no use for.
    _call("Bootstrapping", ["bootstrap", where], variables=variables, log=logs / "cdk-bootstrap.log", cwd=logs)


def _variables(cloud: Target) -> dict[str, str]:
    """The environment of the CDK: the shell's own; locally with the variables of the local cloud in place of AWS's."""
    if not cloud.local:
        return dict(os.environ)
    state_dir = project.state_dir()
    local = local_cloud.variables(state_dir)
    if local is None:
        # The CDK would go on with the profile of this machine.
        raise NotFound(target.DOWN)
    ours = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {
        **ours,
        **local,
        "CDK_DOCKER": str(local_cloud.docker_program(state_dir)),
    }


def _call(verb: str, arguments: list[str], *, variables: dict[str, str], log: Path, cwd: Path | None) -> None:
    """Call the CDK in the folder `cwd`, or in the one with its settings."""
    folder = npm.ready_folder(lambda said: terminal.out().print(Text(said), soft_wrap=True))
    cwd = cwd or folder
    with ExitStack() as stack:
        if terminal.interactive():
            status = stack.enter_context(terminal.err().status(f"{verb} …"))
            on_line: Callable[[str], None] = _spinning(verb, status)
        else:
            on_line = _sampled(verb)
        cwd.mkdir(parents=True, exist_ok=True)
        program.call(folder, arguments, cwd=cwd, variables=variables, log=log, on_line=on_line)


def _spinning(verb: str, status: Status) -> Callable[[str], None]:
    """Shows the latest line beside a spinner."""
    return lambda line: status.update(Text(f"{verb} … {terminal.one_line(line, 100)}"))


def _sampled(verb: str) -> Callable[[str], None]:
    """Prints a line every few seconds, so that a CI log shows life without drowning."""
    last = [float("-inf")]

    def show(line: str) -> None:
        if time.monotonic() - last[0] >= PLAIN_SECONDS:
            last[0] = time.monotonic()
            terminal.out().print(Text(f"{verb}: {terminal.one_line(line, 150)}"), soft_wrap=True)

    return show
