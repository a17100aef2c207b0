"""Which objects of the two buckets a role may touch, in terms of the run layout `<recipe>/<run_id>/<stage>/...`."""

from __future__ import annotations

from infra.permissions import Permission
from trainyard.run.documents import Comparison, ScoreSummary
from trainyard.run.failure import FOLDER as FAILURES
from trainyard.run.folders import SCORES_PREFIX, TRUTH_PREFIX
from trainyard.run.run import Run
from trainyard.run.stage import Stage
from trainyard.run.watch.capture import PARTITIONS
from trainyard.run.watch.capture import PREFIX as CAPTURED

# A run id is YYYYMMDD-HHMMSS-xxxxxxxx. Spelling its shape out keeps `*` from reaching into another stage's folders:
# <run>/process/train/ would match `*/*/train/*`, and is not the training stage's.
RUN = "*/????????-??????-????????"
LAYOUT = "Recipes and runs come and go; the stage, which decides who may touch an object, is spelt out."
UPLOADS = "raw/*"
UPLOADS_TO_SCORE = "score/*"
TRUTH = "truth/*"


def objects(bucket_arn: str, *prefixes: str) -> list[str]:
    """ARNs of everything below these stages or folders of any run."""
    return [f"{bucket_arn}/{RUN}/{each}/*" for each in prefixes]


def read(bucket_arn: str, *prefixes: str) -> list[Permission]:
    """Read and list below these stages or folders of any run, not the whole bucket."""
    return [
        Permission(sid="ReadStages", actions=["s3:GetObject"], resources=objects(bucket_arn, *prefixes), why=LAYOUT),
        Permission(
            sid="ListStages",
            actions=["s3:ListBucket"],
            resources=[bucket_arn],
            conditions={"StringLike": {"s3:prefix": [f"{RUN}/{each}/*" for each in prefixes]}},
        ),
    ]


def write(bucket_arn: str, *prefixes: str) -> Permission:
    """Write below these stages or folders of any run; an upload that breaks off may be cleaned up."""
    return Permission(
        sid="WriteStages",
        actions=["s3:PutObject", "s3:AbortMultipartUpload"],
        resources=objects(bucket_arn, *prefixes),
        why=LAYOUT,
    )


def _failures(bucket_arn: str) -> list[str]:
    """ARNs of the documents in which runs of Glue jobs say why they failed."""
    return [f"{bucket_arn}/{RUN}/{FAILURES}/jr_*.json"]


def leave_failure(bucket_arn: str) -> Permission:
    """Leave the document in which a run of a Glue job says why it failed."""
    return Permission(
        sid="LeaveFailure",
        actions=["s3:PutObject"],
        resources=_failures(bucket_arn),
        why="Recipes and runs come and go; the document is named after the run of the job.",
    )


def read_failures(bucket_arn: str) -> Permission:
    """Read those documents, and nothing else of a run."""
    return Permission(
        sid="ReadFailures",
        actions=["s3:GetObject"],
        resources=_failures(bucket_arn),
        why="Recipes and runs come and go; only what failed jobs say is read.",
    )


def write_scores(bucket_arn: str) -> Permission:
    """Write bulk scores of any model and run, where the catalogue's tables lie."""
    return Permission(
        sid="WriteScores",
        actions=["s3:PutObject", "s3:AbortMultipartUpload"],
        resources=[f"{bucket_arn}/{SCORES_PREFIX}/*/model=*/run=*"],
        why="Recipes, models and runs come and go; only partitions of the tables of scores are written.",
    )


def keep_requests(bucket_arn: str) -> Permission:
    """Write what endpoints keep of their requests, and neither read nor list any of it."""
    return Permission(
        sid="KeepRequests",
        actions=["s3:PutObject"],
        resources=[_kept_requests(bucket_arn)],
        why="Recipes, models and hours come and go; only partitions of the table of requests are written.",
    )


def read_requests(bucket_arn: str) -> Permission:
    """Read what endpoints kept of their requests, file by file as a manifest names them."""
    return Permission(
        sid="ReadRequests",
        actions=["s3:GetObject"],
        resources=[_kept_requests(bucket_arn)],
        why="Recipes, models and hours come and go; only partitions of the table of requests are read.",
    )


def find_predictions(bucket_arn: str) -> list[Permission]:
    """Read what was predicted and promised: bulk scores, kept requests, and the documents that say whose they are."""
    documents = ((Stage.RESOLVE, Run.FILE), (Stage.SCORE, ScoreSummary.FILE), (Stage.EVALUATE, Comparison.FILE))
    return [
        Permission(
            sid="ReadPredictions",
            actions=["s3:GetObject"],
            resources=[
                f"{bucket_arn}/{SCORES_PREFIX}/*/model=*/run=*",
                _kept_requests(bucket_arn),
                *(f"{bucket_arn}/{RUN}/{stage}/{file}" for stage, file in documents),
            ],
            why="Recipes, models and runs come and go; only predictions are read, and which model they are of.",
        ),
        # Without it S3 calls what is not there forbidden, and runs may have been removed.
        Permission(sid="FindPredictions", actions=["s3:ListBucket"], resources=[bucket_arn]),
    ]


def write_truth(bucket_arn: str) -> Permission:
    """Write what labels of a data set say of a model, where the newest of it lies."""
    return Permission(
        sid="WriteTruth",
        actions=["s3:PutObject", "s3:AbortMultipartUpload"],
        resources=[f"{bucket_arn}/{TRUTH_PREFIX}/*/model=*/dataset=*"],
        why="Recipes, models and data sets come and go; only what labels say of predictions is written.",
    )


def _kept_requests(bucket_arn: str) -> str:
    partitions = "/".join(f"{each.name}=*" for each in PARTITIONS)
    return f"{bucket_arn}/{CAPTURED}/{partitions}/*.parquet"


def replace(bucket_arn: str, *stages: Stage) -> Permission:
    """Delete below these stages: what runs again removes what its first attempt left."""
    return Permission(
        sid="ReplaceOwnOutput",
        actions=["s3:DeleteObject"],
        resources=objects(bucket_arn, *stages),
        why=LAYOUT,
    )


def use_key(key_arn: str | None, *services: str) -> list[Permission]:
    """Use of the customer's key, only through the services whose data it encrypts."""
    if key_arn is None:
        return []
    return [
        Permission(
            sid="UseKey",
            actions=["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"],
            resources=[key_arn],
            conditions={"StringLike": {"kms:ViaService": [f"{each}.*.amazonaws.com" for each in services]}},
        )
    ]
