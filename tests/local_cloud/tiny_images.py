"""Small images and buckets with which the tests run real jobs on the local cloud."""

from __future__ import annotations

import os
import subprocess
import time
import uuid
from pathlib import Path
from typing import Any

from local_cloud.images.docker import executable

from .conftest import Cloud

HOST = "000000000000.dkr.ecr.us-east-1.amazonaws.com"


def docker(cloud: Cloud, *arguments: str, cwd: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Call the docker command as the CDK CLI does."""
    environment = {**os.environ, **cloud.environment}
    command = [str(executable(cloud.state_dir)), *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, input=stdin, capture_output=True, text=True)


def push(cloud: Cloud, folder: Path, program: str, *, entrypoint: str = '["python3", "/opt/program/main.py"]') -> str:
    """Build and push an image whose program is `program`; returns its URI."""
    repository, tag = "tiny", uuid.uuid4().hex
    ecr = cloud.client("ecr")
    if repository not in [each["repositoryName"] for each in ecr.describe_repositories()["repositories"]]:
        ecr.create_repository(repositoryName=repository)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "main.py").write_text(program)
    (folder / "Dockerfile").write_text(
        f"ARG BASE=python:3.11-slim\nFROM ${{BASE}}\nENV GREETING=hello\nWORKDIR /opt/program\n"
        f"COPY main.py ./\nENTRYPOINT {entrypoint}\n"
    )
    uri = f"{HOST}/{repository}:{tag}"
    for command in (["build", "--tag", tag, "."], ["tag", tag, uri], ["push", uri]):
        done = docker(cloud, *command, cwd=folder)
        assert done.returncode == 0, done.stderr
    return uri


def bucket(cloud: Cloud) -> str:
    """A new bucket."""
    name = f"jobs-{uuid.uuid4().hex[:20]}"
    cloud.client("s3").create_bucket(Bucket=name)
    return name


def statements(bucket_name: str, *, write: str = "*") -> list[dict[str, Any]]:
    """What a job's role needs: its bucket (writing only below `write`), its logs, its image."""
    return [
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{bucket_name}"},
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket_name}/*"},
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket_name}/{write}"},
        {"Effect": "Allow", "Action": ["logs:Create*", "logs:PutLogEvents"], "Resource": "*"},
        {"Effect": "Allow", "Action": ["ecr:Get*", "ecr:Batch*"], "Resource": "*"},
    ]


def unique(prefix: str) -> str:
    """A name nobody else has."""
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def training_request(name: str, *, image: str, role: str, bucket_name: str, **more: Any) -> dict[str, Any]:
    """A complete CreateTrainingJob request."""
    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": {
            "TrainingImage": image,
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "loss", "Regex": r"loss=([-+0-9.e]+);"}],
        },
        "RoleArn": role,
        "OutputDataConfig": {"S3OutputPath": f"s3://{bucket_name}/out"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        **more,
    }


def processing_request(name: str, *, image: str, role: str, **more: Any) -> dict[str, Any]:
    """A complete CreateProcessingJob request."""
    cluster = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10}
    return {
        "ProcessingJobName": name,
        "AppSpecification": {"ImageUri": image},
        "ProcessingResources": {"ClusterConfig": cluster},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        "RoleArn": role,
        **more,
    }


def channel(name: str, uri: str) -> dict[str, Any]:
    """A training channel."""
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}}


def until_ended(cloud: Cloud, kind: str, name: str, *, seconds: float = 30) -> dict[str, Any]:
    """Wait for the end of a "Training", "Processing" or "HyperParameterTuning" job; returns its description."""
    operation = {"Training": "training", "Processing": "processing", "HyperParameterTuning": "hyper_parameter_tuning"}
    describe = getattr(cloud.client("sagemaker"), f"describe_{operation[kind]}_job")
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        described = describe(**{f"{kind}JobName": name})
        if described[f"{kind}JobStatus"] not in {"InProgress", "Stopping"}:
            return described
        time.sleep(0.05)
    raise AssertionError(f"{name} did not end within {seconds} s: {described}")


def log_lines(cloud: Cloud, group: str, job: str) -> list[str]:
    """The lines a job logged."""
    logs = cloud.client("logs")
    streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=job)["logStreams"]
    return [
        event["message"]
        for stream in streams
        for event in logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
    ]
