"""Takes an environment away for good: what its runs made, what is in its buckets, and its stacks; runs on a laptop."""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from trainyard.client.deployment import STACKS, stack_name, stack_status
from trainyard.client.model import endpoint_removal
from trainyard.client.model.endpoints import RUN_OF_MODEL
from trainyard.client.session import Target
from trainyard.errors import NotFound, TrainyardError
from trainyard.run.naming import ALARMS
from trainyard.stages.empty.buckets import refuse_writes, remove_versions
from trainyard.stages.tidy_up.job_logs import ENDPOINTS

BUCKET, TABLE, KEY, MACHINE, ALARM = (
    "AWS::S3::Bucket",
    "AWS::DynamoDB::Table",
    "AWS::KMS::Key",
    "AWS::StepFunctions::StateMachine",
    "AWS::CloudWatch::Alarm",
)
# As many as CloudWatch deletes in one call.
ALARMS_AT_A_TIME = 100
STACK_SECONDS = 1800.0
# The shortest that KMS waits before it deletes a key; until then the deletion can be cancelled.
KEY_DAYS = 7
GONE = ("ResourceNotFoundException", "NoSuchBucket", "NotFoundException", "StateMachineDoesNotExist")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What there is of an environment. `protected` says that its data is kept until somebody insists.

    `resources` are the physical names of what its stacks hold, by type.
    """

    target: Target
    env: str
    stacks: Sequence[str]
    resources: Mapping[str, Sequence[str]] = field(default_factory=dict)
    executions: Sequence[str] = ()
    endpoints: Sequence[str] = ()
    configurations: Sequence[str] = ()
    models: Sequence[str] = ()
    alarms: Sequence[str] = ()
    logs: Sequence[str] = ()
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    protected: bool = False

    def sentences(self) -> Iterator[str]:
        """What would be removed, one line per kind that there is something of."""
        versions = sum(map(len, self.groups.values()))
        for count, what in (
            (self.executions, "running executions, which are stopped"),
            (self.endpoints, "endpoints, whose callers get errors from then on"),
            (self.configurations, "endpoint configurations"),
            (self.alarms, "alarms of endpoints"),
            (self.logs, "log groups of endpoints"),
            (self.models, "models"),
            (self.groups, f"model package groups with {versions} versions"),
            (self.resources.get(BUCKET, ()), "buckets with every version of every object"),
            (self.resources.get(TABLE, ()), "table: which model is in use"),
            (self.resources.get(KEY, ()), f"key, {KEY_DAYS} days later: what it encrypted is unreadable then"),
            (self.stacks, f"stacks: {', '.join(self.stacks)}"),
        ):
            if count:
                yield f"{len(count)} {what}"


def plan_of(target: Target, env: str) -> Plan:
    """Look at what there is; raises NotFound where there is nothing of an environment."""
    prefix = f"trainyard-{env}-"
    stacks = [name for part in reversed(STACKS) if stack_status(target, name := stack_name(env, part)) is not None]
    sagemaker = target.client("sagemaker")

    def named(operation: str, key: str, *, name: str, starts: Iterable[str] = (prefix,)) -> list[str]:
        found = [
            each[name]
            for start in starts
            for page in sagemaker.get_paginator(operation).paginate(NameContains=start)
            for each in page[key]
            if each[name].startswith(start)
        ]
        return sorted(set(found))

    groups = named("list_model_package_groups", "ModelPackageGroupSummaryList", name="ModelPackageGroupName")
    resources = _resources(target, stacks)
    plan = Plan(
        target=target,
        env=env,
        stacks=stacks,
        resources=resources,
        executions=[arn for machine in resources.get(MACHINE, ()) for arn in _running(target, machine)],
        endpoints=named("list_endpoints", "Endpoints", name="EndpointName"),
        alarms=_alarms(target, prefix, owned=resources.get(ALARM, ())),
        logs=_logs(target, prefix),
        configurations=named("list_endpoint_configs", "EndpointConfigs", name="EndpointConfigName"),
        # Models of earlier versions do not name the project, but a run; those of somebody else may begin like them.
        models=[
            each
            for each in named("list_models", "Models", name="ModelName", starts=(f"{prefix}model-", f"{env}-model-"))
            if each.startswith(prefix) or RUN_OF_MODEL.fullmatch(each)
        ],
        groups={each: _versions(target, each) for each in groups},
        protected=any(_protected(target, each) for each in stacks),
    )
    if not list(plan.sentences()):
        raise NotFound(f"Expected the environment {env} on {target.name}, found nothing of it.")
    return plan


def remove(plan: Plan, *, tell: Callable[[str], None]) -> Iterator[str]:
    """Remove all of it, saying after each step what is done; `tell` gets what is waited for before one is.

    Raises TrainyardError where something does not go away.
    Whatever went already is passed over, so that a removal that broke off can be called again.
    """
    target, sagemaker = plan.target, plan.target.client("sagemaker")
    for arn in plan.executions:
        target.client("stepfunctions").stop_execution(executionArn=arn, cause="The environment is being destroyed.")
    endpoint_removal.delete(target, plan.endpoints, prefix=f"trainyard-{plan.env}-", tell=tell)
    for each in plan.configurations:
        sagemaker.delete_endpoint_config(EndpointConfigName=each)
    for start in range(0, len(plan.alarms), ALARMS_AT_A_TIME):
        part = plan.alarms[start : start + ALARMS_AT_A_TIME]
        target.client("cloudwatch").delete_alarms(AlarmNames=list(part))
    for each in plan.logs:
        # The daily tidying may have been faster.
        _unless_gone(target.client("logs").delete_log_group, logGroupName=each)
    for each in plan.models:
        sagemaker.delete_model(ModelName=each)
    yield "Endpoints and models are gone."
    for group, versions in plan.groups.items():
        for arn in versions:
            sagemaker.delete_model_package(ModelPackageName=arn)
        sagemaker.delete_model_package_group(ModelPackageGroupName=group)
    yield "Registered models are gone."
    workflow = [each for each in plan.stacks if each == stack_name(plan.env, "workflow")]
    yield from _delete_stacks(target, workflow)
    # Or logs of what is removed here would arrive in the bucket of access logs, and keep it from being deleted.
    for bucket in plan.resources.get(BUCKET, ()):
        refuse_writes(bucket, s3=target.client("s3"))
    for bucket in plan.resources.get(BUCKET, ()):
        yield f"Bucket {bucket} is empty: {remove_versions(bucket, s3=target.client('s3'))} versions removed."
    yield from _delete_stacks(target, [each for each in plan.stacks if each not in workflow])
    yield from _delete_kept(plan)


def _resources(target: Target, stacks: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for stack in stacks:
        for page in target.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack):
            for each in page["StackResourceSummaries"]:
                if each.get("PhysicalResourceId") and each["ResourceStatus"] != "DELETE_COMPLETE":
                    found.setdefault(each["ResourceType"], []).append(each["PhysicalResourceId"])
    return found


def _alarms(target: Target, prefix: str, *, owned: Container[str]) -> list[str]:
    """The alarms that roll-outs made, also for endpoints that are gone; those that stacks own go with them."""
    pages = target.client("cloudwatch").get_paginator("describe_alarms")
    found = pages.paginate(AlarmNamePrefix=prefix, AlarmTypes=["MetricAlarm"])
    names = [each["AlarmName"] for page in found for each in page["MetricAlarms"]]
    endings = tuple(f"-{each}" for each in ALARMS)
    return [each for each in names if each.endswith(endings) and each not in owned]


def _logs(target: Target, prefix: str) -> list[str]:
    """What endpoints have written, also those that are gone: SageMaker makes these groups, and ends none."""
    pages = target.client("logs").get_paginator("describe_log_groups")
    found = pages.paginate(logGroupNamePrefix=f"{ENDPOINTS}{prefix}")
    return [each["logGroupName"] for page in found for each in page["logGroups"]]


def _running(target: Target, machine: str) -> list[str]:
    pages = target.client("stepfunctions").get_paginator("list_executions")
    return [
        each["executionArn"]
        for page in pages.paginate(stateMachineArn=machine, statusFilter="RUNNING")
        for each in page["executions"]
    ]


def _versions(target: Target, group: str) -> list[str]:
    pages = target.client("sagemaker").get_paginator("list_model_packages").paginate(ModelPackageGroupName=group)
    return [each["ModelPackageArn"] for page in pages for each in page["ModelPackageSummaryList"]]


def _protected(target: Target, stack: str) -> bool:
    found = target.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return bool(found.get("EnableTerminationProtection"))


def _delete_stacks(target: Target, stacks: Iterable[str]) -> Iterator[str]:
    cloudformation = target.client("cloudformation")
    for each in stacks:
        if _protected(target, each):
            cloudformation.update_termination_protection(EnableTerminationProtection=False, StackName=each)
        cloudformation.delete_stack(StackName=each)
        deadline = time.monotonic() + STACK_SECONDS
        while (status := stack_status(target, each)) is not None:
            if status.endswith("FAILED") or time.monotonic() > deadline:
                raise TrainyardError(
                    f"Expected stack {each} to be deleted, found it {status}: its events in CloudFormation say why. "
                    "Logs of access may have arrived in a bucket in the meantime: call destroy again."
                )
            time.sleep(target.poll_seconds)
        yield f"Stack {each} is gone."


def _delete_kept(plan: Plan) -> Iterator[str]:
    """What an environment that keeps its data leaves when its stacks go."""
    if not plan.protected:
        return
    s3, dynamodb, kms = (plan.target.client(each) for each in ("s3", "dynamodb", "kms"))
    for bucket in plan.resources.get(BUCKET, ()):
        # The policy went with the stack.
        refuse_writes(bucket, s3=s3)
        remove_versions(bucket, s3=s3)
        _unless_gone(s3.delete_bucket, Bucket=bucket)
    for table in plan.resources.get(TABLE, ()):
        _unless_gone(dynamodb.update_table, TableName=table, DeletionProtectionEnabled=False)
        _unless_gone(dynamodb.delete_table, TableName=table)
    for key in plan.resources.get(KEY, ()):
        _unless_gone(kms.schedule_key_deletion, KeyId=key, PendingWindowInDays=KEY_DAYS)
    yield "Buckets and table are gone, and the key will be."


def _unless_gone(call: Any, **arguments: Any) -> None:
    try:
        call(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] not in GONE:
            raise
