"""Who may ask the local cloud, and where a command goes.

Strangers ask a real server; every command is called in the shell of a real account, which a server here stands for.
"""

from __future__ import annotations

import hashlib
import inspect
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
import urllib3
from botocore.exceptions import ClientError

from local_cloud import lifecycle, ownership, root_key
from tests.faults.conftest import Observation
from tests.local_cloud import sleeper
from tests.local_cloud.conftest import Cloud, free_port, start_cloud
from tests.local_cloud.processes import variables_of
from trainyard.cli.command.on_demand import function
from trainyard.cli.command.target import DOWN
from trainyard.cli.main import COMMANDS, main

# One call of each that needs no resource.
CALLS = {
    "sts": "get_caller_identity",
    "s3": "list_buckets",
    "dynamodb": "list_tables",
    "sqs": "list_queues",
    "stepfunctions": "list_state_machines",
    "cloudformation": "list_stacks",
    "secretsmanager": "list_secrets",
    "sagemaker": "list_models",
    "glue": "get_jobs",
}
# What a command needs besides its options.
ARGUMENTS = {
    "run": ["prod2vec"],
    "score": ["prod2vec", "--dataset", "d"],
    "serve": ["prod2vec"],
    "release": ["prod2vec"],
    "predict": ["prod2vec", "--input", "{}"],
    "undeploy": ["prod2vec", "--yes"],
    "redrive": ["latest"],
    "stop": ["latest"],
    "rerun": ["latest"],
    "promote": ["prod2vec", "1"],
    "compare": ["latest", "e1"],
    "prune": ["--keep", "1"],
    "estimate": ["prod2vec"],
    "approve": ["latest"],
    "reject": ["latest"],
    "captured": ["prod2vec"],
    "shadow": ["prod2vec"],
    "drift": ["prod2vec"],
    "truth": ["prod2vec"],
    "forget": ["order-7"],
}
# The console may be up before the local cloud, and says so on its pages; the doctor says what is missing.
WITHOUT_CLOUD = {"prices", "console", "doctor"}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """One running local cloud."""
    running = start_cloud(tmp_path_factory.mktemp("server"))
    yield running
    lifecycle.down(running.state_dir)


def answer(client: Any, operation: str) -> str:
    """The code with which a call is refused, or `open`."""
    try:
        getattr(client, operation)()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "open"


@pytest.mark.fault(
    "Strangers sign with `test`, twelve digits, an unknown key, and the root key with a wrong secret",
    "Every service refuses them",
)
def test_strangers(cloud: Cloud, observed: Observation) -> None:
    strangers = {"test": "test", "0" * 12: "test", "9" * 12: "x", "AKIAUNKNOWN": "x"}
    codes: dict[str, set[str]] = {"unknown": set(), "wrong": set()}
    # One session reads the description of a service once.
    session = boto3.Session(region_name=cloud.cloud.region)
    where: Any = {"endpoint_url": cloud.endpoint, "verify": cloud.cloud.ca_bundle}
    for key, secret in {**strangers, cloud.cloud.access_key_id: "wrong"}.items():
        for service, operation in CALLS.items():
            client = session.client(service, **where, aws_access_key_id=key, aws_secret_access_key=secret)
            codes["unknown" if key in strangers else "wrong"].add(answer(client, operation))
    assert codes == {
        "unknown": {"InvalidClientTokenId", "InvalidAccessKeyId", "UnrecognizedClientException"},
        "wrong": {"SignatureDoesNotMatch", "InvalidSignatureException"},
    }
    root = [session.client(service, **where, **cloud.root) for service in CALLS]
    assert {answer(client, CALLS[client.meta.service_model.service_name]) for client in root} == {"open"}
    observed(f"{len(CALLS)} services refused all five with the codes of AWS, and answered the root key")


