"""How jobs reach a source database: by a secret with its address, and a network interface in the database's subnet."""

from __future__ import annotations

import json
from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_glue as glue
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.permissions import Permission, acknowledge
from infra.removal import replaceable
from infra.settings import DatabaseNetwork, Settings

MADE_BY_GLUE = "Glue makes and removes network interfaces whose ids nobody knows beforehand, and tags them as its own."
TAG_OF_GLUE = "aws-glue-service-resource"
# What whoever runs the database fills in, in the form in which RDS keeps it. To change this here would overwrite it.
UNFILLED = dict.fromkeys(("engine", "host", "port", "dbname", "username"), "")


def secret_name(settings: Settings) -> str:
    """Under which name people find the secret."""
    return f"{settings.prefix}/database"


def secret(scope: Construct, *, settings: Settings, key: kms.IKey | None) -> secretsmanager.CfnSecret:
    """The secret with the address of the source database, made empty and filled in by hand: no template holds it."""
    made = secretsmanager.Secret(
        scope,
        "Database",
        secret_name=secret_name(settings),
        description="Address of the source database, to be filled in",
        encryption_key=key,
        generate_secret_string=secretsmanager.SecretStringGenerator(
            secret_string_template=json.dumps(UNFILLED), generate_string_key="password"
        ),
    )
    template = cast(secretsmanager.CfnSecret, made.node.default_child)
    replaceable(template)
    acknowledge(
        made, "SMG4", reason="The database belongs to others, who change its password and put the new one here."
    )
    return template


def read_secret(secret_arn: str) -> Permission:
    """Read the one secret, when the job runs: what it says is in no argument and no state."""
    return Permission(sid="ReadDatabaseSecret", actions=["secretsmanager:GetSecretValue"], resources=[secret_arn])


def connection(scope: Construct, network: DatabaseNetwork, *, name: str) -> glue.IConnection:
    """Puts a job into the network of the source database."""
    made = glue.CfnConnection(
        scope,
        "Database",
        catalog_id=cdk.Stack.of(scope).account,
        connection_input=glue.CfnConnection.ConnectionInputProperty(
            name=name,
            connection_type="NETWORK",
            physical_connection_requirements=glue.CfnConnection.PhysicalConnectionRequirementsProperty(
                availability_zone=network.availability_zone,
                security_group_id_list=[network.security_group_id],
                subnet_id=network.subnet_id,
            ),
        ),
    )
    acknowledge(
        made, "CloudFormation-Validate::W3010", reason="Glue asks for the zone of the subnet that the settings name."
    )
    return glue.Connection.from_connection_name(scope, "Connection", name)


def network_permissions(scope: Construct, network: DatabaseNetwork, *, name: str) -> list[Permission]:
    """What a Glue job needs to put a network interface of its own into the one subnet and the one group."""
    stack = cdk.Stack.of(scope)
    return [
        Permission(
            sid="LookUpNetwork",
            actions=[
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeRouteTables",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcAttribute",
                "ec2:DescribeVpcEndpoints",
            ],
            resources=["*"],
            why="EC2's Describe calls know no resources.",
        ),
        *_interfaces(scope, network),
        Permission(
            sid="ReadConnection",
            actions=["glue:GetConnection"],
            resources=[
                stack.format_arn(service="glue", resource="catalog"),
                stack.format_arn(service="glue", resource="connection", resource_name=name),
            ],
        ),
    ]


def _interfaces(scope: Construct, network: DatabaseNetwork) -> list[Permission]:
    stack = cdk.Stack.of(scope)
    subnet = stack.format_arn(service="ec2", resource="subnet", resource_name=network.subnet_id)
    interfaces = stack.format_arn(service="ec2", resource="network-interface", resource_name="*")
    return [
        Permission(
            sid="AttachToNetwork",
            actions=["ec2:CreateNetworkInterface"],
            resources=[
                interfaces,
                stack.format_arn(service="ec2", resource="security-group", resource_name=network.security_group_id),
                subnet,
            ],
            why=MADE_BY_GLUE,
        ),
        Permission(
            sid="TagInterface",
            actions=["ec2:CreateTags"],
            resources=[interfaces],
            why=MADE_BY_GLUE,
            conditions={"ForAllValues:StringEquals": {"aws:TagKeys": [TAG_OF_GLUE]}},
        ),
        Permission(
            sid="DetachFromNetwork",
            actions=["ec2:DeleteNetworkInterface"],
            resources=[interfaces],
            why=MADE_BY_GLUE,
            conditions={"ArnEquals": {"ec2:Subnet": subnet}},
        ),
    ]
