"""Who may do what: least privilege, checked by asking each role's policy."""

from __future__ import annotations

import json

import pytest

from infra.permissions import Permission
from tests.infra.templates import Deployment, Role
from trainyard.run import recipe
from trainyard.run.failure import key_of
from trainyard.run.naming import alarm_names

RUN = "prod2vec/20261121-024833-1a2b3c4d"
STAGES = ("resolve", "ingest", "prepare", "process", "tune", "train", "evaluate", "gate", "report", "score")
JOBS = {
    # role: (stages it reads, stages it writes)
    "GlueIngestRole": ({"resolve", "ingest"}, {"ingest"}),
    "GluePrepareRole": ({"resolve", "ingest", "prepare"}, {"prepare"}),
    "GlueRegisterRole": ({"resolve", "train", "tune", "evaluate", "gate"}, set()),
    "JobsProcess": ({"resolve", "prepare"}, {"process"}),
    "JobsTrain": ({"resolve", "process"}, {"train", "tune"}),
    "JobsEvaluate": ({"resolve", "process", "train", "tune"}, {"evaluate"}),
    "JobsReport": ({"resolve", "prepare", "process", "train", "tune", "evaluate", "gate"}, {"report"}),
    "JobsAnalyse": ({"resolve"}, set()),
    "JobsScore": ({"resolve", "ingest", "train", "tune"}, {"score"}),
    "JobsModel": ({"train", "tune"}, set()),
    "FunctionsResolveRole": (set(), set()),
    "FunctionsReuseRole": ({"ingest", "prepare", "process"}, {"ingest", "prepare", "process"}),
    "FunctionsGateRole": ({"resolve", "evaluate"}, {"gate"}),
    "FunctionsCompareScoresRole": (set(), set()),
    "FunctionsSmokeTestRole": (set(), set()),
    "FunctionsExplainFailureRole": (set(), set()),
    "MachineRole": (set(), set()),
}
SAGEMAKER = [each for each in JOBS if each.startswith("Jobs")]
SPARK = ["GlueIngestRole", "GluePrepareRole"]
DATABASE = ["GlueIngestRole", "GlueRegisterRole"]


def artifact(deployment: Deployment, path: str) -> str:
    return f"{deployment.data.arn(deployment.bucket('Artifacts'))}/{path}"


def upload(deployment: Deployment, path: str) -> str:
    return f"{deployment.data.arn(deployment.bucket('Raw'))}/{path}"


@pytest.mark.parametrize("name", JOBS)
def test_each_role_reads_and_writes_only_its_stages(deployment: Deployment, name: str) -> None:
    role, (reads, writes) = deployment.role(name), JOBS[name]
    keys = {each: artifact(deployment, f"{RUN}/{each}/folder/file") for each in STAGES}
    assert {each for each, key in keys.items() if role.may("s3:GetObject", key)} == reads
    assert {each for each, key in keys.items() if role.may("s3:PutObject", key)} == writes


@pytest.mark.parametrize("name", JOBS)
def test_a_folder_named_like_a_stage_is_not_that_stage(deployment: Deployment, name: str) -> None:
    """process/train/ holds training examples: whoever writes train/ must not write there."""
    role, (reads, writes) = deployment.role(name), JOBS[name]
    key = artifact(deployment, f"{RUN}/process/train/examples.npy")
    assert role.may("s3:GetObject", key) == ("process" in reads)
    assert role.may("s3:PutObject", key) == ("process" in writes)


