"""Shell of the analysis of a search: parses the arguments, hands over SageMaker's session, and prints the best job."""

from __future__ import annotations

from collections.abc import Sequence

import boto3
from sagemaker.core.helper.session_helper import Session

from trainyard.errors import JobFailed
from trainyard.run import container, recipe
from trainyard.run.run import Run
from trainyard.stages.tune.analyse import analyse


def main(arguments: Sequence[str]) -> None:
    """Run the job with `--tuning-job NAME`."""
    if len(arguments) != 2 or arguments[0] != "--tuning-job":
        raise JobFailed(f"Expected the arguments --tuning-job NAME, found {' '.join(arguments) or 'none'}.")
    run = Run.read(container.processing_input("resolve"))
    aws = boto3.Session(region_name=run.region)
    session = Session(boto_session=aws, sagemaker_client=aws.client("sagemaker"))
    tuning = recipe.config(run.recipe, run.config).tuning
    print(analyse(arguments[1], tuning, session=session, output=container.processing_output("analysis")), flush=True)
