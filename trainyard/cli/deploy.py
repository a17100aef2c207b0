"""`trainyard deploy`: bootstraps and deploys the stacks with the CDK command line; runs on a laptop or in CI."""

from __future__ import annotations

from typing import Annotated

import typer

from trainyard.cli.cdk.stacks import deploy_stacks
from trainyard.cli.command import target
from trainyard.cli.command.options import AwsOption, EnvOption


def deploy(
    env: EnvOption = "dev",
    aws: AwsOption = False,
    *,
    confirm: Annotated[
        bool, typer.Option("--confirm", help="Let the CDK stop before it widens permissions (AWS only).")
    ] = False,
    api: Annotated[
        bool, typer.Option("--api", help="With the HTTP API; without this, only where the environment says so.")
    ] = False,
    capture: Annotated[
        float | None,
        typer.Option(
            "--capture",
            min=0,
            max=1,
            metavar="SHARE",
            help="Of their requests that endpoints keep; 0 lets runs ask for more. Without this, as set.",
        ),
    ] = None,
    webhook: Annotated[
        str,
        typer.Option("--webhook", metavar="URL", help="Where messages are posted, signed; without this, as set."),
    ] = "",
    mlflow: Annotated[
        str,
        typer.Option("--mlflow", metavar="URL", help="Server of MLflow's that runs are logged to; without, as set."),
    ] = "",
) -> None:
    """Deploy the workflow with the real `cdk deploy`, to the local cloud or to AWS.

    The local cloud is bootstrapped when it is not yet; an AWS account must have been, with `cdk bootstrap`.

    Examples:

    * `trainyard deploy`

    * `trainyard deploy --aws --env prod`

    * `trainyard deploy --api`

    * `trainyard deploy --capture 0.1`

    * `trainyard deploy --webhook http://localhost:9000/trainyard`

    * `trainyard deploy --mlflow http://localhost:5000`
    """
    deploy_stacks(
        target.connect(aws=aws),
        env,
        approval="broadening" if confirm else "never",
        api=api,
        capture=capture,
        webhook=webhook,
        mlflow=mlflow,
    )
