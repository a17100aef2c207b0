"""State machines on the real server: outcomes, retries, time limits, stops, redrives, history, logs and branches."""

from __future__ import annotations

import io
import json
import time
import uuid
import zipfile
from typing import Any

import pytest

from tests.local_cloud.conftest import Cloud

ANYTHING = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
FUNCTION = """
import json, time
import boto3

def handler(event, context):
    if event.get("sleep"):
        time.sleep(event["sleep"])
    if event.get("fail"):
        class BadThing(Exception):
            pass
        raise BadThing("it is " + event["fail"])
    return {"arn": boto3.client("sts").get_caller_identity()["Arn"], "event": event}
"""


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="module")
def role(local_cloud: Cloud) -> str:
    return local_cloud.role(unique("machine"), "states.amazonaws.com", ANYTHING)


@pytest.fixture(scope="module")
def table(local_cloud: Cloud) -> str:
    return table_of(local_cloud, unique("table"))


@pytest.fixture(scope="module")
def function(local_cloud: Cloud) -> str:
    return packed_function(local_cloud, unique("function"), FUNCTION)


def table_of(cloud: Cloud, name: str) -> str:
    """Make a table of items by `id`."""
    cloud.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def packed_function(cloud: Cloud, name: str, code: str) -> str:
    """Make a function of this code, with a role that may do nothing."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", code)
    cloud.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.12",
        Handler="index.handler",
        Role=cloud.role(name, "lambda.amazonaws.com", []),
        Code={"ZipFile": packed.getvalue()},
        Timeout=30,
    )
    return name


def count_up(table: str, **more: Any) -> dict[str, Any]:
    """A task that counts its own calls in the table."""
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::dynamodb:updateItem",
        "Arguments": {
            "TableName": table,
            "Key": {"id": {"S": "{% $states.context.Execution.Name %}"}},
            "UpdateExpression": "ADD calls :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        },
        **more,
    }


def get_counter(table: str, **more: Any) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::dynamodb:getItem",
        "Arguments": {"TableName": table, "Key": {"id": {"S": "{% $states.context.Execution.Name %}"}}},
        **more,
    }


def invoke(function: str, payload: Any, **more: Any) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": function, "Payload": payload},
        **more,
    }


def machine(cloud: Cloud, role: str, states: dict[str, Any], **options: Any) -> str:
    top = {name: options.pop(name) for name in ("TimeoutSeconds",) if name in options}
    return cloud.machine(unique("machine"), {"StartAt": next(iter(states)), "States": states, **top}, role, **options)


def counted(cloud: Cloud, table: str, execution: dict[str, Any]) -> int:
    item = cloud.client("dynamodb").get_item(TableName=table, Key={"id": {"S": execution["name"]}})["Item"]
    return int(item["calls"]["N"])


def test_a_workflow_of_many_services_and_its_overhead(local_cloud: Cloud, role: str, table: str, function: str) -> None:
    bucket, topic = unique("bucket"), local_cloud.client("sns").create_topic(Name=unique("topic"))["TopicArn"]
    local_cloud.client("s3").create_bucket(Bucket=bucket)
    local_cloud.client("s3").put_object(Bucket=bucket, Key="in.json", Body=b'{"score": 0.7}')
    states = {
        "Read": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:s3:getObject",
            "Arguments": {"Bucket": bucket, "Key": "in.json"},
            "Assign": {"report": "{% $parse($states.result.Body) %}"},
            "Next": "Good?",
        },
        "Good?": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $report.score > 0.5 %}", "Next": "Invoke"}],
            "Default": "Refused",
        },
        "Refused": {"Type": "Fail", "Error": "Refused", "Cause": "too low"},
        "Invoke": invoke(function, {"score": "{% $report.score %}"}, Next="Write"),
        "Write": {
            "Type": "Task",
            "Resource": "arn:aws:states:::dynamodb:putItem",
            "Arguments": {"TableName": table, "Item": {"id": {"S": "{% $states.input.Payload.arn %}"}}},
            "Assign": {"who": "{% $states.input.Payload.arn %}"},
            "Next": "Tell",
        },
        "Tell": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sns:publish",
            "Arguments": {"TopicArn": topic, "Message": "{% 'score ' & $string($report.score) %}"},
            "Next": "Done",
        },
        "Done": {"Type": "Succeed", "Output": {"who": "{% $who %}", "score": "{% $report.score %}"}},
    }
    arn = machine(local_cloud, role, states)
    local_cloud.run(arn)  # the first run starts the function's process
    started = time.monotonic()
    described = local_cloud.run(arn)
    assert described["status"] == "SUCCEEDED", described["cause"]
    output = json.loads(described["output"])
    assert output["score"] == 0.7
    # A function's process runs as its own role, never as the server.
    assert output["who"].endswith(f":assumed-role/{function_role(local_cloud, function)}/{function}")
    assert time.monotonic() - started < 5


def function_role(cloud: Cloud, function: str) -> str:
    return cloud.client("lambda").get_function(FunctionName=function)["Configuration"]["Role"].rpartition("/")[2]


def test_a_message_keeps_its_attributes_which_subscriptions_choose_by(local_cloud: Cloud, role: str) -> None:
    sns, sqs = local_cloud.client("sns"), local_cloud.client("sqs")
    topic, url = sns.create_topic(Name=unique("topic"))["TopicArn"], sqs.create_queue(QueueName=unique("q"))["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allowed = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**allowed, "Resource": queue}]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    chosen = {"FilterPolicy": json.dumps({"outcome": ["bad_data"]})}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes=chosen)

    def tell(outcome: str, message: Any, **more: Any) -> dict[str, Any]:
        attributes = {name: {"DataType": "String", "StringValue": outcome} for name in ("first", "outcome")}
        given = {"TopicArn": topic, "Message": message, "MessageAttributes": attributes}
        return {"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "Arguments": given, **more}

    states = {"Other": tell("registered", "no", Next="Chosen"), "Chosen": tell("bad_data", {"rows": 3}, End=True)}
    described = local_cloud.run(machine(local_cloud, role, states))
    assert described["status"] == "SUCCEEDED", described["cause"]
    (message,) = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=5)["Messages"]
    told = json.loads(message["Body"])
    assert json.loads(told["Message"]) == {"rows": 3}
    assert told["MessageAttributes"]["outcome"] == {"Type": "String", "Value": "bad_data"}


def test_assignments_see_the_values_from_before_them(local_cloud: Cloud, role: str) -> None:
    states = {
        "One": {"Type": "Pass", "Assign": {"a": 1, "b": 2}, "Next": "Swap"},
        "Swap": {"Type": "Pass", "Assign": {"a": "{% $b %}", "b": "{% $a %}"}, "Next": "Choose"},
        "Choose": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $a = 1 %}", "Next": "Show"}],
            "Default": "Show",
            "Output": {"chosen": "default"},
        },
        "Show": {
            "Type": "Pass",
            "Output": {"a": "{% $a %}", "b": "{% $b %}", "in": "{% $states.input %}"},
            "End": True,
        },
    }
    described = local_cloud.run(machine(local_cloud, role, states))
    assert json.loads(described["output"]) == {"a": 2, "b": 1, "in": {"chosen": "default"}}


def test_retries_count_up_and_then_the_catcher_takes_over(local_cloud: Cloud, role: str, function: str) -> None:
    retry = {"ErrorEquals": ["BadThing"], "IntervalSeconds": 1, "MaxDelaySeconds": 1, "BackoffRate": 100,
             "JitterStrategy": "FULL", "MaxAttempts": 2}  # fmt: skip
    catch = {"ErrorEquals": ["States.ALL"], "Output": "{% $states.errorOutput %}", "Next": "Show"}
    payload = {"fail": "{% $string($states.context.State.RetryCount) %}"}
    states = {
        "Try": invoke(function, payload, Retry=[retry], Catch=[catch], End=True),
        "Show": {"Type": "Pass", "End": True},
    }
    described = local_cloud.run(machine(local_cloud, role, states))
    output = json.loads(described["output"])
    assert output["Error"] == "BadThing", output
    assert json.loads(output["Cause"])["errorMessage"] == "it is 2"
    kinds = [event["type"] for event in local_cloud.events(described["executionArn"])]
    assert kinds.count("TaskFailed") == 3


def test_redrive_goes_on_at_the_failed_state_with_its_input_and_variables(
    local_cloud: Cloud, role: str, table: str, function: str
) -> None:
    fail_once = "{% $exists($states.context.Execution.RedriveCount) ? '' : 'broken' %}"
    states = {
        "Count": count_up(
            table, Assign={"kept": "{% $states.input.value * 2 %}"}, Output={"from": "count"}, Next="Try"
        ),
        "Try": invoke(
            function,
            {"fail": fail_once, "kept": "{% $kept %}", "input": "{% $states.input %}",
             "redrives": "{% ($n := $states.context.Execution.RedriveCount; $exists($n) ? $n : 0) %}"},
            Retry=[{"ErrorEquals": ["BadThing"], "IntervalSeconds": 1, "MaxDelaySeconds": 1, "MaxAttempts": 1,
                    "JitterStrategy": "FULL"}],
            Output="{% $states.result.Payload.event %}", End=True,
        ),
    }  # fmt: skip
    client = local_cloud.client("stepfunctions")
    arn = machine(local_cloud, role, states)
    failed = local_cloud.run(arn, {"value": 21})
    assert (failed["status"], failed["error"], failed["redriveStatus"]) == ("FAILED", "BadThing", "REDRIVABLE")
    assert failed["redriveCount"] == 0
    # AWS redrives the definition that the execution began with.
    client.update_state_machine(
        stateMachineArn=arn, definition=json.dumps({"StartAt": "X", "States": {"X": {"Type": "Succeed"}}})
    )
    began_with = client.describe_state_machine_for_execution(executionArn=failed["executionArn"])
    assert set(json.loads(began_with["definition"])["States"]) == {"Count", "Try"}
    answer = client.redrive_execution(executionArn=failed["executionArn"], clientToken="once")
    done = local_cloud.finished(failed["executionArn"])
    assert done["status"] == "SUCCEEDED", done
    assert json.loads(done["output"]) == {"fail": "", "kept": 42, "input": {"from": "count"}, "redrives": 1}
    assert (done["redriveCount"], done["redriveDate"]) == (1, answer["redriveDate"])
    assert counted(local_cloud, table, done) == 1
    assert client.redrive_execution(executionArn=failed["executionArn"], clientToken="once") | {
        "ResponseMetadata": None
    } == {"redriveDate": answer["redriveDate"], "ResponseMetadata": None}
    events = local_cloud.events(done["executionArn"])
    kinds = [event["type"] for event in events]
    redriven = kinds.index("ExecutionRedriven")
    assert kinds[redriven - 1] == "ExecutionFailed"
    assert kinds[redriven + 1] == "TaskScheduled"
    assert events[redriven]["executionRedrivenEventDetails"] == {"redriveCount": 1}
    with pytest.raises(client.exceptions.ExecutionNotRedrivable, match="SUCCEEDED and cannot be redriven"):
        client.redrive_execution(executionArn=failed["executionArn"])
    with pytest.raises(client.exceptions.ExecutionDoesNotExist):
        client.redrive_execution(executionArn=failed["executionArn"] + "x")
    listed = client.list_executions(stateMachineArn=arn)["executions"][0]
    assert listed["redriveCount"] == 1


def test_a_redrive_of_an_execution_that_ended_in_a_fail_state_enters_it_again(
    local_cloud: Cloud, role: str, table: str
) -> None:
    """As in AWS: what has exited does not run again, so nothing before a Fail state does."""
    fail = {"Type": "Fail", "Error": "Mine", "Cause": "{% 'redrives: ' & $states.context.Execution.RedriveCount %}"}
    arn = machine(local_cloud, role, {"Count": count_up(table, Next="Failed"), "Failed": fail})
    failed = local_cloud.run(arn)
    assert (failed["status"], failed["cause"]) == ("FAILED", "redrives: ")
    local_cloud.client("stepfunctions").redrive_execution(executionArn=failed["executionArn"])
    again = local_cloud.finished(failed["executionArn"])
    assert (again["status"], again["error"], again["cause"]) == ("FAILED", "Mine", "redrives: 1")
    assert counted(local_cloud, table, again) == 1


def test_a_redrive_of_a_map_runs_only_what_failed_and_from_where_it_failed(
    local_cloud: Cloud, role: str, table: str, function: str
) -> None:
    odd = "{% $states.input % 2 = 1 and $not($exists($states.context.Execution.RedriveCount)) ? 'odd' : '' %}"
    inside = {
        "Count": count_up(table, Assign={"twice": "{% $states.input * 2 %}"}, Output="{% $states.input %}", Next="Try"),
        "Try": invoke(function, {"fail": odd}, Output="{% $twice %}", End=True),
    }
    each = {"Type": "Map", "Items": "{% [1, 2, 3] %}", "ItemProcessor": {"StartAt": "Count", "States": inside}}
    arn = machine(local_cloud, role, {"Each": {**each, "End": True}})
    failed = local_cloud.run(arn)
    assert (failed["status"], failed["error"]) == ("FAILED", "BadThing")
    assert counted(local_cloud, table, failed) == 3
    events = len(local_cloud.events(failed["executionArn"]))
    local_cloud.client("stepfunctions").redrive_execution(executionArn=failed["executionArn"])
    done = local_cloud.finished(failed["executionArn"])
    assert (done["status"], done.get("output")) == ("SUCCEEDED", "[2, 4, 6]")
    assert counted(local_cloud, table, done) == 3
    scheduled = [e["type"] for e in local_cloud.events(done["executionArn"])[events:]].count("TaskScheduled")
    assert scheduled == 2


def test_a_retry_of_a_map_runs_every_item_again(local_cloud: Cloud, role: str, table: str, function: str) -> None:
    second = "{% $states.input = 2 ? 'two' : '' %}"
    inside = {"Count": count_up(table, Output="{% $states.input %}", Next="Try"),
              "Try": invoke(function, {"fail": second}, End=True)}  # fmt: skip
    each = {"Type": "Map", "Items": "{% [1, 2] %}", "ItemProcessor": {"StartAt": "Count", "States": inside}}
    retry = {"ErrorEquals": ["BadThing"], "IntervalSeconds": 1, "MaxDelaySeconds": 1, "MaxAttempts": 1,
             "JitterStrategy": "FULL"}  # fmt: skip
    failed = local_cloud.run(machine(local_cloud, role, {"Each": {**each, "Retry": [retry], "End": True}}))
    assert failed["status"] == "FAILED"
    assert counted(local_cloud, table, failed) == 4


def test_a_catcher_that_raises_fails_in_its_own_state_and_a_redrive_goes_on_there(
    local_cloud: Cloud, role: str, table: str, function: str
) -> None:
    """state_machines/faults.py builds on it."""
    fail_once = "{% $exists($states.context.Execution.RedriveCount) ? '' : 'broken' %}"
    catch = {"ErrorEquals": ["States.TaskFailed"], "Output": "{% $error($states.errorOutput.Cause) %}", "Next": "End"}
    states = {
        "Count": count_up(table, Next="Try"),
        "Try": invoke(function, {"fail": fail_once}, Catch=[catch], Next="End"),
        "End": {"Type": "Succeed"},
    }
    failed = local_cloud.run(machine(local_cloud, role, states))
    assert (failed["status"], failed["error"]) == ("FAILED", "States.QueryEvaluationError")
    assert "it is broken" in failed["cause"]
    assert [e["type"] for e in local_cloud.events(failed["executionArn"])][-2:] == ["TaskFailed", "ExecutionFailed"]
    local_cloud.client("stepfunctions").redrive_execution(executionArn=failed["executionArn"])
    done = local_cloud.finished(failed["executionArn"])
    assert done["status"] == "SUCCEEDED"
    assert counted(local_cloud, table, done) == 1


def test_a_stop_ends_it_at_once_and_can_be_redriven(local_cloud: Cloud, role: str, table: str, function: str) -> None:
    sleep = "{% $exists($states.context.Execution.RedriveCount) ? 0 : 20 %}"
    states = {
        "Count": count_up(table, Next="Sleep"),
        "Sleep": invoke(function, {"sleep": sleep}, Output="slept", End=True),
    }
    client = local_cloud.client("stepfunctions")
    arn = local_cloud.start(machine(local_cloud, role, states))
    with pytest.raises(client.exceptions.ExecutionNotRedrivable, match="RUNNING and cannot be redriven"):
        client.redrive_execution(executionArn=arn)
    wait_for(lambda: "TaskStarted" in [event["type"] for event in local_cloud.events(arn)][5:])
    client.stop_execution(executionArn=arn, error="Mine", cause="enough")
    stopped = local_cloud.finished(arn, 1)
    assert (stopped["status"], stopped["error"], stopped["cause"]) == ("ABORTED", "Mine", "enough")
    client.redrive_execution(executionArn=arn)
    done = local_cloud.finished(arn)
    assert (done["status"], done["output"]) == ("SUCCEEDED", '"slept"')
    assert "error" not in done
    assert counted(local_cloud, table, done) == 1
    kinds = [event["type"] for event in local_cloud.events(arn)]
    assert kinds.count("ExecutionAborted") == 1
    assert kinds[-1] == "ExecutionSucceeded"


def wait_for(condition: Any, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(0.05)


def test_the_time_limit_of_a_task_can_be_caught(local_cloud: Cloud, role: str, function: str) -> None:
    catch = {"ErrorEquals": ["States.Timeout"], "Output": "{% $states.errorOutput.Error %}", "Next": "Show"}
    states = {
        "Sleep": invoke(function, {"sleep": 8}, TimeoutSeconds="{% 1 %}", Catch=[catch], End=True),
        "Show": {"Type": "Pass", "End": True},
    }
    started = time.monotonic()
    described = local_cloud.run(machine(local_cloud, role, states))
    assert (described["status"], described["output"]) == ("SUCCEEDED", '"States.Timeout"')
    assert time.monotonic() - started < 6
    assert "TaskTimedOut" in [event["type"] for event in local_cloud.events(described["executionArn"])]


def test_the_time_limit_of_the_execution_is_final_and_announced(local_cloud: Cloud, role: str) -> None:
    queue = local_cloud.client("sqs").create_queue(QueueName=unique("queue"))["QueueUrl"]
    queue_arn = local_cloud.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    states = {
        "Wait": {"Type": "Wait", "Seconds": 30, "Next": "End"},
        "End": {"Type": "Succeed"},
    }
    arn = machine(local_cloud, role, states, TimeoutSeconds=1)
    rule, events = unique("rule"), local_cloud.client("events")
    pattern = {"source": ["aws.states"], "detail": {"status": ["TIMED_OUT"], "stateMachineArn": [arn]}}
    events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": queue_arn["Attributes"]["QueueArn"]}])
    described = local_cloud.run(arn)
    assert (described["status"], described["error"]) == ("TIMED_OUT", "States.Timeout")
    assert described["redriveStatus"] == "REDRIVABLE"
    assert local_cloud.events(described["executionArn"])[-1]["type"] == "ExecutionTimedOut"
    messages = local_cloud.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    detail = json.loads(messages[0]["Body"])["detail"]
    assert detail["executionArn"] == described["executionArn"]
    assert detail["redriveStatus"] == "REDRIVABLE"


def test_history_links_its_events_and_names_the_task(local_cloud: Cloud, role: str, table: str) -> None:
    described = local_cloud.run(machine(local_cloud, role, {"Get": get_counter(table, End=True)}))
    events = local_cloud.events(described["executionArn"])
    assert [(event["type"], event.get("previousEventId", 0)) for event in events] == [
        ("ExecutionStarted", 0),
        ("TaskStateEntered", 1),
        ("TaskScheduled", 2),
        ("TaskStarted", 3),
        ("TaskSucceeded", 4),
        ("TaskStateExited", 5),
        ("ExecutionSucceeded", 6),
    ]
    scheduled = events[2]["taskScheduledEventDetails"]
    assert (scheduled["resourceType"], scheduled["resource"], scheduled["region"]) == (
        "dynamodb",
        "getItem",
        "us-east-1",
    )
    assert json.loads(scheduled["parameters"])["TableName"] == table
    assert json.loads(events[4]["taskSucceededEventDetails"]["output"]) == {}


def test_every_event_reaches_the_machines_log_group(local_cloud: Cloud, role: str) -> None:
    group = f"/aws/vendedlogs/states/{unique('machine')}"
    local_cloud.client("logs").create_log_group(logGroupName=group)
    logging = {
        "level": "ALL",
        "includeExecutionData": False,
        "destinations": [
            {"cloudWatchLogsLogGroup": {"logGroupArn": f"arn:aws:logs:us-east-1:000000000000:log-group:{group}:*"}}
        ],
    }
    arn = machine(local_cloud, role, {"Only": {"Type": "Pass", "End": True}}, loggingConfiguration=logging)
    described = local_cloud.run(arn, {"secret": 1})
    lines = local_cloud.client("logs").filter_log_events(logGroupName=group)["events"]
    messages = [json.loads(line["message"]) for line in lines]
    kinds = [event["type"] for event in local_cloud.events(described["executionArn"])]
    assert [message["type"] for message in messages] == kinds
    assert {message["execution_arn"] for message in messages} == {described["executionArn"]}
    assert "secret" not in str(lines)


def test_a_machine_made_by_cloudformation_logs_and_can_be_described(local_cloud: Cloud, role: str) -> None:
    name = unique("stack")
    definition = {"QueryLanguage": "JSONata", "StartAt": "Only", "States": {"Only": {"Type": "Pass", "End": True}}}
    group = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": f"/aws/vendedlogs/states/{name}"}}
    logging = {
        "Level": "ALL",
        "IncludeExecutionData": True,
        "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": {"Fn::GetAtt": ["Group", "Arn"]}}}],
    }
    properties = {
        "StateMachineName": name,
        "RoleArn": role,
        "DefinitionString": json.dumps(definition),
        "LoggingConfiguration": logging,
    }
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    cloudformation = local_cloud.client("cloudformation")
    template = {"Resources": {"Group": group, "Machine": machine}}
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    arn = f"arn:aws:states:us-east-1:000000000000:stateMachine:{name}"
    described = local_cloud.client("stepfunctions").describe_state_machine(stateMachineArn=arn)
    assert described["loggingConfiguration"]["level"] == "ALL"
    assert local_cloud.run(arn)["status"] == "SUCCEEDED"
    lines = local_cloud.client("logs").filter_log_events(logGroupName=f"/aws/vendedlogs/states/{name}")["events"]
    assert "ExecutionSucceeded" in lines[-1]["message"]


def test_parallel_and_map_keep_what_they_assign_inside(local_cloud: Cloud, role: str) -> None:
    branch = {"StartAt": "In", "States": {"In": {"Type": "Pass", "Assign": {"outer": "changed"},
                                                  "Output": "{% $states.input * $factor %}", "End": True}}}  # fmt: skip
    states = {
        "Set": {"Type": "Pass", "Assign": {"outer": "kept", "factor": 3}, "Output": {"n": 2}, "Next": "Both"},
        "Both": {"Type": "Parallel", "Arguments": "{% $states.input.n %}", "Branches": [branch, branch],
                 "Assign": {"both": "{% $states.result %}"}, "Next": "Each"},
        "Each": {"Type": "Map", "Items": "{% [1, 2, 3] %}", "ItemProcessor": branch, "Next": "Show"},
        "Show": {"Type": "Pass", "End": True,
                 "Output": {"each": "{% $states.input %}", "both": "{% $both %}", "outer": "{% $outer %}"}},
    }  # fmt: skip
    described = local_cloud.run(machine(local_cloud, role, states))
    assert json.loads(described["output"]) == {"each": [3, 6, 9], "both": [6, 6], "outer": "kept"}
    kinds = [event["type"] for event in local_cloud.events(described["executionArn"])]
    assert kinds.count("MapIterationSucceeded") == 3


def test_a_failing_iteration_fails_the_map_and_can_be_caught(local_cloud: Cloud, role: str) -> None:
    broken = {"StartAt": "Stop", "States": {"Stop": {"Type": "Fail", "Error": "Broken", "Cause": "on purpose"}}}
    catch = {"ErrorEquals": ["Broken"], "Output": "{% $states.errorOutput.Cause %}", "Next": "Show"}
    states = {
        "Each": {"Type": "Map", "Items": [1, 2], "ItemProcessor": broken, "Catch": [catch], "End": True},
        "Show": {"Type": "Succeed"},
    }
    assert local_cloud.run(machine(local_cloud, role, states))["output"] == '"on purpose"'


def test_a_child_execution_is_waited_for_and_stopped_with_its_parent(local_cloud: Cloud, role: str) -> None:
    client = local_cloud.client("stepfunctions")
    child = machine(
        local_cloud,
        role,
        {"Wait": {"Type": "Wait", "Seconds": "{% $states.input.seconds %}", "Output": {"ok": True}, "End": True}},
    )
    states = {
        "Start": {
            "Type": "Task",
            "Resource": "arn:aws:states:::states:startExecution.sync:2",
            "Arguments": {"StateMachineArn": child, "Input": {"seconds": "{% $states.input.seconds %}"}},
            "Output": "{% $states.result.Output %}",
            "End": True,
        }
    }
    parent = machine(local_cloud, role, states)
    assert json.loads(local_cloud.run(parent, {"seconds": 0})["output"]) == {"ok": True}
    arn = local_cloud.start(parent, {"seconds": 60})
    wait_for(lambda: len(client.list_executions(stateMachineArn=child, statusFilter="RUNNING")["executions"]) == 1)
    # The child runs a moment before its parent has written that it was submitted.
    wait_for(lambda: "TaskSubmitted" in [event["type"] for event in local_cloud.events(arn)])
    client.stop_execution(executionArn=arn)
    wait_for(lambda: len(client.list_executions(stateMachineArn=child, statusFilter="ABORTED")["executions"]) == 1)


def test_starting_twice_under_one_name_is_one_execution(local_cloud: Cloud, role: str) -> None:
    client = local_cloud.client("stepfunctions")
    arn = machine(local_cloud, role, {"Wait": {"Type": "Wait", "Seconds": 5, "End": True}})
    first = local_cloud.start(arn, {"a": 1}, name="same")
    assert local_cloud.start(arn, {"a": 1}, name="same") == first
    with pytest.raises(client.exceptions.ExecutionAlreadyExists):
        local_cloud.start(arn, {"a": 2}, name="same")
    client.stop_execution(executionArn=first)
    with pytest.raises(client.exceptions.ExecutionAlreadyExists):
        local_cloud.start(arn, {"a": 1}, name="same")


def test_more_than_256_kilobytes_fail_the_state(local_cloud: Cloud, role: str) -> None:
    states = {"Big": {"Type": "Pass", "Output": "{% $pad('', 300000, 'x') %}", "End": True}}
    described = local_cloud.run(machine(local_cloud, role, states))
    assert (described["status"], described["error"]) == ("FAILED", "States.DataLimitExceeded")
