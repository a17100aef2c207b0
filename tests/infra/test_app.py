"""The app as a whole: environments, settings, watching, tags, what is deployed with what, and the linters' verdicts."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3

from infra import settings as known
from infra.app import build, check
from infra.channels import SlackChannel, TeamsChannel
from infra.node import node_bin
from infra.settings import Settings
from infra.sources import LEFT_OUT, ROOT, SHARED, SHELLS, code_version, files
from infra.wheels import pack
from tests.infra.conftest import UUID
from tests.infra.templates import Deployment
from trainyard.errors import ConfigError
from trainyard.pages.environment import environment
from trainyard.run import recipe
from trainyard.run.costs.prices import PRICES
from trainyard.run.watch import observed
from trainyard.run.watch.metrics import namespace
from trainyard.stages.score.watch import METRIC

# The CDK writes a dependency on a role beside the reference that already makes one.
CDK_HABIT = "W3005"


def test_alarms_reach_people(deployment: Deployment) -> None:
    alarms = deployment.workflow.resources("AWS::CloudWatch::Alarm")
    metrics = {each["MetricName"] for each in alarms.values()}
    assert metrics == {
        *({"Invocation5XXErrors", "ModelLatency"} if deployment.environment == "prod" else ()),
        "Errors",
        "ExecutionsFailed",
        "ExecutionsTimedOut",
        "ExecutionsAborted",
        "ExecutionThrottled",
        "ApproximateNumberOfMessagesVisible",
        METRIC,
        observed.METRIC,
    }
    topic = deployment.data.arn(next(iter(deployment.data.resources("AWS::SNS::Topic"))))
    for each in alarms.values():
        assert each["AlarmActions"] == [topic]
        # Data stay as they were scored last, until others are; so does a model that turned out worse than promised.
        stays = each["MetricName"] in (METRIC, observed.METRIC)
        assert each["TreatMissingData"] == ("ignore" if stays else "notBreaching")


def test_an_alarm_for_each_recipe_rings_when_columns_moved(deployment: Deployment) -> None:
    alarms = deployment.workflow.resources("AWS::CloudWatch::Alarm").values()
    moved = [each for each in alarms if each["MetricName"] == METRIC]
    own = f"trainyard-{deployment.environment}"
    assert {each["Namespace"] for each in moved} == {namespace(own, each) for each in recipe.names()}
    for each in moved:
        assert (each["Statistic"], each["Threshold"], "Dimensions" in each) == ("Maximum", 1, False)
    role = deployment.role("FunctionsCompareScoresRole")
    for each in recipe.names():
        assert role.may("cloudwatch:PutMetricData", cloudwatch__namespace=namespace(own, each))
    assert not role.may("cloudwatch:PutMetricData", cloudwatch__namespace=namespace("trainyard-other", "prod2vec"))


def test_logs_do_not_stay_for_ever(deployment: Deployment) -> None:
    days = {"dev": 14, "prod": 180}[deployment.environment]
    groups = deployment.workflow.resources("AWS::Logs::LogGroup")
    assert len(groups) == 14
    assert {each["RetentionInDays"] for each in groups.values()} == {days}


def test_functions_are_traced_log_where_retention_is_set_and_know_their_surroundings(deployment: Deployment) -> None:
    functions = deployment.workflow.resources("AWS::Lambda::Function")
    groups = {each["LogGroupName"] for each in deployment.workflow.resources("AWS::Logs::LogGroup").values()}
    assert {each["Handler"] for each in functions.values()} == {
        "lambdas.resolve.handler",
        "lambdas.reuse.handler",
        "lambdas.gate.handler",
        "lambdas.compare_scores.handler",
        "lambdas.smoke_test.handler",
        "lambdas.explain_failure.handler",
        "lambdas.tidy_up.handler",
    }
    for each in functions.values():
        assert each["TracingConfig"] == {"Mode": "Active"}
        assert each["LoggingConfig"]["LogGroup"] in groups
        assert each["Timeout"] >= 30
        variables = each["Environment"]["Variables"]
        assert variables["RAW_BUCKET"] == deployment.bucket("Raw")
        assert variables["CODE_VERSION"] == code_version()
        assert variables["SETTLING_SECONDS"] == "120"
        assert json.loads(variables["TAGS"]) == {"project": "trainyard", "environment": deployment.environment}


def test_the_environments_machines_are_ones_that_every_recipe_accepts(deployment: Deployment) -> None:
    for each in deployment.workflow.resources("AWS::Lambda::Function").values():
        jobs = json.loads(each["Environment"]["Variables"]["JOB_DEFAULTS"])
        for name in recipe.names():
            assert recipe.config(name, {"jobs": jobs})


def test_glue_jobs_run_the_scripts_with_the_packages_and_locked_requirements(deployment: Deployment) -> None:
    jobs = {each["Name"]: each for each in deployment.workflow.resources("AWS::Glue::Job").values()}
    assert set(jobs) == {f"trainyard-{deployment.environment}-{stage}" for stage in ("ingest", "prepare", "register")}
    for name, job in jobs.items():
        arguments = job["DefaultArguments"]
        assert job["GlueVersion"] == "5.1"
        assert arguments["--ENGINE"] == "auto"
        assert float(arguments["--SPARK_THRESHOLD_GB"]) > 0
        assert arguments["--custom-logGroup-prefix"] == f"/aws-glue/{name}"
        modules = {"dev": ("-r", ".txt"), "prod": ("--no-index", ".gluewheels.zip")}[deployment.environment]
        assert arguments["--python-modules-installer-option"] == modules[0]
        assert arguments["--additional-python-modules"].endswith(modules[1])
        role = deployment.role(f"Glue{name.rsplit('-', 1)[-1].title()}Role")
        for uri in (
            job["Command"]["ScriptLocation"],
            arguments["--extra-py-files"],
            arguments["--additional-python-modules"],
        ):
            assert role.may("s3:GetObject", uri.replace("s3://", "arn:aws:s3:::"))
        assert arguments["--STAGE"] == name.rsplit("-", 1)[-1]
        script = Path(deployment.directory) / f"asset.{job['Command']['ScriptLocation'].rsplit('/', 1)[-1]}"
        assert script.read_text() == (ROOT / "glue_jobs" / "start.py").read_text()


def test_packages_lie_at_the_root_of_the_archives(deployment: Deployment) -> None:
    def asset(key: str) -> Path:
        return Path(deployment.directory) / f"asset.{key.rsplit('/', 1)[-1].removesuffix('.zip')}"

    glue = next(iter(deployment.workflow.resources("AWS::Glue::Job").values()))
    function = next(iter(deployment.workflow.resources("AWS::Lambda::Function").values()))
    zipped, bundled = asset(glue["DefaultArguments"]["--extra-py-files"]), _bundle(deployment, function)
    for package in ("trainyard/__init__.py", "recipes/__init__.py", "recipes/prod2vec/config.py"):
        assert (zipped / package).is_file()
        assert (bundled / package).is_file()
    assert (bundled / "lambdas" / "resolve.py").is_file()
    assert (bundled / "aws_lambda_powertools").is_dir()
    for each in (zipped, bundled):
        assert not (each / "trainyard" / "cli").exists()
        assert not list(each.glob("**/__pycache__"))
        assert not (each / "infra").exists()


def _bundle(deployment: Deployment, function: dict[str, Any]) -> Path:
    manifest = json.loads(
        (Path(deployment.directory) / f"trainyard-{deployment.environment}-workflow.assets.json").read_text()
    )
    name = function["Code"]["S3Key"].rpartition("/")[2].removesuffix(".zip")
    return Path(deployment.directory) / manifest["files"][name]["source"]["path"]


def test_the_bundled_functions_start_with_nothing_but_their_bundle(deployment: Deployment) -> None:
    """boto3 is the runtime's; everything else must come along."""
    function = next(iter(deployment.workflow.resources("AWS::Lambda::Function").values()))
    bundle = _bundle(deployment, function)
    check = (
        "import sys; sys.path.insert(0, sys.argv[1]); import lambdas.resolve, lambdas.gate, lambdas.explain_failure, "
        "lambdas.tidy_up, lambdas.empty, lambdas.reuse; "
        "assert set(lambdas.reuse._codes()['prod2vec']) == {'ingest', 'prepare', 'process'}; "
        "assert lambdas.resolve.__file__.startswith(sys.argv[1]); "
        "import aws_lambda_powertools as p; assert p.__file__.startswith(sys.argv[1])"
    )
    environment = {"AWS_DEFAULT_REGION": "us-east-1", "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", check, str(bundle)], check=True, cwd=bundle, env=environment, timeout=60)


