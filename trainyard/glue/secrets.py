"""Reads the secret that says where a source database is; runs in Glue."""

from __future__ import annotations

from collections.abc import Callable

from trainyard.errors import JobFailed
from trainyard.glue.arguments import Arguments
from trainyard.run.run import Run

SecretReader = Callable[[], str]


def secret_reader(arguments: Arguments, run: Run) -> SecretReader:
    """Gives the text of the job's database secret; raises JobFailed when the job knows none.

    Nothing is read, and no client made, before it is called: most jobs read files only.
    """

    def read() -> str:
        if not arguments.database_secret:
            raise JobFailed(
                "Expected the argument --DATABASE_SECRET with the name of a secret, found none; deploy the workflow "
                "again, which gives its jobs the database secret of the environment."
            )
        # Here, for what reads files on a laptop imports this module too.
        import boto3

        client = boto3.client("secretsmanager", region_name=run.region)
        return str(client.get_secret_value(SecretId=arguments.database_secret)["SecretString"])

    return read
