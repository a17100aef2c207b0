"""Roles made of named statements; every wildcard in one carries its reason, which is also what cdk-nag is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct, IConstruct

NAG = "AwsSolutions::AwsSolutions"
CDK_RULES = ("Annotation::", "CloudFormation-Validate::")
Conditions = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Permission:
    """One Allow statement. `why` explains its wildcards and is required when there are any."""

    sid: str
    actions: Sequence[str]
    resources: Sequence[str]
    why: str = ""
    conditions: Conditions = field(default_factory=dict)

    def __post_init__(self) -> None:
        if any("*" in each for each in self.actions):
            raise ValueError(f"expected exact actions in {self.sid}, found {self.actions}")
        if self.wildcards() and not self.why:
            raise ValueError(f"expected a reason for the wildcards of {self.sid}: {self.wildcards()}")

    def wildcards(self) -> list[str]:
        return [each for each in self.resources if "*" in each]

    def statement(self) -> iam.PolicyStatement:
        return iam.PolicyStatement(
            sid=self.sid, actions=list(self.actions), resources=list(self.resources), conditions=self.conditions
        )


def role(
    scope: Construct,
    name: str,
    *,
    service: str,
    description: str,
    permissions: Sequence[Permission],
) -> iam.IRole:
    """A role that has exactly `permissions`: constructs that use it cannot widen it behind the reader's back.

    Its service may assume it for this account only.
    """
    document = iam.PolicyDocument(statements=[each.statement() for each in permissions])
    made = iam.Role(
        scope,
        name,
        assumed_by=iam.ServicePrincipal(service, conditions=same_account(scope)),
        description=description,
        inline_policies={"permissions": document},
    )
    explain_wildcards(made, permissions)
    return made.without_policy_updates()


def executions_of(scope: Construct, machine_name: str) -> str:
    """ARN of every execution of a state machine, by whose name alone it is known before the machine exists."""
    return cdk.Stack.of(scope).format_arn(
        service="states",
        resource="execution",
        resource_name=f"{machine_name}:*",
        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
    )


def explain_wildcards(made: Construct, permissions: Sequence[Permission]) -> None:
    """Give cdk-nag the reason of every wildcard in a role's permissions."""
    for each in permissions:
        for resource in each.wildcards():
            acknowledge(made, f"IAM5[Resource::{_finding(made, resource)}]", reason=each.why)


def same_account(scope: Construct) -> Conditions:
    """Trust only what acts for this account: the confused deputy's remedy."""
    return {"StringEquals": {"aws:SourceAccount": cdk.Stack.of(scope).account}}


def acknowledge(construct: IConstruct, rule: str, *, reason: str) -> None:
    """Say why a finding here is as it should be: one of cdk-nag (`S1`), or one of the CDK's own under its full name."""
    known = rule if rule.startswith(CDK_RULES) else f"{NAG}-{rule}"
    cdk.Validations.of(construct).acknowledge(cdk.Acknowledgment(id=known, reason=reason))


def _finding(scope: Construct, resource: str) -> str:
    """The resource as cdk-nag writes it into the finding's name: references between angle brackets."""
    return _flat(cdk.Stack.of(scope).resolve(resource))


def _flat(node: Any) -> str:
    if isinstance(node, str):
        return node
    [(kind, value)] = node.items()
    if kind == "Fn::Join":
        separator, parts = value
        return str(separator).join(_flat(each) for each in parts)
    if kind == "Fn::ImportValue":
        return _flat(value)
    if kind == "Fn::Sub":
        return str(value).replace("${", "<").replace("}", ">")
    return f"<{'.'.join(value) if kind == 'Fn::GetAtt' else value}>"