@pytest.mark.fault("S3 and others are asked without a signature, or with a foreign one", "403, as AWS answers")
def test_unsigned(cloud: Cloud, observed: Observation) -> None:
    s3, http = cloud.client("s3"), urllib3.PoolManager(ca_certs=cloud.cloud.ca_bundle)
    s3.create_bucket(Bucket="unsigned")
    s3.put_object(Bucket="unsigned", Key="k", Body=b"x")
    statuses = {
        http.request(method, cloud.endpoint + path, headers=headers, retries=False).status
        for method, path in (("GET", "/unsigned/k"), ("HEAD", "/unsigned/k"), ("PUT", "/unsigned/n"), ("GET", "/"))
        for headers in ({}, {"authorization": "Bearer x"}, {"authorization": "AWS test:x"})
    }
    for query in ("Action=ListTopics", "Action=GetCallerIdentity&Version=2011-06-15", "Action=ListQueues"):
        statuses.add(http.request("GET", f"{cloud.endpoint}/?{query}", retries=False).status)
    assert statuses == {403}
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "unsigned", "Key": "k"})
    assert http.request("GET", url).data == b"x"
    assert http.request("GET", url[:-4] + "0000", retries=False).status == 403
    assert [each["Key"] for each in s3.list_objects_v2(Bucket="unsigned")["Contents"]] == ["k"]
    observed("all 15 got 403; a presigned URL worked, and with another signature it did not")


@pytest.mark.fault(
    "Somebody on this machine asks the server's own pages, to reset it or to read code", "403, no change"
)
def test_own_pages(cloud: Cloud, observed: Observation) -> None:
    http = urllib3.PoolManager(ca_certs=cloud.cloud.ca_bundle)
    cloud.client("sqs").create_queue(QueueName="stays")
    closed = [
        ("POST", "/_ministack/reset"),
        ("POST", "/_ministack/config"),
        ("GET", "/_ministack/lambda-code/f"),
        ("GET", "/_ministack/sqs/messages"),
        ("GET", "/_localstack/init"),
        ("GET", "/v2/_catalog"),
        ("PUT", "/v2/image/manifests/latest"),
    ]
    signed = {"authorization": "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/s3/aws4_request"}
    for method, path in closed:
        for headers in ({}, signed):
            assert http.request(method, cloud.endpoint + path, headers=headers, retries=False).status == 403, path
    assert http.request("GET", f"{cloud.endpoint}/_ministack/health").status == 200
    assert cloud.client("sqs").list_queues(QueueNamePrefix="stays")["QueueUrls"]
    observed(f"{len(closed)} pages answered 403, signed or not, and the queue was still there; only health is open")


