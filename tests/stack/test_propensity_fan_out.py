"""A schedule's start on the deployed workflow: a child execution per active product of a real MariaDB."""

from __future__ import annotations

import json
from collections import Counter

import pytest
import sqlalchemy as sa

from recipes.propensity.database.schema import HYPERPARAMETER, MODEL, MODEL_RUN, PRODUCTS
from tests.recipes.propensity import mariadb
from tests.recipes.propensity.conftest import filled
from tests.stack.conftest import wait

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack")]
ACTIVE, WITHOUT_DATA = (7, 8), 9
SMALL = {
    "data": {
        "grid": {
            **{"node1": [16], "node2": [8], "dropout1": [0.1], "dropout2": [0.1]},
            **{"optimizer": ["adam"], "epochs": 2},
        }
    },
    "hyperparameters": {"ensemble_size": 2, "epochs": 2},
    "gate": {"minimum": {"auc": 0.0}, "maximum": {"calibration_error": 1.0}, "beat": []},
}


@pytest.fixture(scope="module")
def database():
    """A server with two products that sold something and one that never did, all active."""
    if mariadb.programs() is None:
        pytest.skip("MariaDB is not installed: apt-get install mariadb-server")
    with mariadb.running() as url:
        engine = sa.create_engine(url)
        with engine.connect() as connection:
            filled(connection, size=40_000, active=ACTIVE)
            connection.execute(PRODUCTS.insert().values(product_id=WITHOUT_DATA, client_name="New", active=1))
            connection.commit()
        yield engine
        engine.dispose()


@pytest.fixture(scope="module")
def parent(stack, database):
    """The fan-out that a schedule starts, stopped while its children work, and redriven: its description."""
    url = database.url
    secret = {"engine": "mariadb", "host": url.host, "port": url.port, "dbname": url.database}
    secret |= {"username": url.username, "password": url.password, "sslmode": "disable"}
    name = stack.outputs["DatabaseSecretName"]
    stack.client("secretsmanager").put_secret_value(SecretId=name, SecretString=json.dumps(secret))
    stack.upload("database", {"run.json": json.dumps(SMALL).encode()}, recipe="propensity")
    states = stack.client("stepfunctions")
    live = f"{stack.outputs['StateMachineArn']}:live"
    arn = states.start_execution(stateMachineArn=live, input=scheduled(stack, machine=live))["executionArn"]
    wait(lambda: halfway(stack, arn), timeout=90, what="children at work beside one that failed")
    states.stop_execution(executionArn=arn, cause="to see what a redrive does")
    assert stack.finish(arn)["status"] == "ABORTED"
    for child in children(stack, arn):
        stack.finish(child["executionArn"], timeout=30)
    states.redrive_execution(executionArn=arn)
    return stack.finish(arn, timeout=180)


def scheduled(stack, *, machine: str) -> str:
    """The input that EventBridge Scheduler would start the machine with."""
    scheduler = stack.client("scheduler")
    [schedule] = scheduler.list_schedules()["Schedules"]
    target = scheduler.get_schedule(Name=schedule["Name"], GroupName=schedule["GroupName"])["Target"]
    assert target["Arn"] == machine
    return target["Input"]


def children(stack, arn):
    run_id = stack.plan(arn).get("run_id", "nothing yet")
    return [each for each in stack.executions("database") if each["name"].startswith(f"{run_id}-product-")]


def halfway(stack, arn):
    """The children, once one has failed and the others have begun with their own work."""
    found = children(stack, arn)
    stood = Counter(each["status"] for each in found)
    begun = [each for each in found if "Prepare training data" in stack.entered(each["executionArn"])]
    return found if stood["FAILED"] == 1 and len(begun) == len(ACTIVE) else None


def rows(database, table):
    with database.connect() as connection:
        return connection.execute(sa.select(table)).mappings().all()


def test_one_child_per_active_product_and_the_one_without_data_fails_alone(stack, parent):
    assert (parent["status"], parent["error"]) == ("FAILED", "ChildrenFailed")
    assert "product-9: sales: expected sales of product 9" in parent["cause"]
    ended = {each["name"].rsplit("-", 1)[1]: each["status"] for each in children(stack, parent["executionArn"])}
    assert ended == {"7": "SUCCEEDED", "8": "SUCCEEDED", "9": "FAILED"}
    # They run the version that their parent runs, whatever is deployed while it goes on.
    versions = {each["stateMachineVersionArn"] for each in children(stack, parent["executionArn"])}
    assert versions == {parent["stateMachineVersionArn"]}