def test_images_carry_their_own_shell_only_and_build_for_the_cloud(deployment: Deployment) -> None:
    directory = Path(deployment.directory)
    manifest = json.loads((directory / f"trainyard-{deployment.environment}-workflow.assets.json").read_text())
    images = [each["source"] for each in manifest["dockerImages"].values()]
    assert {each["dockerFile"] for each in images} == {
        f"{each}_container/Dockerfile" for each in ("processing", "training")
    }
    for each in images:
        assert each["platform"] == "linux/amd64"
        top = {path.name for path in (directory / each["directory"]).iterdir()}
        assert top == {*SHARED, each["dockerFile"].split("/")[0]}


def test_with_gpu_training_has_a_second_image_whose_lock_has_cuda_and_the_others_do_not(full: Deployment) -> None:
    directory = Path(full.directory)
    manifest = json.loads((directory / "trainyard-full-workflow.assets.json").read_text())
    images = [each["source"] for each in manifest["dockerImages"].values()]
    arguments = {each["directory"]: each.get("dockerBuildArgs", {}) for each in images}
    training = {
        arguments[each["directory"]].get("REQUIREMENTS", "requirements.txt"): directory / each["directory"]
        for each in images
        if each["dockerFile"] == "training_container/Dockerfile"
    }
    assert set(training) == {"requirements.txt", "requirements-gpu.txt"}
    for lock, folder in training.items():
        assert [each.name for each in (folder / "training_container").glob("*.txt")] == [lock]
        pinned = (folder / "training_container" / lock).read_text()
        assert ("nvidia-cudnn-cu12==" in pinned) == ("gpu" in lock)
        assert ("tensorflow-cpu==" in pinned) != ("gpu" in lock)
        assert "://" not in pinned
    states = json.loads(full.machine["DefinitionString"])["States"]
    train = states["Train model"]["Arguments"]
    tune = states["Tune hyperparameters"]["Arguments"]["TrainingJobDefinition"]
    for each in (train, tune):
        with_gpu, without = re.findall(r"'([^']+)'", each["AlgorithmSpecification"]["TrainingImage"])
        assert with_gpu != without
    functions = full.workflow.resources("AWS::Lambda::Function").values()
    assert {each["Environment"]["Variables"].get("GPU", "true") for each in functions} == {"true"}


