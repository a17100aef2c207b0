"""Who may call the local cloud: its own root key and what was issued by it, every signature checked; in the server.

MiniStack alone takes the keys `test`, any twelve digits and no key at all for the root user, and checks none of their
signatures; and whoever knows the name of a function can work out the secret of its role's session.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from ministack.core import iam_actions, iam_evaluator, lambda_runtime
from ministack.core.responses import get_account_id
from ministack.services import lambda_svc, sts

from local_cloud import root_key
from local_cloud.root_key import RootKey
from local_cloud.state import state_directory

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

# Below these MiniStack answers without asking who calls: it resets the server, shows functions' code, takes images.
CLOSED = ("/_ministack/", "/_localstack/")
REGISTRY = ("/v2", "/v2/", "/v2/_catalog")
IN_REGISTRY = ("/blobs/", "/manifests/", "/tags/list")
HEALTH = "/_ministack/health"
# A custom resource reports to the address it was given, which nobody can guess.
REPORTS = "/_ministack/cfn-response/"
# Metrics have no resource that a policy could name: it names their namespace.
PUT_METRICS, NAMESPACE = "cloudwatch:PutMetricData", "cloudwatch:namespace"
SALT_BYTES = 32
SESSION_NAME_LENGTH = 64


def install() -> None:
    """Let requests in that are signed with the root key or one issued by the local cloud, and no others."""
    iam_evaluator.is_root_access_key = _is_not_special
    sts.is_root_access_key = _is_not_special
    register(root_key.ensure(state_directory(os.environ)))
    iam_evaluator.enforce = named_only(iam_evaluator.enforce)
    iam_actions.request_tag_context = with_namespace(iam_actions.request_tag_context)
    issue = credentials_of_functions(secrets.token_bytes(SALT_BYTES))
    lambda_runtime.execution_credentials = lambda_svc.execution_credentials = issue


def register(key: RootKey) -> None:
    """Make a key one of the account's root user whose signatures are checked like those of any session."""
    session = {
        "Arn": f"arn:aws:iam::{get_account_id()}:root",
        "UserId": get_account_id(),
        "PrincipalType": "Root",
        "SecretAccessKey": key.secret_access_key,
    }
    sts.register_session(key.access_key_id, session)


def named_only(enforce: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse what MiniStack lets in without a key, such as every call of S3, as AWS does with public access off."""

    def refusing(access_key_id: str, iam_action: str, service: str, *others: Any, **options: Any) -> Any:  # noqa: PLR0917
        refused = enforce(access_key_id, iam_action, service, *others, **options)
        if access_key_id or not iam_evaluator._anonymous.get():
            return refused
        if iam_evaluator._served_unsigned(service, iam_action):
            return None
        return iam_evaluator.AuthError("AccessDenied", "Access Denied") if service == "s3" else refused

    return refusing


def with_namespace(context_of: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """What conditions of policies may ask of a request, with the namespace of metrics, which MiniStack leaves out."""

    def known(service: str, iam_action: str, body: bytes, params: Mapping[str, Any]) -> dict[str, Any]:  # noqa: PLR0917
        found = context_of(service, iam_action, body, params)
        return {**found, NAMESPACE: _namespace(body)} if iam_action == PUT_METRICS else found

    return known


def _namespace(body: bytes) -> str:
    """As SDKs send it, in JSON; what is written otherwise is in no namespace that a policy allows."""
    try:
        return str(json.loads(body)["Namespace"])
    except (ValueError, TypeError, LookupError):
        return ""


def credentials_of_functions(salt: bytes) -> Callable[[dict[str, Any]], dict[str, str]]:
    """Credentials of a function's role that follow from a secret of this server, the same for all its processes.

    They are registered by one assignment: MiniStack's own, which follow from names, would for a moment stand in place
    of those that processes of the function are signing with.
    """

    def issued(function: dict[str, Any]) -> dict[str, str]:
        arn, role, name = function["FunctionArn"], function["Role"], function["FunctionName"][:SESSION_NAME_LENGTH]

        def derived(purpose: str) -> str:
            return hmac.digest(salt, f"{purpose}:{arn}:{role}".encode(), "sha256").hex()

        key = f"ASIA{derived('id')[:16].upper()}"
        secret, token = derived("secret"), derived("token")
        role_name = role.rpartition("/")[2]
        session = {
            "Arn": f"arn:aws:sts::{arn.split(':')[4]}:assumed-role/{role_name}/{name}",
            "UserId": f"{role_name}:{name}",
            "SecretAccessKey": secret,
            "SessionToken": token,
        }
        sts.register_session(key, session)
        return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}

    return issued


def guarded(application: Application) -> Any:
    """Close the server's own pages, which would otherwise answer anybody on this machine; its health stays open."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: PLR0917 - ASGI's signature
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] == "http" and is_closed(scope["method"], scope["path"]):
            await _refuse(send)
        else:
            await application(scope, receive, send)

    return serve


def is_closed(method: str, path: str) -> bool:
    """Whether a path belongs to MiniStack's own pages, not to AWS."""
    if (method == "GET" and path == HEALTH) or (method == "PUT" and path.startswith(REPORTS)):
        return False
    if path in REGISTRY or (path.startswith("/v2/") and any(each in path for each in IN_REGISTRY)):
        return True
    return path.startswith(CLOSED) or path == "/health"


async def _refuse(send: Send) -> None:
    body = json.dumps({"message": f"Expected a request of an AWS service; only {HEALTH} is open besides them."})
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body.encode()})


def _is_not_special(access_key_id: str) -> bool:  # noqa: ARG001 - MiniStack's signature
    """No key stands for the root user without being known."""
    return False
