"""The pipeline: the roles it takes, what its workflows may do and call, and the images that it promotes."""

from __future__ import annotations

import hashlib
import io
import json
import re
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
import yaml
from moto import mock_aws
from moto.ecr.responses import ECRResponse

from infra import promote
from infra.pipeline import AUDIENCE, ISSUER, Pipeline, build
from tests.infra.templates import PSEUDO, Role, Stack
from trainyard.errors import ConfigError, NotFound, TrainyardError

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = {each.stem: each.read_text() for each in sorted((ROOT / ".github" / "workflows").glob("*.yml"))}
READ: dict[str, dict[str, Any]] = {name: yaml.safe_load(text) for name, text in WORKFLOWS.items()}
JOBS = {f"{name}/{job}": each for name, found in READ.items() for job, each in found["jobs"].items()}
CREDENTIALS = "aws-actions/configure-aws-credentials"
# What a job without the repository's files runs; docs/pipeline.md names it.
COMMENT = (
    "cat changes/dev.md changes/prod.md > comment.md",
    'gh pr comment "$PULL_REQUEST" --edit-last --create-if-none --body-file comment.md',
)
TRIED, LIVE = "111122223333", "444455556666"


def synthesized(folder: Path, **context: str) -> Stack:
    given = json.loads((ROOT / "cdk.json").read_text())["context"] | {"repository": "me/yard"} | context
    build(cdk.App(outdir=str(folder), context=given, analytics_reporting=False)).synth()
    return Stack(json.loads((folder / "trainyard-pipeline.template.json").read_text()))


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """Both environments in one account."""
    return synthesized(tmp_path_factory.mktemp("pipeline"))


def roles(stack: Stack) -> dict[str, Role]:
    return {each["RoleName"]: Role(each["RoleName"], each) for each in stack.resources("AWS::IAM::Role").values()}


def bootstrap_role(kind: str, account: str = PSEUDO["AWS::AccountId"]) -> str:
    return f"arn:aws:iam::{account}:role/cdk-hnb659fds-{kind}-role-{account}-us-east-1"


def test_only_jobs_of_the_repository_get_a_role_and_each_its_own(here: Stack) -> None:
    assert here.only("AWS::IAM::OIDCProvider")["Url"] == f"https://{ISSUER}"
    subjects = {}
    for name, each in roles(here).items():
        [statement] = each.properties["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
        assert list(statement["Principal"]) == ["Federated"]
        [(operator, claims)] = statement["Condition"].items()
        assert (operator, claims.pop(f"{ISSUER}:aud")) == ("StringEquals", AUDIENCE)
        [subjects[name]] = claims.values()
        assert list(claims) == [f"{ISSUER}:sub"]
    assert subjects == {
        "trainyard-dev-deploy": "repo:me/yard:environment:dev",
        "trainyard-prod-deploy": "repo:me/yard:environment:prod",
        "trainyard-dev-diff": "repo:me/yard:pull_request",
        "trainyard-prod-diff": "repo:me/yard:pull_request",
    }


def test_deploying_is_taking_the_bootstraps_roles_and_nothing_else(here: Stack) -> None:
    role = roles(here)["trainyard-prod-deploy"]
    [statement] = role.statements()
    assert statement["Action"] == "sts:AssumeRole"
    assert set(statement["Resource"]) == {
        bootstrap_role(each) for each in ("deploy", "file-publishing", "image-publishing", "lookup")
    }


def test_a_pull_request_reads_two_templates_and_takes_no_role(here: Stack) -> None:
    role = roles(here)["trainyard-dev-diff"]
    stack = "arn:aws:cloudformation:us-east-1:111122223333:stack/trainyard-{}/1"
    for part in ("dev-data", "dev-workflow"):
        assert role.may("cloudformation:GetTemplate", stack.format(part))
        assert role.may("cloudformation:DescribeStacks", stack.format(part))
    assert not role.may("cloudformation:GetTemplate", stack.format("prod-data"))
    assert not role.may("sts:AssumeRole", bootstrap_role("lookup"))
    assert {action for each in role.statements() for action in each["Action"]} == {
        "cloudformation:DescribeStacks",
        "cloudformation:GetTemplate",
    }


def test_an_account_of_its_own_reads_the_images_of_another(tmp_path: Path) -> None:
    stack = synthesized(tmp_path, environments="prod", images_from=TRIED, provider="existing", repository="me@1/yard@2")
    assert not stack.resources("AWS::IAM::OIDCProvider")
    assert set(roles(stack)) == {"trainyard-prod-deploy", "trainyard-prod-diff"}
    role = roles(stack)["trainyard-prod-deploy"]
    assert role.may("sts:AssumeRole", bootstrap_role("lookup", TRIED))
    [statement] = role.properties["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"]["Federated"] == f"arn:aws:iam::111122223333:oidc-provider/{ISSUER}"
    assert statement["Condition"]["StringEquals"][f"{ISSUER}:sub"] == "repo:me@1/yard@2:environment:prod"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"repository": "me"}, "OWNER/NAME"),
        ({"repository": "me/*"}, "OWNER/NAME"),
        ({"environments": ("dev", "life")}, "among dev,prod, found 'dev,life'"),
        ({"environments": ()}, "among dev,prod"),
        ({"images_from": "dev"}, "twelve digits"),
    ],
)
def test_what_would_trust_too_much_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(words)):
        Pipeline(**{"repository": "me/yard", "environments": ("dev",)} | given)


