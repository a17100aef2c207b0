"""The roles by which GitHub Actions deploys without keys: a stack of its own, which `make pipeline` deploys by hand.

GitHub signs a token for every job; AWS exchanges it for a role's credentials where issuer, audience and subject are
those of the role's trust policy. A deploying job's subject names its GitHub environment, so the approval that GitHub
asks for before such a job is what stands before the role, too.
https://docs.github.com/en/actions/reference/security/oidc
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from cdk_nag import AwsSolutionsChecks
from constructs import Construct

from infra.permissions import Permission, explain_wildcards
from infra.settings import ACCOUNT, ENVIRONMENTS, PROJECT
from trainyard.client.deployment import STACKS
from trainyard.errors import ConfigError

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
# Since July 2026 the subjects of new repositories carry the numbers of owner and repository: owner@1/name@2.
REPOSITORY = re.compile(r"[\w.-]+(@\d+)?/[\w.-]+(@\d+)?")
EXISTING = "existing"
LOOKUP = "lookup"
BOOTSTRAP_ROLES = ("deploy", "file-publishing", "image-publishing", LOOKUP)


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """Who may deploy what: a repository as GitHub's subjects name it, and the environments that this account holds.

    `images_from` is the account whose images are promoted into this one, None where it is the same; `provider_exists`
    where the account has GitHub as a provider already, for it takes only one.
    """

    repository: str
    environments: Sequence[str]
    images_from: str | None = None
    provider_exists: bool = False

    def __post_init__(self) -> None:
        problems = []
        if not REPOSITORY.fullmatch(self.repository):
            problems.append(f"Expected repository to be OWNER/NAME or OWNER@ID/NAME@ID, found {self.repository!r}.")
        if not self.environments or set(self.environments) - set(ENVIRONMENTS):
            found = ",".join(self.environments)
            problems.append(f"Expected environments among {','.join(ENVIRONMENTS)}, found {found!r}.")
        if self.images_from is not None and not ACCOUNT.fullmatch(self.images_from):
            problems.append(f"Expected images_from to be an account of twelve digits, found {self.images_from!r}.")
        if problems:
            raise ConfigError(problems)


class PipelineStack(cdk.Stack):
    """GitHub as an identity provider, and for each environment a role that deploys and one that reads templates."""

    def __init__(self, scope: Construct, name: str, *, pipeline: Pipeline) -> None:
        super().__init__(scope, name, description="Roles by which GitHub Actions deploys trainyard")
        self._repository = pipeline.repository
        self._provider = self._github(exists=pipeline.provider_exists)
        for each in pipeline.environments:
            self._role(
                f"{each}-deploy",
                subject=f"environment:{each}",
                permission=self._bootstrap_roles(pipeline.images_from),
                description=f"Jobs of the GitHub environment {each} deploy by the bootstrap's roles",
            )
            self._role(
                f"{each}-diff",
                subject="pull_request",
                permission=self._templates(each),
                description=f"Pull requests compare with what is deployed in {each}",
            )

    def _github(self, *, exists: bool) -> str:
        """The ARN of the provider. AWS trusts GitHub's certificates by their root: no thumbprint is needed."""
        if exists:
            return self.format_arn(service="iam", region="", resource="oidc-provider", resource_name=ISSUER)
        provider = iam.OidcProviderNative(self, "GitHub", url=f"https://{ISSUER}", client_ids=[AUDIENCE])
        return provider.oidc_provider_arn

    def _role(self, name: str, *, subject: str, permission: Permission, description: str) -> None:
        claims = {f"{ISSUER}:aud": AUDIENCE, f"{ISSUER}:sub": f"repo:{self._repository}:{subject}"}
        words = "".join(each.title() for each in name.split("-"))
        made = iam.Role(
            self,
            words,
            role_name=f"{PROJECT}-{name}",
            assumed_by=iam.WebIdentityPrincipal(self._provider, {"StringEquals": claims}),
            description=description,
            inline_policies={"permissions": iam.PolicyDocument(statements=[permission.statement()])},
        )
        explain_wildcards(made, [permission])
        cdk.CfnOutput(self, f"{words}RoleArn", value=made.role_arn)

    def _bootstrap_roles(self, images_from: str | None) -> Permission:
        """Deploy as the CDK does, by the roles of this account's bootstrap; read the images of another one's."""
        arns = [self._bootstrap_role(each, account=self.account) for each in BOOTSTRAP_ROLES]
        if images_from is not None:
            arns.append(self._bootstrap_role(LOOKUP, account=images_from))
        return Permission(sid="AssumeBootstrapRoles", actions=["sts:AssumeRole"], resources=arns)

    def _bootstrap_role(self, kind: str, *, account: str) -> str:
        qualifier = self.synthesizer.bootstrap_qualifier or cdk.DefaultStackSynthesizer.DEFAULT_QUALIFIER
        return self.format_arn(
            service="iam",
            region="",
            account=account,
            resource="role",
            resource_name=f"cdk-{qualifier}-{kind}-role-{account}-{self.region}",
        )

    def _templates(self, environment: str) -> Permission:
        """Read two templates. The bootstrap's lookup role would read the whole account, data included."""
        names = [f"{PROJECT}-{environment}-{part}" for part in STACKS]
        return Permission(
            sid="ReadDeployedTemplates",
            actions=["cloudformation:DescribeStacks", "cloudformation:GetTemplate"],
            resources=[
                self.format_arn(service="cloudformation", resource="stack", resource_name=f"{each}/*") for each in names
            ],
            why="A stack's ARN ends in a number that it gets when it is made.",
        )


def build(app: cdk.App) -> cdk.App:
    """Add the stack that the app's context asks for.

    Context: `repository`, `environments` (both when not given), `images_from`, and `provider=existing`. Raises
    ConfigError.
    """
    given = app.node.try_get_context
    if given("provider") not in (None, EXISTING):
        raise ConfigError([f"Expected provider to be {EXISTING} or not given, found {given('provider')!r}."])
    pipeline = Pipeline(
        repository=given("repository") or "",
        environments=tuple((given("environments") or ",".join(ENVIRONMENTS)).split(",")),
        images_from=given("images_from"),
        provider_exists=given("provider") == EXISTING,
    )
    PipelineStack(app, f"{PROJECT}-pipeline", pipeline=pipeline)
    cdk.Tags.of(app).add("project", PROJECT)
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    return app


if __name__ == "__main__":
    try:
        build(cdk.App()).synth()
    except ConfigError as error:
        sys.exit(str(error))
