"""`doctor` on laptops and accounts that have or lack something: a sentence each, what to do, and the exit code."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError
from botocore.stub import Stubber
from moto import mock_aws

from tests.cli.story import FakeCloudFormation, refusal
from trainyard.cli.cdk import program
from trainyard.cli.command import target
from trainyard.cli.main import main
from trainyard.client import project
from trainyard.client.doctor import account, laptop, needs, quotas
from trainyard.client.doctor.check import Check, Status, asked
from trainyard.client.doctor.needs import Needs
from trainyard.client.run import estimate
from trainyard.client.session import Target
from trainyard.errors import ConfigError, NotFound
from trainyard.run import recipe
from trainyard.run.costs import prices

NEEDS = Needs(
    account=None,
    region=None,
    must_tell=False,
    tells=False,
    glue_workers=2,
    processing=["ml.m5.xlarge"],
    training=["ml.m5.xlarge"],
    spot_training=[],
)
OUTPUTS = ("RawBucketName", "ArtifactsBucketName", "StateMachineArn", "TopicArn", "LedgerTableName")
TOPIC = "arn:aws:sns:us-east-1:123456789012:topic"
CODES = {each.name: f"L-{number:08X}" for number, each in enumerate(quotas.wanted(NEEDS))}


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in which programs are found."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("CDK_DOCKER", raising=False)
    return folder


@pytest.fixture
def here(tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with all that it needs on a laptop; its settings answer in a moment."""
    root = tmp_path / "project"
    node = script(tmp_path / "node", "echo v24.19.0")
    (root / program.SCRIPT.parent.parent).mkdir(parents=True)
    (root / "package.json").write_text('{"devDependencies": {"aws-cdk": "2.9.1"}}')
    (root / program.SCRIPT.parent.parent / "package.json").write_text('{"version": "2.9.1"}')
    (root / "infra").mkdir()
    (root / "infra" / "account.py").write_text(f"print({json.dumps(vars(NEEDS))!r})")
    monkeypatch.setattr(project, "root", lambda: root)
    monkeypatch.setattr(program, "node", lambda: node)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=50 * laptop.GIB))
    monkeypatch.setattr("os.sysconf", lambda name: 16 * laptop.GIB if name == "SC_PHYS_PAGES" else 1)
    return root


def said(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, str]]:
    return {each["name"]: each for each in json.loads(capsys.readouterr().out)}