def steps(job: dict[str, Any], key: str) -> list[str]:
    return [each[key] for each in job.get("steps", []) if key in each]


def used(job: dict[str, Any]) -> list[str]:
    return [each.partition("@")[0] for each in steps(job, "uses")]


def test_everything_that_a_workflow_runs_is_a_make_target() -> None:
    targets = {f"make {each}" for each in re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text())}
    ran = {run for job in JOBS.values() for run in steps(job, "run")}
    assert ran - set(COMMENT) <= targets
    assert steps(JOBS["pull-request/comment"], "run") == list(COMMENT)
    # Text that somebody else writes must not become a command.
    assert not [each for each in ran if "${{" in each]


def test_every_machine_checks_tests_and_runs_the_demo() -> None:
    job = JOBS["check/machine"]
    machines = [each["machine"] for each in job["strategy"]["matrix"]["include"]]
    assert machines == ["ubuntu-24.04", "ubuntu-24.04-arm", "macos-15"]
    assert [each["run"] for each in job["steps"] if "run" in each and "if" not in each] == [
        "make check",
        "make test",
        "make demo",
    ]


def test_actions_are_pinned_and_leave_no_credentials_behind() -> None:
    pins = [
        each
        for text in WORKFLOWS.values()
        for each in re.findall(r"uses: (.+)", text)
        if not each.startswith("./.github/workflows/")
    ]
    assert pins
    for each in pins:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each), each
    assert len(set(pins)) == len({each.partition("@")[0] for each in pins})
    for job in JOBS.values():
        for each in job.get("steps", []):
            if each.get("uses", "").startswith("actions/checkout@"):
                assert each["with"] == {"persist-credentials": False}


def test_jobs_may_do_what_they_do_and_no_more() -> None:
    for found in READ.values():
        assert found["permissions"] == {"contents": "read"}
    for name, job in JOBS.items():
        wanted = {"contents": "read", "id-token": "write"} if CREDENTIALS in used(job) else None
        if name == "pull-request/comment":
            wanted = {"pull-requests": "write"}
            assert "actions/checkout" not in used(job)
        assert job.get("permissions") == wanted, name
        assert "uses" in job or job["timeout-minutes"] <= 120
    for text in WORKFLOWS.values():
        # Nothing is kept that could be printed; `pull_request_target` would hand a fork our token.
        assert not re.search(r"secrets[.\[]|access-key|pull_request_target", text)


def test_what_was_deployed_to_dev_goes_to_prod_and_is_not_made_again() -> None:
    dev, prod = JOBS["deploy/dev"], JOBS["deploy/prod"]
    assert (dev["environment"], prod["environment"]) == ("dev", "prod")
    assert (JOBS["deploy/assembly"]["needs"], dev["needs"], prod["needs"]) == ("check", "assembly", "dev")
    assert steps(dev, "run") == ["make setup", "make deploy-assembly"]
    assert steps(prod, "run") == ["make setup", "make promote", "make deploy-assembly"]
    for job in (dev, prod):
        # Packages are installed before the job has credentials.
        order = [each.get("run", each.get("uses", "")).partition("@")[0] for each in job["steps"]]
        assert order.index("make setup") < order.index(CREDENTIALS) < order.index("make deploy-assembly")