def test_the_templates_of_pages_are_deployed_with_the_code() -> None:
    made = (f"trainyard/{name}" for name in environment().list_templates(extensions=["j2", "css"]))
    # The console's pages are made where people look at them.
    templates = {each for each in made if not each.startswith(LEFT_OUT)}
    assert templates
    assert templates <= {each.as_posix() for each in files("trainyard")}


def test_the_prices_of_the_report_are_deployed_with_the_code() -> None:
    assert PRICES.relative_to(ROOT) in list(files("trainyard"))


def test_code_version_changes_with_deployed_code_and_with_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in {
        "recipes/a/config.py": "x = 1",
        "recipes/a/README.md": "about",
        "trainyard/run.py": "",
        "trainyard/cli/main.py": "",
        "lambdas/gate.py": "",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr("infra.sources.ROOT", tmp_path)
    before = code_version()
    (tmp_path / "recipes/a/README.md").write_text("more about")
    (tmp_path / "trainyard/cli/main.py").write_text("print()")
    assert code_version() == before
    (tmp_path / "recipes/a/config.py").write_text("x = 2")
    assert code_version() != before


def test_everything_that_can_be_tagged_says_whose_it_is(deployment: Deployment) -> None:
    untagged = []
    for stack in deployment.stacks:
        for resource in stack.template["Resources"].values():
            tags = resource.get("Properties", {}).get("Tags", {})
            listed = {each["Key"]: each["Value"] for each in tags} if isinstance(tags, list) else tags
            if listed != {"project": "trainyard", "environment": deployment.environment}:
                untagged.append(resource["Type"])
    assert set(untagged) <= {
        "AWS::S3::BucketPolicy",
        "AWS::SNS::TopicPolicy",
        "AWS::SNS::Subscription",
        "AWS::SQS::QueuePolicy",
        "AWS::IAM::Policy",
        "AWS::KMS::Alias",
        "AWS::Lambda::Permission",
        "AWS::CloudWatch::Dashboard",
        "AWS::Scheduler::Schedule",
        "AWS::Glue::Database",
        "AWS::Glue::Table",
        "AWS::Glue::SecurityConfiguration",
        "AWS::Lambda::Version",
        "AWS::StepFunctions::StateMachineAlias",
        "AWS::StepFunctions::StateMachineVersion",
        "Custom::Contents",
    }


def test_the_other_synthesizer_changes_no_resource(synthesize: Callable[..., Deployment], dev: Deployment) -> None:
    other = synthesize("dev", synthesizer="cli-credentials", laptop="true")
    for ours, theirs in zip(dev.stacks, other.stacks, strict=True):
        assert theirs.template["Resources"] == ours.template["Resources"]
        assert theirs.template.get("Outputs") == ours.template.get("Outputs")


def test_optional_settings_appear_in_the_templates(full: Deployment) -> None:
    deployment = full
    subscribed = {each["Endpoint"] for each in deployment.data.resources("AWS::SNS::Subscription").values()}
    assert subscribed == {"people@example.com", "https://hooks.example.com/alarms"}
    connection = deployment.workflow.only("AWS::Glue::Connection")["ConnectionInput"]
    assert connection["PhysicalConnectionRequirements"]["SubnetId"] == "subnet-0123456789abcdef0"
    connected = [
        each["Name"] for each in deployment.workflow.resources("AWS::Glue::Job").values() if "Connections" in each
    ]
    assert sorted(connected) == ["trainyard-full-ingest", "trainyard-full-register"]
    ec2 = "arn:aws:ec2:us-east-1:111122223333"
    for role in (deployment.role("GlueIngestRole"), deployment.role("GlueRegisterRole")):
        for kind, own in (("subnet", "subnet-0123456789abcdef0"), ("security-group", "sg-0123456789abcdef0")):
            assert role.may("ec2:CreateNetworkInterface", f"{ec2}:{kind}/{own}")
            assert not role.may("ec2:CreateNetworkInterface", f"{ec2}:{kind}/other")
        subnet = f"{ec2}:subnet/subnet-0123456789abcdef0"
        assert role.may("ec2:DeleteNetworkInterface", f"{ec2}:network-interface/eni-1", ec2__Subnet=subnet)
        assert not role.may("ec2:DeleteNetworkInterface", f"{ec2}:network-interface/eni-1", ec2__Subnet=f"{subnet}1")
    assert not deployment.role("GluePrepareRole").may("ec2:DescribeSubnets")
    budget = deployment.workflow.only("AWS::Budgets::Budget")
    assert budget["Budget"]["BudgetLimit"] == {"Amount": 200, "Unit": "USD"}
    assert {each["Subscribers"][0]["Address"] for each in budget["NotificationsWithSubscribers"]} == {
        "people@example.com"
    }
    role = deployment.role("JobsTrain").properties
    assert {"Key": "cost-center", "Value": "4711"} in role["Tags"]
    variables = [
        each["Environment"]["Variables"] for each in deployment.workflow.resources("AWS::Lambda::Function").values()
    ]
    assert {json.loads(each["TAGS"])["cost-center"] for each in variables if "TAGS" in each} == {"4711"}


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (
            {"jobs": {"serve": {}}},
            "expected job stages among evaluate, process, report, score, train, tune, found serve.",
        ),
        ({"jobs": {"train": {"gpu": 1}}}, "found gpu."),
        ({"glue_workers": 1}, "expected at least 2 Glue workers"),
        ({"spark_threshold_gb": 0}, "expected spark_threshold_gb above 0, found 0."),
        ({"settling_seconds": -1}, "expected settling_seconds from 0 to 86400, found -1."),
        ({"alarm_email": "nobody"}, "expected an e-mail address for alarms, found 'nobody'."),
        ({"alarm_url": "http://x"}, "expected alarm_url to begin with https://, found 'http://x'."),
        ({"account": "1"}, "expected account to have twelve digits, found '1'."),
        ({"monthly_budget_usd": 0, "alarm_email": "a@b.c"}, "expected monthly_budget_usd above 0, found 0."),
        ({"monthly_budget_usd": 9}, "expected alarm_email beside monthly_budget_usd"),
        ({"keep_intermediates_days": 14}, "expected keep_intermediates_days of at least 17"),
        ({"webhook_url": "http://example.com"}, "expected webhook_url to be https://HOST/PATH without a password"),
        ({"webhook_url": "https://me:secret@example.com/x"}, "found one that begins with 'https://'."),
        ({"slack": SlackChannel(workspace_id="mine", channel_id="C1")}, "expected slack.workspace_id to begin with T"),
        (
            {"slack": SlackChannel(workspace_id="T1", channel_id="#ops")},
            "expected slack.channel_id to begin with C or G",
        ),
        ({"teams": TeamsChannel(tenant_id="x", team_id=UUID, channel_id="19%3aa%40b")}, "expected teams.tenant_id"),
        ({"teams": TeamsChannel(tenant_id=UUID, team_id=UUID, channel_id="19:a@b")}, "expected teams.channel_id as it"),
        ({"jobs": {"train": {"instance_type": "ml.g5.xlarge"}}}, "expected train to have a machine without a GPU"),
        ({"jobs": {"process": {"instance_type": "ml.g5.xlarge"}}, "gpu": True}, "which only tune and train use"),
        ({"cost_tags": {"project": "x"}}, "expected cost_tags of other names, found project"),
    ],
)
def test_wrong_settings_are_refused_in_one_sentence(wrong: dict[str, Any], expected: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        Settings(name="x", **wrong)
    assert expected in str(refusal.value)
    assert str(refusal.value).startswith("Settings of environment x: ")


@pytest.mark.parametrize("name", ["dev-2", "dev-", "Dev", "2dev", "developers", ""])
def test_no_environment_has_a_name_with_which_another_may_take_it_for_its_own(name: str) -> None:
    with pytest.raises(ConfigError, match="lower case letters and digits, a letter first"):
        Settings(name=name)


def test_settings_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        known.settings("dev").use_spot = True  # type: ignore[misc]


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ({"env": "staging"}, "found 'staging': pass -c env=dev"),
        ({"synthesizer": "magic"}, "found 'magic'"),
        ({"laptop": "perhaps"}, "Expected laptop to be true, false or not given, found 'perhaps'"),
        ({"env": "prod"}, "prod needs somebody who hears of failures: set alarm_email, slack, teams or webhook_url"),
        ({"settling_seconds": "soon"}, "Expected settling_seconds to be a whole number or not given, found 'soon'"),
    ],
)
def test_unknown_context_is_refused(context: dict[str, str], expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        build(cdk.App(context=context, analytics_reporting=False))


def test_an_environment_is_deployed_to_its_own_account_and_region_alone() -> None:
    pinned = Settings(name="x", account="111122223333", region="eu-central-1")
    check(pinned, account="111122223333", region="eu-central-1")
    # The CDK could not find out where it is: it refuses by itself to deploy to another place than the stack names.
    check(pinned, account=None, region=None)
    with pytest.raises(ConfigError, match=r"account 111122223333, found 444455556666.*eu-central-1, found us-east-1"):
        check(pinned, account="444455556666", region="us-east-1")


def test_wheels_are_packed_with_the_lock_where_glue_looks_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def download(command: list[str], *, check: bool) -> None:
        assert {"--require-hashes", "--no-deps", ":all:"} <= set(command)
        (Path(command[-1]) / "duckdb-2.0.0-cp311-cp311-linux_x86_64.whl").write_bytes(b"wheel")

    monkeypatch.setattr("infra.wheels.subprocess.run", download)
    pack(tmp_path / "x.gluewheels.zip")
    with zipfile.ZipFile(tmp_path / "x.gluewheels.zip") as made:
        assert made.namelist() == ["wheels/requirements.txt", "wheels/duckdb-2.0.0-cp311-cp311-linux_x86_64.whl"]
        assert made.read("wheels/requirements.txt") == (ROOT / "glue_jobs" / "requirements.txt").read_bytes()


def test_a_finding_that_nobody_acknowledged_stops_the_synthesis(tmp_path: Path) -> None:
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    app = build(cdk.App(outdir=str(tmp_path), context=context, analytics_reporting=False))
    workflow = app.node.find_child("trainyard-dev-workflow")
    s3.Bucket(workflow, "Careless")
    with pytest.raises(RuntimeError, match="AwsSolutions-S10"):
        app.synth()


def test_cfn_lint_has_nothing_to_say(dev: Deployment, prod: Deployment) -> None:
    templates = [str(each) for deployment in (dev, prod) for each in Path(deployment.directory).glob("*.template.json")]
    assert len(templates) == 4
    linter = Path(sys.executable).with_name("cfn-lint")
    found = subprocess.run(
        [linter, "--ignore-checks", CDK_HABIT, "--regions", "us-east-1", "--", *templates],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (found.returncode, found.stdout) == (0, "")


def test_asl_validator_has_nothing_to_say(dev: Deployment, tmp_path: Path) -> None:
    written = tmp_path / "machine.json"
    written.write_text(dev.machine["DefinitionString"])
    script = ROOT / "node_modules" / "asl-validator" / "dist" / "bin" / "asl-validator.js"
    checked = subprocess.run(
        [node_bin() / "node", script, "--json-path", written], capture_output=True, text=True, timeout=60
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_deployed_file_is_counted_once() -> None:
    listed = list(files(*SHARED, *SHELLS))
    assert len(listed) == len(set(listed))
    assert {each.parts[0] for each in listed} == {*SHARED, *SHELLS}
    assert not [each for each in listed if "cli" in each.parts or each.suffix in (".md", ".in")]


def test_retention_names_are_days_that_cloudwatch_knows() -> None:
    assert {each.log_retention for each in known.ENVIRONMENTS.values()} <= set(logs.RetentionDays)
