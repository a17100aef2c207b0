"""awswrangler reads and queries tables of a local cloud as it does those of AWS."""

from __future__ import annotations

import asyncio
import io
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import awswrangler as wr
import pandas as pd
import pytest
from botocore.exceptions import ClientError
from ministack.services import athena

from local_cloud.athena import queries
from trainyard.client import session
from trainyard.client.deployment import Deployment
from trainyard.client.local_session import LocalSession
from trainyard.client.yard import Yard
from trainyard.errors import JobFailed

from .conftest import Cloud
from .tiny_images import bucket, unique

PARQUET = {
    "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
}
COLUMNS = [
    {"Name": "name", "Type": "string"},
    {"Name": "count", "Type": "bigint"},
    {"Name": "near", "Type": "array<string>"},
]
ROWS = {
    "first": [("a", 2, ["b"]), ("quoted \"b\", of 'c'", 3, []), (None, None, None)],
    "second": [("d", 5, ["a", "b"])],
}


@dataclass(frozen=True)
class Scores:
    """A table with two registered partitions, and one that is half written."""

    cloud: Cloud
    session: LocalSession
    bucket: str
    database: str

    @property
    def results(self) -> str:
        return f"s3://{self.bucket}/results"

    def query(self, sql: str, **options: Any) -> pd.DataFrame:
        given = {"s3_output": self.results, "athena_query_wait_polling_delay": 0.05, **options}
        return wr.athena.read_sql_query(sql, database=self.database, boto3_session=self.session, **given)

    def keys(self, prefix: str) -> list[str]:
        listed = self.cloud.client("s3").list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [each["Key"] for each in listed.get("Contents", [])]


@pytest.fixture(scope="module")
def scores(local_cloud: Cloud) -> Iterator[Scores]:
    store, database = bucket(local_cloud), f"trainyard_{unique('env').replace('-', '_')}"
    glue, table = local_cloud.client("glue"), f"s3://{store}/scores"
    glue.create_database(DatabaseInput={"Name": database})
    glue.create_table(
        DatabaseName=database,
        TableInput={
            "Name": "words",
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {"classification": "parquet"},
            "PartitionKeys": [{"Name": "run", "Type": "string"}],
            "StorageDescriptor": {"Columns": COLUMNS, "Location": f"{table}/", **PARQUET},
        },
    )
    for run, rows in {**ROWS, "half": [("not to be read", 1, [])]}.items():
        body = io.BytesIO()
        pd.DataFrame(rows, columns=["name", "count", "near"]).astype({"count": "Int64"}).to_parquet(body)
        local_cloud.client("s3").put_object(Bucket=store, Key=f"scores/run={run}/part-0.parquet", Body=body.getvalue())
    for run in ROWS:
        place = {"Columns": COLUMNS, "Location": f"{table}/run={run}/", **PARQUET}
        glue.create_partition(
            DatabaseName=database, TableName="words", PartitionInput={"Values": [run], "StorageDescriptor": place}
        )
    yield Scores(local_cloud, LocalSession(local_cloud.environment), store, database)


@pytest.mark.parametrize("ctas_approach", [True, False])
def test_a_query_reads_the_registered_partitions(scores: Scores, ctas_approach: bool) -> None:
    found = scores.query(
        "SELECT run, count(*) AS words, sum(count) AS total FROM words GROUP BY run ORDER BY run",
        ctas_approach=ctas_approach,
    )
    assert found.to_dict("list") == {"run": ["first", "second"], "words": [3, 1], "total": [5, 5]}
    assert [str(kind) for kind in found.dtypes] == ["string", "Int64", "Int64"]


@pytest.mark.parametrize("ctas_approach", [True, False])
def test_missing_values_and_quotes_come_back(scores: Scores, ctas_approach: bool) -> None:
    found = scores.query(
        "SELECT name, count FROM words WHERE run = 'first' ORDER BY count NULLS LAST", ctas_approach=ctas_approach
    )
    assert [tuple(row) for row in found.fillna({"name": "", "count": 0}).itertuples(index=False)] == [
        ("a", 2),
        ("quoted \"b\", of 'c'", 3),
        ("", 0),
    ]