BLOBS = {f"sha256:{hashlib.sha256(each).hexdigest()}": each for each in (b"config", b"layer" * 1000, b"code" * 1000)}
MANIFEST = {
    "schemaVersion": 2,
    "mediaType": promote.MANIFESTS[0],
    "config": {"digest": next(iter(BLOBS)), "size": 6},
    "layers": [{"digest": each, "size": len(BLOBS[each])} for each in list(BLOBS)[1:]],
}


def assembly(folder: Path, source: str = "h") -> Path:
    """An assembly with one image, whose tag begins with the environment that the folder is called after."""
    place = {
        "repositoryName": "cdk-x-container-assets-${AWS::AccountId}-${AWS::Region}",
        "imageTag": f"trainyard-{folder.name}-{source}",
        "assumeRoleArn": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/cdk-x-image-publishing-role-${AWS::Region}",
    }
    folder.mkdir()
    (folder / "a.assets.json").write_text(json.dumps({"dockerImages": {source: {"destinations": {"d": place}}}}))
    return folder


@pytest.fixture
def accounts(monkeypatch: pytest.MonkeyPatch):
    """Two accounts with a repository each; layers are downloaded from memory, in small parts."""
    variables = {"AWS_DEFAULT_REGION": "us-east-1", "MOTO_ACCOUNT_ID": LIVE, promote.SOURCE_ACCOUNT: TRIED}
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(promote, "urlopen", lambda url, timeout: io.BytesIO(BLOBS[url]))
    monkeypatch.setattr("moto.ecr.models.DEFAULT_LAYER_PART_SIZE", 1000)
    # Moto keeps of a layer its digest alone.
    monkeypatch.setattr(
        ECRResponse,
        "get_download_url_for_layer",
        lambda self: json.dumps({"downloadUrl": self._get_param("layerDigest")}),
        raising=False,
    )
    with mock_aws():
        yield {each: repository(each) for each in (TRIED, LIVE)}


def repository(account: str) -> promote.Repository:
    role = f"arn:aws:iam::{account}:role/setup"
    ecr, name = promote._client(role, region="us-east-1"), f"cdk-x-container-assets-{account}-us-east-1"
    ecr.create_repository(repositoryName=name, imageTagMutability="IMMUTABLE")
    return promote.Repository(ecr=ecr, name=name)


def push(to: promote.Repository, tag: str, **changed: Any) -> None:
    for blob in BLOBS.values():
        upload = to.ecr.initiate_layer_upload(repositoryName=to.name)["uploadId"]
        part = {"partFirstByte": 0, "partLastByte": len(blob) - 1, "layerPartBlob": blob}
        to.ecr.upload_layer_part(repositoryName=to.name, uploadId=upload, **part)
        digest = f"sha256:{hashlib.sha256(blob).hexdigest()}"
        to.ecr.complete_layer_upload(repositoryName=to.name, uploadId=upload, layerDigests=[digest])
    to.ecr.put_image(repositoryName=to.name, imageManifest=json.dumps(MANIFEST | changed), imageTag=tag)


def test_images_are_promoted_to_another_account_by_digest_once(accounts, tmp_path: Path, monkeypatch, capsys) -> None:
    tried, live = accounts[TRIED], accounts[LIVE]
    push(tried, "trainyard-dev-h")
    folders = assembly(tmp_path / "dev"), assembly(tmp_path / "prod")
    promote.main(*folders)
    first, copied = tried.find("trainyard-dev-h"), live.find("trainyard-prod-h")
    assert copied["imageManifest"] == first["imageManifest"]
    assert copied["imageId"]["imageDigest"] == first["imageId"]["imageDigest"]
    assert live.lacks(list(BLOBS)) == []
    digest = first["imageId"]["imageDigest"]
    assert capsys.readouterr().out == f"{live.name}:trainyard-prod-h is {digest}, as in {tried.name}\n"
    monkeypatch.setattr(promote, "_write", pytest.fail)  # it is there
    promote.main(*folders)


def test_an_image_that_is_missing_or_another_one_is_not_promoted(accounts, tmp_path: Path) -> None:
    dev, prod = assembly(tmp_path / "dev"), assembly(tmp_path / "prod")
    with pytest.raises(NotFound, match="deploy the source environment first"):
        promote.main(dev, prod)
    push(accounts[TRIED], "trainyard-dev-h")
    push(accounts[LIVE], "trainyard-prod-h", layers=MANIFEST["layers"][:1])
    with pytest.raises(TrainyardError, match="which was built there"):
        promote.main(dev, prod)
    with pytest.raises(NotFound, match="synthesize both from one commit"):
        promote.main(dev, assembly(tmp_path / "later", "new"))
