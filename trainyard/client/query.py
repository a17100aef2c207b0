"""Asks Athena for rows of a deployment's tables, in a notebook or a program; runs on a laptop.

awswrangler comes with the extra `notebook` and is imported when a query is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainyard.client.deployment import Deployment
from trainyard.errors import JobFailed, TrainyardError
from trainyard.run.folders import QUERIES_PREFIX

if TYPE_CHECKING:
    import pandas as pd

MOST_WAIT_SECONDS = 1.0
INSTALL = "Expected awswrangler, which asks Athena; found no {found}. Install it: pip install 'trainyard[notebook]'."


def query(deployment: Deployment, sql: str) -> pd.DataFrame:
    """The rows that a query of Athena finds in the tables of scores; nothing of it stays in the bucket.

    Raises JobFailed in the words of Athena, TrainyardError where awswrangler is not installed.
    """
    try:
        import awswrangler as wr
    except ImportError as error:
        raise TrainyardError(INSTALL.format(found=error.name)) from error
    try:
        found: pd.DataFrame = wr.athena.read_sql_query(
            sql,
            database=deployment.scores_database,
            s3_output=f"s3://{deployment.artifacts_bucket}/{QUERIES_PREFIX}/",
            keep_files=False,
            boto3_session=deployment.target.session,
            athena_query_wait_polling_delay=min(deployment.target.poll_seconds, MOST_WAIT_SECONDS),
        )
    except wr.exceptions.QueryFailed as error:
        raise JobFailed(f"Expected rows, found that Athena refused the query: {error}") from error
    return found
