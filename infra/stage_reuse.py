"""What the function that takes over finished stages may do, and why."""

from __future__ import annotations

from constructs import Construct

from infra.access import LAYOUT, RUN, objects, replace, use_key, write
from infra.data import Data
from infra.permissions import Permission, executions_of
from trainyard.run.reuse import Reuse
from trainyard.run.run import Run
from trainyard.run.stage import Stage
from trainyard.run.stage_record import REUSABLE
from trainyard.stages.reuse.stage_ledger import START


def permissions(scope: Construct, *, data: Data, machine_name: str) -> list[Permission]:
    """Copy stages from run to run, keep which run has made and which is making one, and ask who still runs."""
    return [
        Permission(
            sid="ReadStages",
            actions=["s3:GetObject"],
            resources=[
                f"{data.artifacts_arn}/{RUN}/{Stage.RESOLVE}/{Run.FILE}",
                *objects(data.artifacts_arn, *REUSABLE),
            ],
            why=LAYOUT,
        ),
        Permission(
            # S3 says of an object that it is not there only to those who may list; the question carries no prefix.
            sid="FindStages",
            actions=["s3:ListBucket"],
            resources=[data.artifacts_arn],
            conditions={"StringLikeIfExists": {"s3:prefix": [f"{RUN}/{each}/" for each in REUSABLE]}},
        ),
        write(data.artifacts_arn, *REUSABLE),
        replace(data.artifacts_arn, *REUSABLE),
        Permission(
            sid="SayWhatWasReused",
            actions=["s3:PutObject"],
            resources=[f"{data.artifacts_arn}/{RUN}/{Stage.RESOLVE}/{Reuse.FILE}"],
            why=LAYOUT,
        ),
        Permission(
            sid="KeepStages",
            actions=["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"],
            resources=[data.ledger_arn],
            conditions={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": f"{START}*"}},
        ),
        Permission(
            sid="AskWhoRuns",
            actions=["states:DescribeExecution"],
            resources=[executions_of(scope, machine_name)],
            why="Executions come and go; only those of this machine are asked for.",
        ),
        *use_key(data.key_arn, "s3", "dynamodb"),
    ]