def test_lists_come_back_as_lists(scores: Scores) -> None:
    found = scores.query("SELECT near FROM words WHERE name = 'd'")
    assert [list(each) for each in found["near"]] == [["a", "b"]]


def test_a_query_that_finds_nothing_has_its_columns(scores: Scores) -> None:
    found = scores.query("SELECT name, count FROM words WHERE run = 'none'")
    assert (list(found.columns), len(found)) == (["name", "count"], 0)


def test_nothing_is_left_of_a_query_that_keeps_no_files(scores: Scores) -> None:
    folder = f"s3://{scores.bucket}/passing/"
    scores.query("SELECT name FROM words", s3_output=folder, keep_files=False, ctas_approach=False)
    assert scores.keys("passing") == []


def test_a_yard_asks_for_rows_and_leaves_nothing(scores: Scores) -> None:
    yard = Yard(
        Deployment(
            target=session.on_local_cloud(scores.cloud.environment),
            env=scores.database.removeprefix("trainyard_"),
            raw_bucket="",
            artifacts_bucket=scores.bucket,
            state_machine_arn="",
            topic_arn="",
            ledger_table="",
            dashboard_url="",
        )
    )
    tables = set(wr.catalog.tables(database=scores.database, boto3_session=yard.session)["Table"])
    found = yard.query("SELECT name, near FROM words WHERE count > 4")
    assert [(each.name, list(each.near)) for each in found.itertuples(index=False)] == [("d", ["a", "b"])]
    assert scores.keys("queries") == []
    assert set(wr.catalog.tables(database=scores.database, boto3_session=yard.session)["Table"]) == tables
    with pytest.raises(JobFailed, match="nobody"):
        yard.query("SELECT nobody FROM words")


def test_results_lie_where_athena_says(scores: Scores) -> None:
    """With and without a slash at the end of the folder."""
    client = scores.cloud.client("athena")
    for folder in (scores.results, f"{scores.results}/"):
        started = client.start_query_execution(
            QueryString="SELECT 1 AS one", ResultConfiguration={"OutputLocation": folder}
        )["QueryExecutionId"]
        wr.athena.wait_query(started, boto3_session=scores.session, athena_query_wait_polling_delay=0.05)
        found = client.get_query_execution(QueryExecutionId=started)["QueryExecution"]
        assert found["ResultConfiguration"]["OutputLocation"] == f"{scores.results}/{started}.csv"
        body = scores.cloud.client("s3").get_object(Bucket=scores.bucket, Key=f"results/{started}.csv")["Body"].read()
        assert body == b'"one"\n"1"\n'


@pytest.fixture(scope="module")
def requests(scores: Scores) -> str:
    """A table that computes its partitions: of one file in its ranges, and one in each that is out of them."""
    today = datetime.now(UTC).date()
    places = {
        "kept": ("a", today, "07"),
        "of another model": ("b", today, "07"),
        "of an unknown recipe": ("a", today, "07"),
        "older than is kept": ("a", today - timedelta(days=4), "07"),
        "of no hour": ("a", today, "24"),
    }
    for name, (model, day, hour) in places.items():
        body, recipe = io.BytesIO(), "unknown" if "unknown" in name else "words"
        pd.DataFrame({"name": [name], "request": ['{"count": 5, "near": ["b"]}']}).to_parquet(body)
        key = f"captured/recipe={recipe}/model={model}/date={day}/hour={hour}/{unique('file')}.parquet"
        scores.cloud.client("s3").put_object(Bucket=scores.bucket, Key=key, Body=body.getvalue())
    parameters = {
        **{"enabled": "true", "recipe.type": "enum", "recipe.values": "words,others", "model.type": "injected"},
        **{"date.type": "date", "date.format": "yyyy-MM-dd", "date.range": "NOW-3DAYS,NOW"},
        **{"hour.type": "integer", "hour.range": "0,23", "hour.digits": "2"},
    }
    columns = [{"Name": each, "Type": "string"} for each in ("name", "request")]
    scores.cloud.client("glue").create_table(
        DatabaseName=scores.database,
        TableInput={
            "Name": "requests",
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {f"projection.{name}": value for name, value in parameters.items()},
            "PartitionKeys": [
                {"Name": name, "Type": "int" if name == "hour" else "string"}
                for name in ("recipe", "model", "date", "hour")
            ],
            "StorageDescriptor": {"Columns": columns, "Location": f"s3://{scores.bucket}/captured/", **PARQUET},
        },
    )
    return "requests"


