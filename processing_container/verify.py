"""Shell of stage verify: hands over the clients of the job's role and its folders, and prints what people are told."""

from __future__ import annotations

from collections.abc import Sequence

import boto3

from trainyard.contract.truth import TABLE
from trainyard.errors import JobFailed
from trainyard.run import container
from trainyard.run.run import Run
from trainyard.run.store import RunStore
from trainyard.stages.verify.verify import Alarm, verify


def main(arguments: Sequence[str]) -> None:
    """Run the job with the run whose model is in use, and the namespace of the metric."""
    if len(arguments) != 2:
        raise JobFailed(f"Expected the arguments RUN NAMESPACE, found {' '.join(arguments) or 'none'}.")
    in_use, namespace = arguments
    run = Run.read(container.processing_input("resolve"))
    aws = boto3.Session(region_name=run.region)
    found = verify(
        RunStore(aws.client("s3"), run),
        container.processing_input("ingest") / TABLE,
        in_use=in_use,
        output=container.processing_output("verify"),
        latest=container.processing_output("latest"),
        alarm=Alarm(cloudwatch=aws.client("cloudwatch"), namespace=namespace),
    )
    print(found.message, flush=True)
