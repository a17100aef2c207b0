"""Whether an AWS account and region have what an environment needs, before and after it is deployed; on a laptop."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError

from trainyard.client import deployment
from trainyard.client.doctor import quotas
from trainyard.client.doctor.check import Check, asked, missing, ok, sentence, unknown
from trainyard.client.doctor.needs import Needs
from trainyard.client.session import Target
from trainyard.errors import NotFound

BOOTSTRAP = "/cdk-bootstrap/hnb659fds/version"
# What the synthesized stacks ask for (`requiresBootstrapStackVersion` in the assembly, checked by a test).
BOOTSTRAP_VERSION = 6
REGIONS = "/aws/service/global-infrastructure/regions"
# By the names of AWS's list of regions; one call takes ten.
SERVICES = ("s3", "dynamodb", "sns", "sqs", "lambda", "glue", "sagemaker", "stepfunctions", "eventbridge", "scheduler")
# CloudFormation knows no groups of registered models there (a test compares it with its own lists).
WITHOUT_REGISTRY = (
    "ap-east-2",
    "ap-south-2",
    "ap-southeast-4",
    "ap-southeast-6",
    "cn-north-1",
    "cn-northwest-1",
    "us-gov-east-1",
)
# A harmless question to each service that runs something: an account that has not been activated is told so.
QUESTIONS = {
    "sagemaker": "list_training_jobs",
    "glue": "list_jobs",
    "stepfunctions": "list_state_machines",
    "lambda": "list_functions",
}
NOT_ACTIVATED = ("OptInRequired", "SubscriptionRequiredException", "NotSignedUp")
REACH = "Does the network (a proxy, AWS_ENDPOINT_URL) let you reach AWS?"
SIGN_IN = "Sign in (`aws sso login`), or set AWS_PROFILE to a profile that is; `aws sts get-caller-identity` shows it."


def checks(target: Target, env: str, *, needs: Needs | None) -> Iterator[Check]:
    """All of them; without a region or valid credentials, nothing else is asked. `needs` is None where unknown."""
    if not target.session.region_name:
        said = "No region is set."
        yield missing("region", said, advice="Set AWS_REGION, or `region` in the profile.")
        return
    identity, account = who(target)
    yield identity
    if account is None:
        yield unknown("account", "Nothing else was asked of AWS.")
        return
    yield _place("region", target.region, pinned=needs.region if needs else None, env=env)
    yield _place("account", account, pinned=needs.account if needs else None, env=env)
    yield asked("bootstrap", lambda: _bootstrap(target, account))
    yield asked("services", lambda: _services(target))
    yield from (asked(f"use of {each}", partial(_answers, target, each)) for each in QUESTIONS)
    if needs:
        yield from quotas.checks(target, list(quotas.wanted(needs)))
    yield asked("notifications", lambda: _notifications(target, env, needs=needs))


def who(target: Target) -> tuple[Check, str | None]:
    """Who calls, and the account's number; None where AWS cannot be reached, or does not know who calls."""
    try:
        found = target.client("sts").get_caller_identity()
    except (ConnectionError, HTTPClientError) as error:
        return missing("network", sentence(error), advice=REACH), None
    except (ClientError, BotoCoreError) as error:
        return missing("credentials", sentence(error), advice=SIGN_IN), None
    return ok("credentials", f"AWS knows you as {found['Arn']}."), str(found["Account"])


def _place(kind: str, found: str, *, pinned: str | None, env: str) -> Check:
    if pinned is None:
        return ok(kind, f"{found}; the settings pin environment {env} to none.")
    if found == pinned:
        return ok(kind, f"{found}, to which environment {env} belongs.")
    said = f"Environment {env} belongs to {kind} {pinned}, found {found}."
    return missing(kind, said, advice="Use the profile and region that belong to it, or change infra/settings.py.")


def _bootstrap(target: Target, account: str) -> Check:
    name, where = "bootstrap", f"aws://{account}/{target.region}"
    advice = f"Someone with administrator rights runs `npx cdk bootstrap {where}` once, in the project."
    try:
        found = target.client("ssm").get_parameter(Name=BOOTSTRAP)["Parameter"]["Value"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ParameterNotFound":
            raise
        return missing(name, f"{where} was never bootstrapped for the CDK.", advice=advice)
    if not found.isdecimal() or int(found) < BOOTSTRAP_VERSION:
        said = f"Expected bootstrap version {BOOTSTRAP_VERSION} or newer in {where}, found {found}."
        return missing(name, said, advice=advice)
    return ok(name, f"Version {found} in {where}; {BOOTSTRAP_VERSION} or newer is needed.")


def _services(target: Target) -> Check:
    if target.region in WITHOUT_REGISTRY:
        said = f"CloudFormation makes no groups of SageMaker's model registry in {target.region}."
        return missing("services", said, advice="Choose another region.")
    paths = {f"{REGIONS}/{target.region}/services/{each}": each for each in SERVICES}
    found = target.client("ssm").get_parameters(Names=list(paths))
    absent = sorted(paths[each] for each in found["InvalidParameters"])
    if not absent:
        return ok("services", f"{target.region} has all {len(SERVICES)} services that the workflow is made of.")
    if len(absent) == len(SERVICES):
        return unknown("services", f"AWS's list of services says nothing of {target.region}.")
    said = f"AWS's list of services names no {', '.join(absent)} in {target.region}."
    return missing("services", said, advice="Choose another region.")


def _answers(target: Target, service: str) -> Check:
    name = f"use of {service}"
    try:
        getattr(target.client(service), QUESTIONS[service])()
    except ClientError as error:
        if error.response["Error"].get("Code") not in NOT_ACTIVATED:
            raise
        return missing(name, sentence(error), advice="Finish signing the account up: a means of payment, a plan.")
    return ok(name, f"{service} answers this account in {target.region}.")


def _notifications(target: Target, env: str, *, needs: Needs | None) -> Check:
    """Who hears of failures: an e-mail address hears of nothing before it has confirmed."""
    name = "notifications"
    try:
        topic = deployment.find(target, env).topic_arn
    except NotFound as nothing:
        if needs and needs.must_tell and not needs.tells:
            said = f"Environment {env} is not synthesized without somebody who hears of failures."
            return missing(name, said, advice="Set alarm_email, slack, teams or webhook_url in infra/settings.py.")
        return unknown(name, sentence(nothing), advice=f"`trainyard deploy --aws --env {env}`, then look again.")
    found = target.client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]
    confirmed, pending = (int(found.get(f"Subscriptions{each}", 0)) for each in ("Confirmed", "Pending"))
    if confirmed:
        return ok(name, f"{confirmed} confirmed subscription(s) of {topic}.")
    if pending:
        said = f"{pending} subscription(s) of {topic} wait to be confirmed: nobody hears of failures yet."
        return missing(name, said, advice="Follow the link in the mail from AWS Notifications.")
    subscribe = f"aws sns subscribe --region {target.region} --topic-arn {topic} --protocol email"
    advice = f"Set alarm_email in infra/settings.py, or {subscribe} --notification-endpoint YOU@EXAMPLE.COM"
    return missing(name, f"Nobody has subscribed to {topic}: nobody hears of failures.", advice=advice)