def test_a_table_that_computes_its_partitions_has_those_in_its_ranges(scores: Scores, requests: str) -> None:
    found = scores.query(f"SELECT name, recipe, hour FROM {requests} WHERE model = 'a'")
    assert found.to_dict("records") == [{"name": "kept", "recipe": "words", "hour": 7}]


def test_a_query_has_to_say_which_value_an_injected_column_has(scores: Scores, requests: str) -> None:
    with pytest.raises(wr.exceptions.QueryFailed, match="which value model has"):
        scores.query(f"SELECT name FROM {requests} WHERE recipe = 'words'")


def test_json_in_a_text_is_read_by_the_name_that_athena_has_for_it(scores: Scores, requests: str) -> None:
    found = scores.query(f"SELECT json_extract_scalar(request, '$.count') AS count FROM {requests} WHERE model = 'a'")
    assert list(found["count"]) == ["5"]


def test_a_wrong_query_says_what_is_wrong(scores: Scores) -> None:
    with pytest.raises(wr.exceptions.QueryFailed, match="nobody"):
        scores.query("SELECT nobody FROM words")
    for ctas_approach in (True, False):
        with pytest.raises(wr.exceptions.QueryFailed, match="NoSuchBucket"):
            scores.query("SELECT 1 AS one", s3_output="s3://nowhere-at-all/", ctas_approach=ctas_approach)
    tables = wr.catalog.tables(database=scores.database, boto3_session=scores.session)
    assert not [name for name in tables["Table"] if name.startswith("temp")]


def test_a_table_of_a_query_can_be_queried(scores: Scores) -> None:
    wr.athena.create_ctas_table(
        sql="SELECT name, count FROM words WHERE run = 'second'",
        database=scores.database,
        ctas_table="of_second",
        s3_output=scores.results,
        wait=True,
        boto3_session=scores.session,
    )
    types = wr.catalog.get_table_types(scores.database, "of_second", boto3_session=scores.session)
    assert types == {"name": "string", "count": "bigint"}
    assert scores.query("SELECT * FROM of_second").to_dict("records") == [{"name": "d", "count": 5}]
    with pytest.raises(wr.exceptions.QueryFailed, match="already exists"):
        wr.athena.create_ctas_table(
            sql="SELECT 1 AS one",
            database=scores.database,
            ctas_table="of_second",
            s3_output=scores.results,
            wait=True,
            boto3_session=scores.session,
        )


def test_the_catalogue_and_the_files_are_read(scores: Scores) -> None:
    asked = {"database": scores.database, "table": "words", "boto3_session": scores.session}
    assert wr.catalog.get_table_location(**asked) == f"s3://{scores.bucket}/scores/"
    assert wr.catalog.does_table_exist(**asked)
    assert sorted(wr.catalog.get_partitions(**asked).values()) == [["first"], ["second"]]
    assert list(wr.catalog.table(**asked)["Column Name"]) == ["name", "count", "near", "run"]
    listed = wr.catalog.databases(boto3_session=scores.session)
    assert scores.database in set(listed["Database"])
    path = f"s3://{scores.bucket}/scores/run=second/"
    assert wr.s3.read_parquet(path, boto3_session=scores.session)["name"].tolist() == ["d"]