def test_a_redrive_goes_on_with_the_children_there_are(stack, parent):
    """As in AWS: the item of the child that had failed before the stop has ended, and does not run again."""
    for each in children(stack, parent["executionArn"]):
        described = stack.client("stepfunctions").describe_execution(executionArn=each["executionArn"])
        assert described["redriveCount"] == (0 if each["name"].endswith("-9") else 1)
        assert stack.entered(each["executionArn"]).count("Ingest raw data") == 1


def test_one_message_tells_how_each_child_ended(stack, parent):
    message = stack.messages("on data set database started 3 executions")
    assert message["Subject"] == "trainyard: propensity, 2 new models, 0 refused, 1 failed"
    for part in ("* product-7 registered: ", "* product-8 registered: ", "* product-9 failed: sales: expected sales"):
        assert part in message["Message"]


def test_the_database_holds_one_run_per_product_and_a_repetition_adds_none(stack, parent, database):
    finished = [each for each in children(stack, parent["executionArn"]) if each["status"] == "SUCCEEDED"]
    runs = {json.loads(each["output"])["run_id"] for each in finished}
    before = {table: rows(database, table) for table in (MODEL, MODEL_RUN, HYPERPARAMETER)}
    assert {each["product_id"]: each["promoted"] for each in before[MODEL_RUN]} == dict.fromkeys(ACTIVE, 1)
    for found in before.values():
        assert {each["run_id"] for each in found} == runs
        assert len(found) == len(runs)
    registered = [
        json.loads(event["taskScheduledEventDetails"]["parameters"])
        for event in stack.history(finished[0]["executionArn"])
        if "-register" in event.get("taskScheduledEventDetails", {}).get("parameters", "")
    ]
    glue, [again] = stack.client("glue"), registered
    job = glue.start_job_run(**again)["JobRunId"]

    def ended():
        state = glue.get_job_run(JobName=again["JobName"], RunId=job)["JobRun"]["JobRunState"]
        return state if state in ("SUCCEEDED", "FAILED") else None

    assert wait(ended, timeout=60, what="the job that records the run") == "SUCCEEDED"
    assert {table: rows(database, table) for table in before} == before


def test_models_of_products_have_champions_of_their_own(stack, parent):
    for product in ACTIVE:
        key = {"id": {"S": f"champion/propensity-product-{product}"}}
        assert "Item" in stack.client("dynamodb").get_item(TableName=stack.outputs["LedgerTableName"], Key=key)


def test_the_password_is_nowhere_but_in_the_secret(stack, parent):
    texts = {
        each["executionArn"]: json.dumps(stack.history(each["executionArn"]), default=str)
        for each in stack.executions("database")
    }
    texts |= {f"artifact {key}": text for key, text in artifacts(stack)}
    texts |= {f"log {name}": text for name, text in logs(stack)}
    for name in ("data", "workflow"):
        answer = stack.client("cloudformation").get_template(StackName=f"trainyard-dev-{name}")
        texts[name] = json.dumps(answer["TemplateBody"])
    stack.receive()
    texts["inbox"] = json.dumps(stack.received)
    assert sum(name.startswith("artifact") for name in texts) > 20
    assert sum(name.startswith("log /aws-glue") for name in texts) >= 1
    # Where it must be found, so that a search that finds nothing means something.
    secret = stack.client("secretsmanager").get_secret_value(SecretId=stack.outputs["DatabaseSecretName"])
    assert mariadb.PASSWORD in secret["SecretString"]
    assert [name for name, text in texts.items() if mariadb.PASSWORD in text] == []


def artifacts(stack):
    s3, bucket = stack.client("s3"), stack.outputs["ArtifactsBucketName"]
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="propensity/"):
        for each in page["Contents"]:
            yield each["Key"], s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read().decode("latin-1")


def logs(stack):
    client = stack.client("logs")
    for group in client.describe_log_groups()["logGroups"]:
        name = group["logGroupName"]
        for page in client.get_paginator("filter_log_events").paginate(logGroupName=name):
            yield name, "\n".join(each["message"] for each in page["events"])
