"""The HTTP API of the deployed stack: signed calls reach an endpoint, others do not, and refusals are one sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local_cloud import lifecycle
from tests.local_cloud.conftest import Cloud
from tests.local_cloud.sagemaker.test_endpoints import Host, host_of
from tests.local_cloud.tiny_images import unique
from tests.stack.conftest import Stack

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("endpoints")]
# No other test deploys this recipe.
RECIPE, ENDPOINT = "two_tower", "trainyard-dev-two-tower"
ROWS = {"instances": [{"uid": 1}]}


class Api:
    """The deployed API, called over HTTP with and without a signature."""

    def __init__(self, stack: Stack) -> None:
        self.identifier = stack.outputs["ApiUrl"].partition("//")[2].partition(".")[0]
        # The path works where names below localhost are not known.
        self._url = f"{stack.endpoint}/_aws/execute-api/{self.identifier}/$default"
        self._http = urllib3.PoolManager(ca_certs=stack.ca_bundle)

    def call(
        self,
        document: Any,
        credentials: Credentials | None = None,
        *,
        path: str = f"{RECIPE}/predict",
        media: str = "application/json",
    ) -> tuple[int, Any]:
        """Status and document of the answer."""
        request = AWSRequest("POST", f"{self._url}/{path}", data=json.dumps(document), headers={"content-type": media})
        if credentials is not None:
            SigV4Auth(credentials, "execute-api", "us-east-1").add_auth(request)
        answer = self._http.request(
            "POST", request.url, body=request.data, headers=dict(request.headers), retries=False
        )
        return answer.status, json.loads(answer.data)


@pytest.fixture(scope="module")
def host(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """An endpoint under the recipe's name, whose container says what it was asked."""
    state_dir = Path(stack.environment["TRAINYARD_STATE_DIR"])
    running = lifecycle.status(state_dir)
    assert running is not None
    made = host_of(Cloud(state_dir, int(stack.endpoint.rpartition(":")[2]), running), tmp_path_factory.mktemp("image"))
    made.client.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName=made.config("ready", concurrency=2))
    assert made.settled(ENDPOINT)["EndpointStatus"] == "InService"
    yield made
    made.client.delete_endpoint(EndpointName=ENDPOINT)
    made.gone(ENDPOINT)


@pytest.fixture(scope="module")
def api(stack: Stack) -> Api:
    return Api(stack)


def as_role(stack: Stack, statements: list[dict[str, Any]]) -> Credentials:
    """Credentials of a new role that may do this."""
    iam, name = stack.client("iam"), unique("caller")
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_role_policy(RoleName=name, PolicyName="granted", PolicyDocument=policy)
    given = stack.client("sts").assume_role(RoleArn=arn, RoleSessionName="session")["Credentials"]
    return Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


def test_only_who_may_invoke_the_route_gets_an_answer(stack: Stack, api: Api, host: Host) -> None:
    start = f"arn:aws:execute-api:us-east-1:000000000000:{api.identifier}/$default/POST"
    invoke = {"Effect": "Allow", "Action": "execute-api:Invoke"}
    allowed = as_role(stack, [{**invoke, "Resource": f"{start}/{RECIPE}/predict"}])
    other = as_role(stack, [{**invoke, "Resource": f"{start}/prod2vec/predict"}])
    status, told = api.call(ROWS, allowed)
    assert (status, told["word"], told["given"]) == (200, "ready", ROWS)
    for refused in (None, other, Credentials("AKIAUNKNOWN", "nothing")):
        assert api.call(ROWS, refused)[0] == 403


def test_refusals_are_sentences_of_the_edge_or_of_the_model(stack: Stack, api: Api, host: Host) -> None:
    root = Credentials(stack.environment["AWS_ACCESS_KEY_ID"], stack.environment["AWS_SECRET_ACCESS_KEY"])
    assert api.call({"status": 422}, root) == (422, {"error": "the model said so"})
    status, told = api.call({"status": 500}, root)
    assert (status, list(told)) == (502, ["error"])
    for expected, document, options in (
        (404, ROWS, {"path": "no_such/predict"}),
        (404, ROWS, {"path": "headline_classifier/predict"}),
        (404, ROWS, {"path": f"{RECIPE}/predict?variant=product-3"}),
        (415, ROWS, {"media": "text/html"}),
        (400, [], {}),
        (413, "x" * 6_500_000, {}),
    ):
        status, told = api.call(document, root, **options)
        assert (status, list(told)) == (expected, ["error"])
    assert api.call(ROWS, root, path=f"{RECIPE}/other")[0] == 404