def test_work_groups_say_whether_their_settings_win(scores: Scores) -> None:
    client, name = scores.cloud.client("athena"), unique("group")
    client.create_work_group(Name=name)
    wins = {
        each: client.get_work_group(WorkGroup=each)["WorkGroup"]["Configuration"]["EnforceWorkGroupConfiguration"]
        for each in ("primary", name)
    }
    assert wins == {"primary": False, name: True}


@pytest.mark.parametrize(("group", "allowed"), [("primary", True), ("other", False)])
def test_who_may_ask_is_judged_by_the_work_group_of_the_query(scores: Scores, group: str, allowed: bool) -> None:
    iam, name = scores.cloud.client("iam"), unique("asker")
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    actions = [f"athena:{each}" for each in ("StartQueryExecution", "GetQueryExecution", "GetQueryResults")]
    may = {"Effect": "Allow", "Action": actions, "Resource": f"arn:aws:athena:us-east-1:000000000000:workgroup/{group}"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [may]})
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy)
    given = scores.cloud.client("sts").assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    keys = {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }
    asker, owner = scores.cloud.client("athena", **keys), scores.cloud.client("athena")
    asked: dict[str, Any] = {
        "QueryString": "SELECT name FROM words WHERE run = 'second'",
        "QueryExecutionContext": {"Database": scores.database},
        "ResultConfiguration": {"OutputLocation": scores.results},
    }
    if not allowed:
        with pytest.raises(ClientError, match="athena:StartQueryExecution"):
            asker.start_query_execution(**asked)
    query = (asker if allowed else owner).start_query_execution(**asked)["QueryExecutionId"]
    if not allowed:
        with pytest.raises(ClientError, match="athena:GetQueryResults"):
            asker.get_query_results(QueryExecutionId=query)
        return
    deadline = time.monotonic() + 20
    while asker.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]["State"] != "SUCCEEDED":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    rows = asker.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"]
    assert [each["Data"][0]["VarCharValue"] for each in rows] == ["name", "d"]


def test_what_the_local_athena_cannot_make_is_refused_in_words(scores: Scores) -> None:
    with pytest.raises(wr.exceptions.QueryFailed, match="plain Parquet"):
        scores.query("SELECT 1 AS one", ctas_approach=True, ctas_parameters={"bucketing_info": (["one"], 1)})


def test_a_session_reaches_nothing_else(scores: Scores, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a profile nor a proxy of the shell is in its way; what a library asks for besides is kept."""
    from botocore.config import Config

    monkeypatch.setenv("AWS_PROFILE", "nobody")
    monkeypatch.setenv("HTTPS_PROXY", "http://localhost:1")
    session = LocalSession(scores.cloud.environment)
    client = session.client("s3", config=Config(user_agent_extra="mine"))
    assert client.meta.endpoint_url == scores.cloud.endpoint
    assert client.meta.config.user_agent_extra == "mine"
    assert scores.bucket in {each["Name"] for each in client.list_buckets()["Buckets"]}
    with pytest.raises(ClientError, match="404"):
        session.resource("s3").Object(scores.bucket, "nothing").load()


def test_a_cancelled_query_stays_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    record = {"Status": {"State": "QUEUED"}, "Statistics": {}, "QueryExecutionId": "q", "ResultConfiguration": {}}

    async def cancelled(*_: Any) -> dict[str, Any]:
        record["Status"]["State"] = "CANCELLED"
        raise TimeoutError

    monkeypatch.setitem(athena._executions, "q", record)
    monkeypatch.setattr(athena, "_run_duckdb", cancelled)
    asyncio.run(queries.execute("q", "SELECT 1", "default", None))
    assert record["Status"] == {"State": "CANCELLED"}
