"""Roles of the local cloud's account: what they may do, and temporary credentials for the jobs that run as them."""

from __future__ import annotations

import datetime as dt
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam, sts

from trainyard.errors import TrainyardError

# Longer than any job: SageMaker ends training jobs after 5 days at most, but nobody waits that long for a laptop.
SESSION_SECONDS = 36 * 3600


class RoleError(TrainyardError):
    """A role that does not exist, or that the service may not assume."""


@dataclass(frozen=True)
class Need:
    """One permission a call needs: an IAM action on a resource, with the condition keys the call sets."""

    action: str
    resource: str
    conditions: Mapping[str, Any] = field(default_factory=dict)

    @property
    def service(self) -> str:
        return self.action.partition(":")[0]


def request_tags(request: Mapping[str, Any]) -> dict[str, Any]:
    """The condition keys that a request's Tags set; the request may not be checked yet."""
    tags = request.get("Tags")
    found = [tag for tag in tags if isinstance(tag, Mapping) and "Key" in tag] if isinstance(tags, list) else []
    if not found:
        return {}
    values = {f"aws:RequestTag/{tag['Key']}": tag.get("Value", "") for tag in found}
    return {"aws:TagKeys": [tag["Key"] for tag in found], **values}


@dataclass(frozen=True)
class Session:
    """A role assumed by a service under a session name."""

    role_name: str
    session_name: str

    @property
    def arn(self) -> str:
        return f"arn:aws:sts::{get_account_id()}:assumed-role/{self.role_name}/{self.session_name}"


def assume(role_arn: str, session_name: str, *, service: str, source_arn: str | None = None) -> Session:
    """Let `service` (such as "glue.amazonaws.com") assume a role; RoleError when it does not exist or trust it.

    `source_arn` is the resource on whose behalf the service asks: the trust policy may name it as aws:SourceArn.
    """
    name = role_arn.rpartition("/")[2]
    role = iam._roles.get(name)
    if role is None or role["Arn"] != role_arn:
        raise RoleError(f"The role {role_arn} does not exist in account {get_account_id()}: create it first.")
    if not _trusts(role["AssumeRolePolicyDocument"], service, source_arn=source_arn):
        raise RoleError(
            f"The role {role_arn} does not trust {service}: its trust policy must allow sts:AssumeRole to that service."
        )
    return Session(name, session_name[:64])


def session_credentials(role_arn: str, session_name: str, *, service: str) -> dict[str, str]:
    """Environment variables with temporary credentials of a role, for a job process that runs as it.

    `service` is the principal that assumes the role. The credentials live 36 hours. Raises RoleError.
    """
    session = assume(role_arn, session_name, service=service)
    access_key, secret, token = f"ASIA{secrets.token_hex(8).upper()}", secrets.token_urlsafe(30), secrets.token_hex(64)
    sts.register_session(
        access_key,
        {
            "Arn": session.arn,
            "UserId": f"{session.role_name}:{session.session_name}",
            "SecretAccessKey": secret,
            "SessionToken": token,
            "Expiration": time.time() + SESSION_SECONDS,
        },
    )
    return {"AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}


def denial(session: Session, need: Need) -> str | None:
    """AWS's sentence saying that the session may not do this, or None when it may.

    The role's policies, its permissions boundary and the resource's own policy are evaluated together.
    """
    account = get_account_id()
    context = _context(session, need)
    limits = iam_evaluator._permissions_boundary(iam._roles, session.role_name, account)
    policies = iam_evaluator._gather_role_policies(session.role_name, account)
    result = iam_evaluator.evaluate(context, policies, *limits)
    found = iam_evaluator._resource_policy(need.service, need.resource)
    if found is not None:
        required = need.service in iam_evaluator._POLICY_REQUIRED
        result = iam_evaluator.combine_resource_policy(result, context, *found, required=required, limits=limits)
    if result.decision == "Allow":
        return None
    return (
        f"User: {session.arn} is not authorized to perform: {need.action} on resource: {need.resource} "
        f"{_reason(need.action, result)}"
    )


def _context(session: Session, need: Need) -> Any:
    role = iam._roles.get(session.role_name) or {}
    tags = {f"aws:principaltag/{tag['Key'].lower()}": tag["Value"] for tag in role.get("Tags") or []}
    return iam_evaluator.EvalContext(
        principal_arn=session.arn,
        principal_type="AssumedRole",
        principal_account=get_account_id(),
        action=need.action,
        resource_arn=need.resource,
        region=get_region(),
        secure_transport=True,
        service_context={"aws:tagkeys": None, **{key.lower(): value for key, value in need.conditions.items()}},
        principal_keys={"aws:userid": f"{role.get('RoleId')}:{session.session_name}", **tags},
    )


def _reason(action: str, result: Any) -> str:
    if result.resource_policy_arn:
        return "with an explicit deny in a resource-based policy"
    if result.decision == "Deny":
        return "with an explicit deny in an identity-based policy"
    return f"because no identity-based policy allows the {action} action"


def _trusts(trust_policy: str | dict[str, Any], service: str, *, source_arn: str | None) -> bool:
    """Whether a trust policy lets a service principal assume the role, conditions included."""
    document = json.loads(trust_policy) if isinstance(trust_policy, str) else trust_policy
    account = get_account_id()
    context = iam_evaluator.EvalContext(
        principal_arn=service,
        principal_type="Service",
        principal_account=account,
        action="sts:AssumeRole",
        resource_arn="*",
        region=get_region(),
        secure_transport=True,
        service_context={
            "aws:sourceaccount": account,
            "aws:sourcearn": source_arn,
            "aws:principalservicename": service,
            "aws:currenttime": dt.datetime.now(dt.UTC).isoformat(),
        },
    )
    return bool(iam_evaluator.evaluate_resource_policy(document, context, service).decision == "Allow")