def test_single_objects_that_more_than_stages_decide(deployment: Deployment) -> None:
    machine, resolve = deployment.role("MachineRole"), deployment.role("FunctionsResolveRole")
    train, analyse = deployment.role("JobsTrain"), deployment.role("JobsAnalyse")
    for name in ("quality.json", "children.json"):
        assert machine.may("s3:GetObject", artifact(deployment, f"{RUN}/ingest/{name}"))
    assert machine.may("s3:GetObject", artifact(deployment, f"{RUN}/gate/model_card.json"))
    assert not machine.may("s3:GetObject", artifact(deployment, f"{RUN}/gate/decision.json"))
    assert not machine.may("s3:GetObject", artifact(deployment, f"{RUN}/ingest/orders/part-00000.parquet"))
    assert resolve.may("s3:PutObject", artifact(deployment, f"{RUN}/resolve/request.json"))
    assert train.may("s3:GetObject", artifact(deployment, f"{RUN}/train/checkpoints/epoch-3"))
    assert not train.may("s3:GetObject", artifact(deployment, f"{RUN}/train/job/output/model.tar.gz"))
    assert analyse.may("s3:PutObject", artifact(deployment, f"{RUN}/tune/analysis/jobs.csv"))
    reuse = deployment.role("FunctionsReuseRole")
    assert reuse.may("s3:GetObject", artifact(deployment, f"{RUN}/resolve/request.json"))
    assert not reuse.may("s3:PutObject", artifact(deployment, f"{RUN}/resolve/request.json"))
    assert reuse.may("s3:PutObject", artifact(deployment, f"{RUN}/resolve/reuse.json"))
    # A copy that broke off leaves nothing behind.
    may_delete = {each for each in STAGES if reuse.may("s3:DeleteObject", artifact(deployment, f"{RUN}/{each}/x"))}
    assert may_delete == JOBS["FunctionsReuseRole"][1]
    smoke_test = deployment.role("FunctionsSmokeTestRole")
    assert smoke_test.may("s3:GetObject", artifact(deployment, f"{RUN}/evaluate/examples.json"))
    assert not smoke_test.may("s3:GetObject", artifact(deployment, f"{RUN}/evaluate/evaluation.json"))
    assert not analyse.may("s3:PutObject", artifact(deployment, f"{RUN}/tune/job/output/model.tar.gz"))


@pytest.mark.parametrize("name", JOBS)
def test_uploads_are_read_by_ingest_alone_and_written_by_nobody(deployment: Deployment, name: str) -> None:
    role = deployment.role(name)
    data, overrides = upload(deployment, "raw/prod2vec/demo/products.csv"), upload(deployment, "raw/p/demo/run.json")
    for action in ("s3:GetObject", "s3:GetObjectVersion"):
        assert role.may(action, data) == (name == "GlueIngestRole")
        assert role.may(action, overrides) == (name in ("GlueIngestRole", "FunctionsResolveRole"))
    for action in ("s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"):
        assert not role.may(action, data)


@pytest.mark.parametrize("name", SAGEMAKER)
def test_lists_only_below_the_stages_it_reads(deployment: Deployment, name: str) -> None:
    role, bucket = deployment.role(name), deployment.data.arn(deployment.bucket("Artifacts"))
    may = {each for each in STAGES if role.may("s3:ListBucket", bucket, s3__prefix=f"{RUN}/{each}/")}
    assert may == JOBS[name][0]
    assert not role.may("s3:ListBucket", bucket)
    assert not role.may("s3:ListBucket", bucket, s3__prefix="")


@pytest.mark.parametrize("name", SPARK)
def test_spark_may_look_for_files_that_are_not_there_but_only_inside_runs(deployment: Deployment, name: str) -> None:
    role, bucket = deployment.role(name), deployment.data.arn(deployment.bucket("Artifacts"))
    assert role.may("s3:ListBucket", bucket)
    for prefix in (f"{RUN}/{name.removeprefix('Glue').removesuffix('Role').lower()}/baskets/", f"{RUN}/", RUN):
        assert role.may("s3:ListBucket", bucket, s3__prefix=prefix)
    assert not role.may("s3:ListBucket", bucket, s3__prefix="prod2vec/")
    assert not role.may("s3:ListBucket", deployment.data.arn(deployment.bucket("Raw")))


@pytest.mark.parametrize("name", JOBS)
def test_deletes_only_what_it_wrote_as_a_glue_job_or_copied(deployment: Deployment, name: str) -> None:
    role = deployment.role(name)
    may = {each for each in STAGES if role.may("s3:DeleteObject", artifact(deployment, f"{RUN}/{each}/file"))}
    copied = {"ingest", "prepare", "process"} if name == "FunctionsReuseRole" else set()
    assert may == (JOBS[name][1] if name.startswith("Glue") else copied)


def test_every_role_trusts_its_service_for_this_account_only(deployment: Deployment) -> None:
    for name, role in deployment.workflow.resources("AWS::IAM::Role").items():
        [statement] = role["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Principal"]["Service"].endswith(".amazonaws.com"), name
        assert statement["Condition"]["StringEquals"]["aws:SourceAccount"] == "111122223333", name


