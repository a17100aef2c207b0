"""The model registry: one model package group per recipe folder found, and the names of those that runs make."""

from __future__ import annotations

from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra.emptying import contents
from infra.removal import keep
from infra.settings import Settings
from trainyard.run import recipe
from trainyard.run.naming import group_name


class Registry(Construct):
    """Groups named `<prefix>-<recipe with dashes>`, as the state machine composes the name.

    Models that people name have groups of their own, made by the state machine.
    """

    def __init__(self, scope: Construct, name: str, *, settings: Settings, empty_arn: str | None) -> None:
        super().__init__(scope, name)
        self.group_prefix = f"{settings.prefix}-"
        groups = []
        for each in recipe.names():
            made = sagemaker.CfnModelPackageGroup(
                self,
                each.title().replace("_", ""),
                model_package_group_name=group_name(settings.prefix, each),
                model_package_group_description=f"Models of recipe {each} that passed the gate",
            )
            # CloudFormation refuses to delete a group that holds versions: where data is kept, groups are too, and a
            # stack that is made anew takes them over (cdk deploy --import-existing-resources); elsewhere they are
            # emptied before.
            made.apply_removal_policy(keep(settings))
            groups.append(made)
        if empty_arn is not None:
            emptied = contents(
                self, function_arn=empty_arn, what={"Groups": [each.model_package_group_name for each in groups]}
            )
            emptied.node.add_dependency(*groups)
