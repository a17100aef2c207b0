"""Reads synthesized templates as CloudFormation would: references become the names and ARNs they stand for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::AccountId": "111122223333",
    "AWS::URLSuffix": "amazonaws.com",
}
OWNER = "us-east-1:111122223333"
# Which property names a resource, and its ARN; one that is given no name is called after its logical id.
NAMES = {
    "AWS::S3::Bucket": ("BucketName", "arn:aws:s3:::{}"),
    "AWS::DynamoDB::Table": ("TableName", f"arn:aws:dynamodb:{OWNER}:table/{{}}"),
    "AWS::SNS::Topic": ("TopicName", f"arn:aws:sns:{OWNER}:{{}}"),
    "AWS::SQS::Queue": ("QueueName", f"arn:aws:sqs:{OWNER}:{{}}"),
    "AWS::KMS::Key": ("KeyId", f"arn:aws:kms:{OWNER}:key/{{}}"),
    "AWS::IAM::Role": ("RoleName", "arn:aws:iam::111122223333:role/{}"),
    "AWS::Lambda::Function": ("FunctionName", f"arn:aws:lambda:{OWNER}:function:{{}}"),
    "AWS::Logs::LogGroup": ("LogGroupName", f"arn:aws:logs:{OWNER}:log-group:{{}}:*"),
    "AWS::Glue::Job": ("Name", f"arn:aws:glue:{OWNER}:job/{{}}"),
    "AWS::StepFunctions::StateMachine": ("StateMachineName", f"arn:aws:states:{OWNER}:stateMachine:{{}}"),
    "AWS::Events::Rule": ("Name", f"arn:aws:events:{OWNER}:rule/{{}}"),
}
UNDERSTOOD = ("StringEquals", "StringLike", "ArnEquals", "ArnLike", "Bool")
ARN_BY_REF = {"AWS::SNS::Topic", "AWS::StepFunctions::StateMachine"}


@dataclass
class Stack:
    """One template; `others` are the stacks whose exports it may import."""

    template: dict[str, Any]
    others: list[Stack] = field(default_factory=list)

    def resources(self, kind: str) -> dict[str, dict[str, Any]]:
        """Properties by logical id of every resource of a type, with references resolved."""
        return {
            name: self.resolve(resource.get("Properties", {}))
            for name, resource in self.template["Resources"].items()
            if resource["Type"] == kind
        }

    def only(self, kind: str) -> dict[str, Any]:
        [properties] = self.resources(kind).values()
        return properties

    @cached_property
    def exports(self) -> dict[str, Any]:
        return {
            self.resolve(each["Export"]["Name"]): self.resolve(each["Value"])
            for each in self.template.get("Outputs", {}).values()
            if "Export" in each
        }

    def arn(self, logical_id: str) -> str:
        resource = self.template["Resources"][logical_id]
        name_property, pattern = NAMES[resource["Type"]]
        return pattern.format(self.resolve(resource.get("Properties", {}).get(name_property, logical_id)))

    def resolve(self, node: Any) -> Any:
        if isinstance(node, list):
            return [self.resolve(each) for each in node]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            [(kind, value)] = node.items()
            if kind == "Ref":
                return self._reference(value)
            if kind == "Fn::GetAtt":
                return self._attribute(*value)
            if kind == "Fn::Join":
                return value[0].join(self.resolve(each) for each in value[1])
            if kind == "Fn::Sub":
                return re.sub(r"\$\{([^}]+)\}", lambda found: self._reference(found[1]), value)
            if kind == "Fn::ImportValue":
                return next(each.exports[value] for each in self.others if value in each.exports)
        return {key: self.resolve(value) for key, value in node.items()}

    def _attribute(self, name: str, attribute: str) -> str:
        kind = self.template["Resources"][name]["Type"]
        if attribute == "Arn" and kind == "AWS::StepFunctions::StateMachineAlias":
            [machine] = self.resources("AWS::StepFunctions::StateMachine")
            return f"{self.arn(machine)}:{self.template['Resources'][name]['Properties']['Name']}"
        if attribute == "Arn" and kind in NAMES:
            return self.arn(name)
        if kind == "AWS::SecretsManager::Secret":
            return f"arn:aws:secretsmanager:{OWNER}:secret:{name}"
        return f"{name}.{attribute}"

    def _reference(self, name: str) -> str:
        if name in PSEUDO:
            return PSEUDO[name]
        resource = self.template["Resources"][name]
        if resource["Type"] in ARN_BY_REF:
            return self.arn(name)
        if resource["Type"] == "AWS::Lambda::Version":
            return f"{self.arn(resource['Properties']['FunctionName']['Ref'])}:1"
        name_property, _ = NAMES.get(resource["Type"], ("", ""))
        return self.resolve(resource.get("Properties", {}).get(name_property, name))


@dataclass
class Deployment:
    """Both stacks of one environment as they were synthesized into `directory`."""

    environment: str
    directory: str
    data: Stack
    workflow: Stack

    @property
    def stacks(self) -> tuple[Stack, Stack]:
        return self.data, self.workflow

    def bucket(self, part: str) -> str:
        return next(name for name in self.data.resources("AWS::S3::Bucket") if part in name)

    def role(self, part: str) -> Role:
        """The role whose logical id begins like this."""
        [(name, properties)] = [
            (name, each) for name, each in self.workflow.resources("AWS::IAM::Role").items() if name.startswith(part)
        ]
        return Role(name, properties)

    @property
    def machine(self) -> dict[str, Any]:
        return self.workflow.only("AWS::StepFunctions::StateMachine")


@dataclass
class Role:
    """A role's statements, and what they allow: nothing without a matching Allow, whatever else there is."""

    name: str
    properties: dict[str, Any]

    def statements(self) -> Iterator[dict[str, Any]]:
        for policy in self.properties.get("Policies", []):
            yield from policy["PolicyDocument"]["Statement"]

    def may(self, action: str, resource: str = "*", **keys: str | list[str]) -> bool:
        """Whether the role may do this; condition keys are given with `__` for `:` and `_` for `-`."""
        context = {name.replace("__", ":"): value for name, value in keys.items()}
        matching = [
            each
            for each in self.statements()
            if _any(each["Action"], action) and _any(each["Resource"], resource) and _holds(each, context)
        ]
        return any(each["Effect"] == "Allow" for each in matching) and all(
            each["Effect"] == "Allow" for each in matching
        )


def matches(pattern: str, value: str) -> bool:
    """IAM's own matching: `*` any characters, also slashes; `?` any one."""
    regex = "".join({"*": ".*", "?": "."}.get(each, re.escape(each)) for each in pattern)
    return re.fullmatch(regex, value) is not None


def _any(patterns: str | list[str], value: str) -> bool:
    return any(matches(each, value) for each in ([patterns] if isinstance(patterns, str) else patterns))


def _holds(statement: dict[str, Any], context: dict[str, str | list[str]]) -> bool:
    for operator, tests in statement.get("Condition", {}).items():
        for key, expected in tests.items():
            every = operator.startswith("ForAllValues:") or operator.endswith("IfExists")
            given = context.get(key)
            values = [] if given is None else [given] if isinstance(given, str) else given
            if not every and not values:
                return False
            if operator.split(":")[-1].removesuffix("IfExists") not in UNDERSTOOD:
                raise NotImplementedError(operator)
            if not all(_any(expected, each) for each in values):
                return False
    return True
