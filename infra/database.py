"""How the ingest job reaches a source database: a network interface of its own in the database's subnet."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_glue as glue
from constructs import Construct

from infra.permissions import Permission, acknowledge
from infra.settings import DatabaseNetwork


def connection(scope: Construct, network: DatabaseNetwork, name: str) -> glue.IConnection:
    """Puts the ingest job into the network of the source database."""
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
    acknowledge(made, "CloudFormation-Validate::W3010", "Glue asks for the zone of the subnet that the settings name.")
    return glue.Connection.from_connection_name(scope, "Connection", name)


def network_permissions(scope: Construct, name: str) -> list[Permission]:
    """What a Glue job needs to put a network interface of its own into a subnet."""
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
        Permission(
            sid="AttachToNetwork",
            actions=["ec2:CreateNetworkInterface", "ec2:CreateTags", "ec2:DeleteNetworkInterface"],
            resources=[
                stack.format_arn(service="ec2", resource=each, resource_name="*")
                for each in ("network-interface", "security-group", "subnet")
            ],
            why="Glue makes and removes network interfaces whose ids nobody knows beforehand.",
        ),
        Permission(
            sid="ReadConnection",
            actions=["glue:GetConnection"],
            resources=[
                stack.format_arn(service="glue", resource="catalog"),
                stack.format_arn(service="glue", resource="connection", resource_name=name),
            ],
        ),
    ]