@pytest.mark.parametrize("name", SAGEMAKER)
def test_jobs_pull_their_image_log_and_measure_and_touch_nothing_else(deployment: Deployment, name: str) -> None:
    role = deployment.role(name)
    repository = "arn:aws:ecr:us-east-1:111122223333:repository/cdk-hnb659fds-container-assets-111122223333-us-east-1"
    assert role.may("ecr:BatchGetImage", repository)
    assert not role.may("ecr:BatchGetImage", repository.replace("cdk-hnb659fds", "other"))
    assert not role.may("ecr:PutImage", repository)
    metrics = {each: role.may("cloudwatch:PutMetricData", cloudwatch__namespace=each) for each in ("AWS/EC2", "Glue")}
    assert not any(metrics.values())
    assert role.may("cloudwatch:PutMetricData", cloudwatch__namespace="/aws/sagemaker/TrainingJobs")
    services = {action.split(":")[0] for each in role.statements() for action in _list(each["Action"])}
    allowed = {"s3", "ecr", "logs", "cloudwatch", *(("kms",) if deployment.environment == "prod" else ())}
    assert services - {"sagemaker"} == allowed
    assert ("sagemaker" in services) == (name == "JobsAnalyse")


@pytest.mark.parametrize("name", JOBS)
def test_no_role_holds_a_wildcard_action_or_more_of_a_service_than_it_must(deployment: Deployment, name: str) -> None:
    anything = {
        "cloudwatch:PutMetricData",
        "ecr:GetAuthorizationToken",
        *("logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:DescribeLogGroups"),
        *("logs:DescribeResourcePolicies", "logs:GetLogDelivery", "logs:ListLogDeliveries"),
        *("logs:PutResourcePolicy", "logs:UpdateLogDelivery"),
        *("xray:GetSamplingRules", "xray:GetSamplingTargets", "xray:PutTelemetryRecords", "xray:PutTraceSegments"),
    }
    for statement in deployment.role(name).statements():
        assert not [each for each in _list(statement["Action"]) if "*" in each]
        if "*" in _list(statement["Resource"]):
            assert set(_list(statement["Action"])) <= anything


@pytest.mark.parametrize("name", JOBS)
def test_the_key_is_used_only_through_the_services_it_protects(prod: Deployment, name: str) -> None:
    role, [key] = prod.role(name), prod.data.resources("AWS::KMS::Key")
    arn = prod.data.arn(key)
    assert not role.may("kms:Decrypt", arn)
    assert role.may("kms:Decrypt", arn, kms__ViaService="s3.us-east-1.amazonaws.com")
    assert not role.may("kms:Decrypt", arn, kms__ViaService="ec2.us-east-1.amazonaws.com")


@pytest.mark.parametrize("name", JOBS)
def test_the_database_secret_is_read_by_the_jobs_that_open_the_database_alone(
    deployment: Deployment, name: str
) -> None:
    role, [secret] = deployment.role(name), deployment.data.resources("AWS::SecretsManager::Secret")
    arn = deployment.data.resolve({"Fn::GetAtt": [secret, "Id"]})
    assert role.may("secretsmanager:GetSecretValue", arn) == (name in DATABASE)
    assert not role.may("secretsmanager:GetSecretValue", f"{arn}-other")
    actions = {action for each in role.statements() for action in _list(each["Action"])}
    assert {each for each in actions if each.startswith("secretsmanager:")} <= {"secretsmanager:GetSecretValue"}
    [job] = [
        each
        for each in deployment.workflow.resources("AWS::Glue::Job").values()
        if each["Name"] == f"trainyard-{deployment.environment}-ingest"
    ]
    assert job["DefaultArguments"]["--DATABASE_SECRET"] == arn


def test_the_key_opens_the_secret_for_those_jobs_alone(prod: Deployment) -> None:
    [key] = prod.data.resources("AWS::KMS::Key")
    through = {"kms__ViaService": "secretsmanager.us-east-1.amazonaws.com"}
    may = {name for name in JOBS if prod.role(name).may("kms:Decrypt", prod.data.arn(key), **through)}
    assert may == set(DATABASE)