def test_a_laptop_that_has_everything_asks_nothing_of_aws(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    found = said(capsys)
    assert {each["status"] for each in found.values()} == {"ok"}
    assert list(found) == ["python", "node", "cdk", "images", "disk", "memory", "local cloud"]
    assert "no container engine" in found["images"]["said"]
    assert main(["doctor"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "ok local cloud It is down, which is no fault. `trainyard up` starts it" in shown
    assert "Nothing is missing." in shown


def test_what_a_laptop_lacks_is_named_with_what_to_do(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script(tmp_path / "node", "echo v20.1.0")
    (here / program.SCRIPT.parent.parent / "package.json").write_text('{"version": "3.0.0"}')
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=laptop.GIB))
    monkeypatch.setattr("os.sysconf", lambda _: 2**15)
    assert main(["doctor", "--json"]) == 1
    found = said(capsys)
    assert found["node"]["said"].startswith("Expected Node 22 or newer") and "found 20.1.0." in found["node"]["said"]
    assert "Expected the CDK command line 2.9.1" in found["cdk"]["said"] and "found 3.0.0." in found["cdk"]["said"]
    assert "make setup" in found["cdk"]["advice"]
    assert found["disk"]["said"].startswith("1.0 GiB free")
    assert {name for name, each in found.items() if each["status"] == "missing"} == {"node", "cdk", "disk", "memory"}
    monkeypatch.setattr(program, "node", lambda: (_ for _ in ()).throw(NotFound("none")))
    assert main(["doctor"]) == 1
    shown = capsys.readouterr().out
    assert "No Node was found. Run `make setup`" in shown
    assert "Missing: node, cdk, disk, memory." in shown


def test_another_cdk_in_the_shell_is_told(here: Path, programs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The newest of the registry is an old build that reads no assembly of today."""
    package = here.parent / "global" / "aws-cdk"
    (programs / "cdk").symlink_to(script(package / "bin" / "cdk", "exit 1"))
    (package / "package.json").write_text('{"version": "3.0.0"}')
    assert main(["doctor", "--json"]) == 0
    found = said(capsys)["cdk"]
    assert "The `cdk` of this shell is 3.0.0." in found["said"]
    assert "npx cdk" in found["advice"]


def test_the_cdk_that_setup_puts_on_the_path_is_the_projects_own(
    here: Path, programs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script(programs / "cdk", "echo '2.9.1 (build fcf5e34)'")
    assert main(["doctor", "--json"]) == 0
    assert said(capsys)["cdk"]["said"] == "CDK command line 2.9.1; commands of trainyard call it."
    script(programs / "cdk", "exit 1")
    assert main(["doctor", "--json"]) == 0
    assert "The `cdk` of this shell is of an unknown version." in said(capsys)["cdk"]["said"]


@pytest.mark.parametrize(
    ("installed", "named", "status", "sentence"),
    [
        ({}, None, Status.MISSING, "found no container engine. Install one of docker, podman, finch"),
        ({"docker": 0}, None, Status.OK, "docker answers"),
        ({"docker": 1}, None, Status.MISSING, "`docker info` fails"),
        ({"podman": 0}, None, Status.MISSING, "found podman. `export CDK_DOCKER=podman`."),
        ({"podman": 0}, "podman", Status.OK, "podman answers"),
        ({"docker": 0}, "finch", Status.MISSING, "Expected finch to build the images with, found docker."),
    ],
)
def test_images_for_aws_need_an_engine_that_answers(
    programs: Path,
    monkeypatch: pytest.MonkeyPatch,
    installed: Mapping[str, int],
    named: str | None,
    status: Status,
    sentence: str,
) -> None:
    for name, code in installed.items():
        script(programs / name, f"exit {code}")
    if named:
        monkeypatch.setenv("CDK_DOCKER", named)
    found = laptop.engine()
    assert found.status is status
    assert sentence in f"{found.said} {found.advice}"


class Parameters:
    """SSM with a bootstrap of some version, and a list of services without those whose names end like `absent`."""

    def __init__(self, *absent: str, bootstrap: str | None = "33") -> None:
        self.absent, self.bootstrap = absent, bootstrap

    def get_parameter(self, Name: str) -> dict[str, Any]:
        if self.bootstrap is None or Name != account.BOOTSTRAP:
            raise refusal("ParameterNotFound", "GetParameter")
        return {"Parameter": {"Value": self.bootstrap}}

    def get_parameters(self, Names: list[str]) -> dict[str, Any]:
        return {"InvalidParameters": [each for each in Names if self.absent and each.endswith(self.absent)]}


class World:
    """An account in moto; quotas, which moto has none of, come from a stub."""

    def __init__(self, session: boto3.Session) -> None:
        self.target = Target(session=session)
        self.formation = self.target._clients["cloudformation"] = FakeCloudFormation()
        # Loading moto's own takes seconds; one test does.
        self.target._clients["ssm"] = Parameters()
        for service, operation in account.QUESTIONS.items():
            self.target._clients[service] = SimpleNamespace(**{operation: lambda **_: {}})

    def quotas(self, **values: float) -> None:
        """Each quota is comfortable, unless a value is given for those of its service."""
        client = self.target.client("service-quotas")
        stub = Stubber(client)
        for service in ("sagemaker", "glue", "lambda"):
            wanted = [each for each in quotas.wanted(NEEDS) if each.service == service]
            listed = [
                {"QuotaName": each.name, "QuotaCode": CODES[each.name], "Value": values.get(service, each.comfortable)}
                for each in wanted
            ]
            first = [{"QuotaName": "Somebody else's", "Value": 0.0}, *listed[:1]]
            stub.add_response("list_service_quotas", {"Quotas": first, "NextToken": "2"}, {"ServiceCode": service})
            if len(listed) > 1:
                asked_next = {"ServiceCode": service, "NextToken": "2"}
                stub.add_response("list_service_quotas", {"Quotas": []}, asked_next)
                stub.add_response("list_aws_default_service_quotas", {"Quotas": listed[1:]}, {"ServiceCode": service})
        stub.activate()

    def deployed(self, *, confirmed: int = 0, pending: int = 0) -> None:
        outputs = dict.fromkeys(OUTPUTS, TOPIC)
        self.formation.stacks = {"trainyard-dev-data": outputs, "trainyard-dev-workflow": outputs}
        sns = self.target.client("sns")
        stub = Stubber(sns)
        attributes = {"SubscriptionsConfirmed": str(confirmed), "SubscriptionsPending": str(pending)}
        stub.add_response("get_topic_attributes", {"Attributes": attributes}, {"TopicArn": TOPIC})
        stub.activate()


@pytest.fixture(scope="module")
def session() -> boto3.Session:
    """One, for it keeps what it has read of the descriptions of services."""
    return boto3.Session(region_name="us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing")


@pytest.fixture
def world(session: boto3.Session, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with mock_aws():
        made = World(session)
        monkeypatch.setattr(target, "connect", lambda **_: made.target)
        yield made


def test_an_account_that_has_everything(
    here: Path, programs: Path, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    script(programs / "docker", "exit 0")
    world.quotas()
    world.deployed(confirmed=1)
    for service in ("ssm", *account.QUESTIONS):
        del world.target._clients[service]
    world.target.client("ssm").put_parameter(Name=account.BOOTSTRAP, Value="33", Type="String")
    assert main(["doctor", "--aws", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert {each["name"] for each in shown if each["status"] != "ok"} == set()
    text = " ".join(each["said"] for each in shown)
    for each in (
        "us-east-1; the settings pin environment dev to none.",
        "Version 33 in aws://123456789012/us-east-1",
        "has all 10 services",
        "glue answers this account",
        "ml.m5.xlarge for training job usage: 2.",
        "across all serverless endpoints: 2.",
        "1 confirmed subscription(s)",
    ):
        assert each in text


def test_a_new_account_is_told_what_to_ask_for(
    here: Path, programs: Path, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    script(programs / "docker", "exit 0")
    world.quotas(sagemaker=0.0)
    world.target._clients["ssm"] = Parameters(bootstrap=None)
    assert main(["doctor", "--aws"]) == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert "ml.m5.xlarge for processing job usage: 0. Ask for 1 (one run at a time): aws service-quotas" in shown
    code = CODES["ml.m5.xlarge for training job usage"]
    assert f"--service-code sagemaker --quota-code {code} --desired-value 2" in shown
    assert "was never bootstrapped for the CDK. Someone with administrator rights runs `npx cdk bootstrap" in shown
    assert "Missing: bootstrap, quota of sagemaker. Not found out: notifications." in shown


def checked(world: World, wanted: Needs | None = None, *, env: str = "dev") -> dict[str, Check]:
    """What is said of an account; of its quotas only where needs are given."""
    return {each.name: each for each in account.checks(world.target, env, needs=wanted)}


def test_what_a_run_gets_through_with_is_there_and_more_is_advised(world: World) -> None:
    world.quotas(sagemaker=1.0)
    found = list(quotas.checks(world.target, list(quotas.wanted(NEEDS))))
    by_name = {each.said.partition(":")[0]: each for each in found}
    training = by_name["ml.m5.xlarge for training job usage"]
    assert training.status is Status.OK
    assert "Ask for 2 (a search trains so many models at a time)" in training.advice
    assert by_name[quotas.SERVERLESS].status is Status.MISSING


def test_a_quota_that_nobody_lists_is_unknown_and_so_is_one_that_may_not_be_read(world: World) -> None:
    class Client:
        def get_paginator(self, operation: str) -> Any:
            def paginate(ServiceCode: str) -> list[dict[str, Any]]:
                if ServiceCode == "glue":
                    raise refusal("AccessDeniedException", "ListServiceQuotas")
                return [{"Quotas": []}]

            return SimpleNamespace(paginate=paginate)

    world.target._clients["service-quotas"] = Client()
    found = list(quotas.checks(world.target, list(quotas.wanted(NEEDS))))
    assert {each.status for each in found} == {Status.UNKNOWN}
    assert any("lists no 'Concurrent executions' in us-east-1" in each.said for each in found)
    assert [each.advice for each in found if each.name == "glue quotas"] == [
        "Use a profile that may call ListServiceQuotas."
    ]


def test_an_environment_belongs_where_its_settings_say(world: World) -> None:
    world.quotas()
    wanted = Needs(**{**vars(NEEDS), "account": "111122223333", "region": "us-east-1"})
    found = checked(world, wanted)
    assert found["region"].status is Status.OK
    assert found["account"].said == "Environment dev belongs to account 111122223333, found 123456789012."


def test_a_bootstrap_from_long_ago_and_an_account_that_is_not_activated(world: World) -> None:
    world.target._clients["ssm"] = Parameters(bootstrap="5")

    class Refusing:
        def list_jobs(self, **_: int) -> None:
            raise refusal("OptInRequired", "ListJobs", "The account needs a subscription")

    world.target._clients["glue"] = Refusing()
    found = checked(world)
    assert found["bootstrap"].said.startswith("Expected bootstrap version 6 or newer")
    assert found["use of glue"].status is Status.MISSING
    assert "Finish signing the account up" in found["use of glue"].advice
    assert found["use of lambda"].status is Status.OK


def test_a_region_that_lacks_a_service(world: World) -> None:
    world.target._clients["ssm"] = Parameters("/sagemaker", "/glue")
    assert checked(world)["services"].said == "AWS's list of services names no glue, sagemaker in us-east-1."
    world.target._clients["ssm"] = Parameters("")
    assert checked(world)["services"].status is Status.UNKNOWN
    world.target = Target(session=boto3.Session(region_name="ap-southeast-4"), _clients=world.target._clients)
    assert checked(world)["services"].said.endswith("SageMaker's model registry in ap-southeast-4.")


@pytest.mark.parametrize(
    ("pending", "sentence"), [(1, "1 subscription(s) of arn:aws:sns"), (0, "Nobody has subscribed to arn:aws:sns")]
)
def test_somebody_has_to_hear_of_failures(world: World, pending: int, sentence: str) -> None:
    world.deployed(pending=pending)
    found = checked(world)["notifications"]
    assert found.status is Status.MISSING
    assert found.said.startswith(sentence)


def test_an_environment_that_must_tell_somebody_is_missing_them_before_it_is_deployed(world: World) -> None:
    world.quotas()
    wanted = Needs(**{**vars(NEEDS), "must_tell": True})
    assert "Set alarm_email" in checked(world, wanted, env="prod")["notifications"].advice


@pytest.mark.parametrize(
    ("error", "name", "advice"),
    [
        (NoCredentialsError(), "credentials", "aws sso login"),
        (refusal("ExpiredToken", "GetCallerIdentity"), "credentials", "aws sso login"),
        (EndpointConnectionError(endpoint_url="https://sts"), "network", "let you reach AWS"),
    ],
)
def test_nothing_more_is_asked_of_an_account_without_valid_credentials(
    world: World, error: Exception, name: str, advice: str
) -> None:
    def refuse() -> None:
        raise error

    world.target._clients["sts"] = SimpleNamespace(get_caller_identity=refuse)
    found = checked(world)
    assert list(found) == [name, "account"]
    assert found[name].status is Status.MISSING
    assert advice in found[name].advice


def test_a_profile_that_does_not_exist_and_no_region(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert main(["doctor", "--aws", "--json"]) == 1
    assert "nobody" in said(capsys)["credentials"]["said"]
    monkeypatch.delenv("AWS_PROFILE")
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    assert main(["doctor", "--aws", "--json"]) == 1
    assert said(capsys)["region"]["status"] == "missing"


def test_needs_come_from_the_settings_of_the_project(here: Path) -> None:
    assert needs.of("dev", project=here) == NEEDS
    (here / "infra" / "account.py").write_text("import sys\nsys.exit(f'Expected dev or prod, found {sys.argv[1]!r}.')")
    with pytest.raises(ConfigError, match=r"^Expected dev or prod, found 'x'\.$"):
        needs.of("x", project=here)
    (here / "infra" / "account.py").write_text("import no_such_package")
    with pytest.raises(NotFound, match=r"No module named 'no_such_package'\. Run `make setup`"):
        needs.of("dev", project=here)


def test_what_aws_does_not_answer_is_unknown() -> None:
    def unreachable() -> Check:
        raise EndpointConnectionError(endpoint_url="https://ssm.us-east-1.amazonaws.com/")

    found = asked("bootstrap", unreachable)
    assert (found.status, found.advice) == (Status.UNKNOWN, "Does the network let you reach AWS?")


def test_the_first_deployment_costs_what_its_document_says() -> None:
    """By prices.json and the times that an estimate takes where nothing has run."""

    def usd(name: str, **settings: Any) -> float:
        machines = estimate._machines(recipe.config(name, settings), {})
        return sum(prices.price(each, region="us-east-1") or 0.0 for _, each in machines)

    text = (Path(__file__).parents[2] / "docs" / "first-deployment.md").read_text(encoding="utf-8")
    said = dict(re.findall(r"^\| (.+?) \| ([\d.]+) \|$", text, re.MULTILINE))
    assert said["a run of each of the five recipes"] == f"{sum(usd(each) for each in recipe.names()):.2f}"
    assert said["a search with four training jobs"] == f"{usd('prod2vec', tune=True, tuning={'max_jobs': 4}):.2f}"
