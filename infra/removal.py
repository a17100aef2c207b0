"""What becomes of a resource that holds data when its stack is deleted, and what when the stack's creation fails."""

from __future__ import annotations

import aws_cdk as cdk

from infra.settings import Settings


def keep(settings: Settings) -> cdk.RemovalPolicy:
    """Keep it where the environment keeps its data, but not what a failed first deployment has made.

    What that left behind would be in the way of the next one, and nothing is in it.
    """
    return cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if settings.retain_data else cdk.RemovalPolicy.DESTROY


def replaceable(resource: cdk.CfnResource) -> None:
    """Delete it with its stack, but keep it where an update would replace it.

    For what has a fixed name and can be filled again: what outlived its stack would be in the way of the next.
    """
    resource.cfn_options.deletion_policy = cdk.CfnDeletionPolicy.DELETE
    resource.cfn_options.update_replace_policy = cdk.CfnDeletionPolicy.RETAIN