def test_ledger_rows_belong_to_resolve_to_the_machine_and_to_what_tells_people(deployment: Deployment) -> None:
    [table] = deployment.data.resources("AWS::DynamoDB::Table")
    rows = {
        "FunctionsResolveRole": "claim/prod2vec/abc",
        "FunctionsReuseRole": "stage/made/prod2vec/ingest/abc",
        "MachineRole": "champion/prod2vec",
        "FunctionsCompareScoresRole": "drift/prod2vec",
        "FunctionsExplainFailureRole": "told/arn:aws:states:us-east-1:111122223333:execution:m:e/FAILED/0",
    }
    for name in JOBS:
        may = {
            key
            for key in rows.values()
            if deployment.role(name).may("dynamodb:PutItem", deployment.data.arn(table), dynamodb__LeadingKeys=[key])
        }
        assert may == ({rows[name]} if name in rows else set())


@pytest.mark.parametrize("name", JOBS)
def test_endpoints_are_called_by_their_test_and_changed_by_the_machine_in_this_environment_alone(
    deployment: Deployment, name: str
) -> None:
    role, prefix = deployment.role(name), "arn:aws:sagemaker:us-east-1:111122223333:endpoint"
    mine, other = f"{prefix}/trainyard-{deployment.environment}-two-tower", f"{prefix}/trainyard-other-two-tower"
    assert role.may("sagemaker:InvokeEndpoint", mine) == (name == "FunctionsSmokeTestRole")
    for verb in ("Create", "Update", "Delete"):
        assert role.may(f"sagemaker:{verb}Endpoint", mine) == (name == "MachineRole")
    assert role.may("sagemaker:DescribeEndpoint", mine) == (name in ("MachineRole", "FunctionsResolveRole"))
    for verb in ("Create", "Update", "Delete", "Describe", "Invoke"):
        assert not role.may(f"sagemaker:{verb}Endpoint", other)
    # An update is judged by the configuration as well.
    assert not role.may("sagemaker:UpdateEndpoint", other.replace("endpoint/", "endpoint-config/"))


@pytest.mark.parametrize("name", JOBS)
def test_alarms_of_endpoints_are_made_by_the_machine_and_seen_by_it_and_the_models(
    deployment: Deployment, name: str
) -> None:
    role, prefix = deployment.role(name), "arn:aws:cloudwatch:us-east-1:111122223333:alarm"
    # With whose rights SageMaker looks, it does not say clearly.
    for action, roles in {"PutMetricAlarm": ("MachineRole",), "DescribeAlarms": ("MachineRole", "JobsModel")}.items():
        for each in alarm_names(f"{prefix}:trainyard-{deployment.environment}-two-tower"):
            assert role.may(f"cloudwatch:{action}", each) == (name in roles)
        assert not role.may(f"cloudwatch:{action}", f"{prefix}:trainyard-other-two-tower-errors")
        assert not role.may(f"cloudwatch:{action}", f"{prefix}:trainyard-{deployment.environment}-workflow-Failed")
    assert not role.may("cloudwatch:DeleteAlarms", f"{prefix}:trainyard-{deployment.environment}-two-tower-errors")


def test_resolve_may_look_at_what_a_decision_is_about_and_change_none_of_it(deployment: Deployment) -> None:
    role, own = deployment.role("FunctionsResolveRole"), f"trainyard-{deployment.environment}"
    prefix = "arn:aws:sagemaker:us-east-1:111122223333:model-package"
    version, other = f"{prefix}/{own}-prod2vec/3", f"{prefix}/trainyard-other-prod2vec/3"
    assert role.may("sagemaker:DescribeModelPackage", version)
    assert role.may("sagemaker:ListModelPackages", f"{prefix}-group/{own}-prod2vec")
    assert not role.may("sagemaker:DescribeModelPackage", other)
    assert role.may("s3:GetObject", artifact(deployment, f"{RUN}/resolve/request.json"))
    assert role.may("s3:GetObject", artifact(deployment, f"{RUN}/evaluate/evaluation.json"))
    assert not role.may("s3:GetObject", artifact(deployment, f"{RUN}/evaluate/examples.json"))
    [table] = deployment.data.resources("AWS::DynamoDB::Table")
    pointer = {"dynamodb__LeadingKeys": ["champion/prod2vec"]}
    assert role.may("dynamodb:GetItem", deployment.data.arn(table), **pointer)
    # Who approves is a person; the machine alone rejects what lost while it waited.
    for name in JOBS:
        assert deployment.role(name).may("sagemaker:UpdateModelPackage", version) == (name == "MachineRole")