@pytest.mark.fault("Somebody works out the secret of a function's role from its name, as MiniStack makes it", "Refused")
def test_guessed_secret(cloud: Cloud, observed: Observation) -> None:
    has = variables_of(sleeper.working(cloud, "guessed"))
    names = "arn:aws:lambda:us-east-1:000000000000:function:guessed:arn:aws:iam::000000000000:role/guessed-role"
    digest = hashlib.sha256(names.encode()).hexdigest()

    def identity(secret: str, token: str) -> str:
        keys = {"aws_access_key_id": has["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": secret}
        return answer(cloud.client("sts", **keys, aws_session_token=token), "get_caller_identity")

    guess = [hashlib.sha256(f"{word}:{digest}".encode()).hexdigest() for word in ("secret", "token")]
    assert identity(has["AWS_SECRET_ACCESS_KEY"], has["AWS_SESSION_TOKEN"]) == "open"
    refused = identity(*guess)
    assert refused == "InvalidClientTokenId"
    observed(f"the guess was refused with {refused}; what the function itself has was answered")


@pytest.mark.fault("A function or anybody who lists processes looks for the root key", "It is in none of them")
def test_root_key_stays(cloud: Cloud, observed: Observation) -> None:
    secret = {cloud.cloud.access_key_id, cloud.cloud.secret_access_key}
    for pid in (sleeper.working(cloud, "curious"), cloud.cloud.pid):
        seen = " ".join((*variables_of(pid).values(), Path(f"/proc/{pid}/cmdline").read_text()))
        assert not any(each in seen for each in secret)
    assert cloud.cloud.secret_access_key not in repr(cloud.cloud)
    log = (cloud.state_dir / "server.log").read_text()
    assert cloud.cloud.secret_access_key not in log
    observed("neither variables nor command lines of function and server hold it, nor does the server's log")


@pytest.mark.fault("A state directory of an older version that everybody may read, its keys too", "`up` closes it")
def test_open_folder(tmp_path: Path, observed: Observation) -> None:
    folder = tmp_path / "state"
    (folder / "certificates").mkdir(parents=True)
    (folder / "certificates" / "server.key").write_text("-")
    for each in (folder, folder / "certificates", folder / "certificates" / "server.key"):
        each.chmod(0o777)
    lifecycle.up(folder, free_port())
    modes = {each.relative_to(folder).as_posix(): oct(each.stat().st_mode & 0o777) for each in folder.rglob("*")}
    lifecycle.down(folder)
    assert oct(folder.stat().st_mode & 0o777) == "0o700"
    assert {modes[name] for name in ("certificates/server.key", root_key.FILE, ownership.CLOUD_FILE)} == {"0o600"}
    assert [name for name, mode in modes.items() if not mode.endswith("00")] == []
    observed("the directory is 0700, the keys are 0600, and nothing in it may be read by others")


class Account:
    """Stands for AWS: counts the requests that reach it, and refuses them."""

    def __init__(self) -> None:
        self.requests = 0
        account = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                account.requests += 1
                self.send_response(403)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_PUT = do_HEAD = do_POST

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def variables(self) -> dict[str, str]:
        """A shell in which every tool would go to this account."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.server.server_port}",
            "AWS_ACCESS_KEY_ID": "AKIAREALACCOUNT",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "eu-central-1",
        }


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Account]:
    """The shell of an account, whose local cloud is down."""
    made = Account()
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    for name, value in {**made.variables, "TRAINYARD_STATE_DIR": str(tmp_path / "state")}.items():
        monkeypatch.setenv(name, value)
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.mark.fault(
    "Every command after `down`, in a shell with keys, region and endpoint of a real account",
    "It says that the local cloud is down; no request leaves",
)
def test_no_request_leaves(account: Account, capsys: pytest.CaptureFixture[str], observed: Observation) -> None:
    names = [each for panel in COMMANDS.values() for each in panel]
    commands = [each for each in names if "aws" in inspect.signature(function(each)).parameters]
    for name in sorted({*commands} - WITHOUT_CLOUD):
        assert main([name, *ARGUMENTS.get(name, [])]) == 4, name
        assert " ".join(capsys.readouterr().err.split()).endswith(DOWN), name
    assert account.requests == 0
    assert main(["show", "--aws"]) != 0
    assert account.requests > 0
    observed("all said so and sent nothing; with --aws a request arrived at the account")


@pytest.mark.fault("`--aws` in a shell that holds what `trainyard env` printed", "It says so and sends nothing")
def test_aws_in_a_local_shell(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], observed: Observation
) -> None:
    for name, value in {**cloud.environment, "TRAINYARD_STATE_DIR": str(cloud.state_dir)}.items():
        monkeypatch.setenv(name, value)
    assert main(["show", "--aws"]) == 1
    assert "Expected --aws to reach AWS, found AWS_ENDPOINT_URL" in capsys.readouterr().err
    observed("one sentence: the AWS_ENDPOINT_URL of this shell is the local cloud")


@pytest.mark.fault(
    "Keys, profile and endpoint of a real account in the shell while the local cloud is up", "It is asked"
)
def test_the_shell_of_an_account(
    cloud: Cloud,
    account: Account,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    observed: Observation,
) -> None:
    monkeypatch.setenv("TRAINYARD_STATE_DIR", str(cloud.state_dir))
    monkeypatch.setenv("AWS_PROFILE", "of-the-account")
    assert main(["status"]) == 0
    assert cloud.endpoint in capsys.readouterr().out
    assert account.requests == 0
    observed("`status` told of the local cloud, and the account got no request")
