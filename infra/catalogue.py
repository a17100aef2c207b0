"""The catalogue: one database per environment, in it a table of bulk scores per recipe, and one of kept requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_glue as glue
from constructs import Construct

from infra.removal import replaceable
from infra.settings import PROJECT, Settings
from trainyard.run import recipe
from trainyard.run.folders import SCORES_PREFIX
from trainyard.run.watch import capture
from trainyard.run.watch.capture import CaptureRules

PARTITIONS = ("model", "run")
INPUT_FORMAT = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
OUTPUT_FORMAT = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
SERIALIZATION = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"


def database_name(settings: Settings) -> str:
    """`trainyard_dev`: names with a hyphen need quoting in every query."""
    return f"{PROJECT}_{settings.name}"


def _column(name: str, type_name: str, *, comment: str | None = None) -> glue.CfnTable.ColumnProperty:
    return glue.CfnTable.ColumnProperty(name=name, type=type_name, comment=comment)


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
                name=database_name(settings), description=f"Tables of {settings.prefix}"
            ),
        )
        replaceable(database)
        tables = [self._scores(each, settings, bucket=bucket) for each in recipe.names()]
        if settings.capture:
            tables.append(self._requests(settings, settings.capture, bucket=bucket))
        for table in tables:
            table.node.add_dependency(database)
            replaceable(table)

    def _scores(self, name: str, settings: Settings, *, bucket: str) -> glue.CfnTable:
        return self._table(
            name,
            settings,
            description=recipe.config(name).title,
            location=f"s3://{bucket}/{SCORES_PREFIX}/{name}/",
            columns=[_column(each.name, each.type, comment=each.comment) for each in recipe.score_columns(name)],
            partitions=[_column(each, "string") for each in PARTITIONS],
        )

    def _requests(self, settings: Settings, rules: CaptureRules, *, bucket: str) -> glue.CfnTable:
        """Its partitions are computed by Athena, by their names: endpoints write them and may not ask the catalogue.

        A model's names are people's own, so a query has to say which model it is about.
        """
        return self._table(
            capture.PREFIX,
            settings,
            description=f"Requests and answers that endpoints of {settings.prefix} kept",
            location=f"s3://{bucket}/{capture.PREFIX}/",
            columns=[_column(each.name, each.type, comment=each.comment) for each in capture.COLUMNS],
            partitions=[_column(each.name, each.type, comment=each.comment) for each in capture.PARTITIONS],
            parameters={
                "projection.enabled": "true",
                "projection.recipe.type": "enum",
                "projection.recipe.values": ",".join(recipe.names()),
                "projection.model.type": "injected",
                "projection.date.type": "date",
                "projection.date.format": "yyyy-MM-dd",
                # What lives a day longer than it should is found until it is gone.
                "projection.date.range": f"NOW-{rules.retention_days + 1}DAYS,NOW",
                "projection.hour.type": "integer",
                "projection.hour.range": "0,23",
                "projection.hour.digits": "2",
            },
        )

    def _table(
        self,
        name: str,
        settings: Settings,
        *,
        description: str,
        location: str,
        columns: Sequence[glue.CfnTable.ColumnProperty],
        partitions: Sequence[glue.CfnTable.ColumnProperty],
        parameters: Mapping[str, str] | None = None,
    ) -> glue.CfnTable:
        return glue.CfnTable(
            self,
            name.title().replace("_", ""),
            catalog_id=cdk.Aws.ACCOUNT_ID,
            database_name=database_name(settings),
            table_input=glue.CfnTable.TableInputProperty(
                name=name,
                description=description,
                table_type="EXTERNAL_TABLE",
                parameters={"classification": "parquet", "EXTERNAL": "TRUE", **(parameters or {})},
                partition_keys=list(partitions),
                storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                    columns=list(columns),
                    location=location,
                    input_format=INPUT_FORMAT,
                    output_format=OUTPUT_FORMAT,
                    serde_info=glue.CfnTable.SerdeInfoProperty(serialization_library=SERIALIZATION),
                ),
            ),
        )