def test_failures_are_explained_from_this_machines_history_and_job_logs(deployment: Deployment) -> None:
    role = deployment.role("FunctionsExplainFailureRole")
    mine = f"arn:aws:states:us-east-1:111122223333:execution:trainyard-{deployment.environment}-training:abc"
    assert role.may("states:GetExecutionHistory", mine)
    assert not role.may("states:GetExecutionHistory", mine.replace("-training:", "-other:"))
    # What it was begun with beside what is deployed tells whether a redrive can help.
    assert role.may("states:DescribeStateMachineForExecution", mine)
    machine = mine.replace(":execution:", ":stateMachine:").removesuffix(":abc")
    assert role.may("states:DescribeStateMachine", machine)
    assert not role.may("states:DescribeStateMachine", machine.replace("-training", "-other"))
    own = f"trainyard-{deployment.environment}"
    for group, mine in {
        f"/aws/sagemaker/TrainingJobs:log-stream:{own}-train-x/algo-1": True,
        "/aws/sagemaker/TrainingJobs:log-stream:trainyard-other-train-x/algo-1": False,
        "/aws/sagemaker/TrainingJobs:log-stream:somebody-elses/algo-1": False,
        f"/aws-glue/{own}-prepare/error:log-stream:jr_1": True,
        "/aws-glue/trainyard-other-prepare/error:log-stream:jr_1": False,
        "/aws-glue/jobs/error:log-stream:jr_1": False,
    }.items():
        assert role.may("logs:GetLogEvents", f"arn:aws:logs:us-east-1:111122223333:log-group:{group}") is mine, group
    assert role.may("sns:Publish", deployment.data.arn(next(iter(deployment.data.resources("AWS::SNS::Topic")))))


@pytest.mark.parametrize("name", JOBS)
def test_a_failure_is_left_by_the_jobs_of_glue_and_read_by_what_explains_it(deployment: Deployment, name: str) -> None:
    role, key = deployment.role(name), artifact(deployment, key_of(RUN, "jr_1"))
    assert role.may("s3:PutObject", key) == name.startswith("Glue")
    assert role.may("s3:GetObject", key) == (name == "FunctionsExplainFailureRole")
    assert not role.may("s3:DeleteObject", key)


def test_policies_fit_into_a_role(deployment: Deployment) -> None:
    for name in JOBS:
        text = json.dumps(list(deployment.role(name).statements()), separators=(",", ":"))
        assert len(text) < 10_240, name


def test_the_machines_policy_does_not_grow_with_recipes_and_leaves_room(deployment: Deployment) -> None:
    """At most 65 % of what IAM allows, with the longest name of a region; no recipe is named in it."""
    text = json.dumps(list(deployment.role("MachineRole").statements()), separators=(",", ":"))
    assert len(text.replace("us-east-1", "ap-northeast-1")) < 0.65 * 10_240
    assert not [each for each in recipe.names() if each in text or each.replace("_", "-") in text]


def test_a_wildcard_without_a_reason_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a reason"):
        Permission(sid="Lazy", actions=["s3:GetObject"], resources=["arn:aws:s3:::bucket/*"])
    with pytest.raises(ValueError, match="expected exact actions"):
        Permission(sid="Lazy", actions=["s3:Get*"], resources=["arn:aws:s3:::bucket/x"])


def test_the_evaluator_itself_refuses_and_denies() -> None:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/?/x*"}
    policies = [{"PolicyDocument": {"Statement": [statement]}}]
    role = Role("r", {"Policies": policies})
    assert role.may("s3:GetObject", "arn:aws:s3:::b/1/x/y")
    assert not role.may("s3:GetObject", "arn:aws:s3:::b/12/x")
    assert not role.may("s3:PutObject", "arn:aws:s3:::b/1/x")
    statement["Condition"] = {"StringLike": {"s3:prefix": "a/*"}}
    assert not role.may("s3:GetObject", "arn:aws:s3:::b/1/x")
    assert role.may("s3:GetObject", "arn:aws:s3:::b/1/x", s3__prefix="a/b")
    del statement["Condition"]
    policies[0]["PolicyDocument"]["Statement"].append(statement | {"Effect": "Deny"})
    assert not role.may("s3:GetObject", "arn:aws:s3:::b/1/x")


def _list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
