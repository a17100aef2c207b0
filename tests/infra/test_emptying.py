"""Where no data is kept, a stack empties its buckets and model groups when it is deleted; elsewhere nothing does."""

from __future__ import annotations

from tests.infra.templates import Deployment, Role

KIND = "Custom::Contents"


def test_every_bucket_and_group_is_emptied_before_it_is_deleted(dev: Deployment) -> None:
    for stack, kind, given in (
        (dev.data, "AWS::S3::Bucket", "Buckets"),
        (dev.workflow, "AWS::SageMaker::ModelPackageGroup", "Groups"),
    ):
        [(name, resource)] = [(n, r) for n, r in stack.template["Resources"].items() if r["Type"] == KIND]
        emptied = stack.resources(KIND)[name][given]
        held = stack.resources(kind)
        assert set(emptied) == (
            {each["ModelPackageGroupName"] for each in held.values()} if given == "Groups" else {*held}
        )
        assert set(held) <= set(resource["DependsOn"])


def test_where_data_is_kept_nothing_may_empty_it(prod: Deployment) -> None:
    for stack in prod.stacks:
        assert stack.resources(KIND) == {}
        functions = stack.resources("AWS::Lambda::Function").values()
        assert not any(each["Handler"] == "lambdas.empty.handler" for each in functions)


def test_it_may_delete_in_the_environments_own_buckets_and_groups_only(dev: Deployment) -> None:
    [role] = [Role(n, each) for n, each in dev.data.resources("AWS::IAM::Role").items() if "Emptying" in n]
    own = f"arn:aws:s3:::{dev.bucket('Artifacts')}"
    package = "arn:aws:sagemaker:us-east-1:111122223333:model-package/trainyard-{}-prod2vec/1"
    assert role.may("s3:DeleteObjectVersion", f"{own}/prod2vec/run/train/model.tar.gz")
    assert role.may("s3:PutBucketPolicy", own)
    assert not role.may("s3:DeleteObjectVersion", "arn:aws:s3:::other/model.tar.gz")
    assert role.may("sagemaker:DeleteModelPackage", package.format("dev"))
    assert not role.may("sagemaker:DeleteModelPackage", package.format("prod"))
    assert not role.may("s3:GetObject", f"{own}/raw/file.csv")
