"""The catalogue of bulk scores: one database per environment, one table per recipe, one partition per run."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_glue as glue
from constructs import Construct

from infra.access import SCORES
from infra.removal import replaceable
from infra.settings import PROJECT, Settings
from trainyard.run import recipe

PARTITIONS = ("model", "run")
INPUT_FORMAT = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
OUTPUT_FORMAT = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
SERIALIZATION = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"


def database_name(settings: Settings) -> str:
    """`trainyard_dev`: names with a hyphen need quoting in every query."""
    return f"{PROJECT}_{settings.name}"


class Catalogue(Construct):
    """Database and tables; the state machine adds a partition once a score job has written all of it.

    They hold no scores: `MSCK REPAIR TABLE` finds the partitions of a bucket again.
    """

    def __init__(self, scope: Construct, name: str, *, settings: Settings, bucket: str) -> None:
        super().__init__(scope, name)
        database = glue.CfnDatabase(
            self,
            "Database",
            catalog_id=cdk.Aws.ACCOUNT_ID,
            database_input=glue.CfnDatabase.DatabaseInputProperty(
                name=database_name(settings), description=f"Bulk scores of {settings.prefix}"
            ),
        )
        replaceable(database)
        for each in recipe.names():
            table = self._table(each, settings, bucket=bucket)
            table.node.add_dependency(database)
            replaceable(table)

    def _table(self, name: str, settings: Settings, *, bucket: str) -> glue.CfnTable:
        columns = [
            glue.CfnTable.ColumnProperty(name=each.name, type=each.type, comment=each.comment)
            for each in recipe.score_columns(name)
        ]
        return glue.CfnTable(
            self,
            name.title().replace("_", ""),
            catalog_id=cdk.Aws.ACCOUNT_ID,
            database_name=database_name(settings),
            table_input=glue.CfnTable.TableInputProperty(
                name=name,
                description=recipe.config(name).title,
                table_type="EXTERNAL_TABLE",
                parameters={"classification": "parquet", "EXTERNAL": "TRUE"},
                partition_keys=[glue.CfnTable.ColumnProperty(name=each, type="string") for each in PARTITIONS],
                storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                    columns=columns,
                    location=f"s3://{bucket}/{SCORES}/{name}/",
                    input_format=INPUT_FORMAT,
                    output_format=OUTPUT_FORMAT,
                    serde_info=glue.CfnTable.SerdeInfoProperty(serialization_library=SERIALIZATION),
                ),
            ),
        )
