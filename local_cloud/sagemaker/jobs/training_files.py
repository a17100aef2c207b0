"""The files of a training job: /opt/ml/input before it starts, model and output archives after; runs in the server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from local_cloud.jobs.archive import pack
from local_cloud.jobs.execution import Execution
from local_cloud.jobs.records import Record
from local_cloud.jobs.workspace import Workspace
from local_cloud.sagemaker.api.context import Request
from local_cloud.sagemaker.api.errors import invalid, not_implemented

HOST = "algo-1"


def check(request: Request) -> None:
    """Refuse what the local cloud cannot do, and what AWS would refuse beyond the shape of the request."""
    algorithm = request.get("AlgorithmSpecification") or {}
    if not algorithm.get("TrainingImage"):
        raise not_implemented("training without AlgorithmSpecification.TrainingImage")
    resources = request.get("ResourceConfig") or {}
    if resources.get("InstanceCount", 1) != 1 or resources.get("InstanceGroups"):
        raise not_implemented("training on more than one instance")
    condition = request.get("StoppingCondition") or {}
    if request.get("EnableManagedSpotTraining"):
        longest = condition.get("MaxWaitTimeInSeconds")
        if longest is None or longest < condition.get("MaxRuntimeInSeconds", 86_400):
            raise invalid(
                "MaxWaitTimeInSeconds must be given and at least MaxRuntimeInSeconds for managed spot training."
            )
    names = [channel["ChannelName"] for channel in request.get("InputDataConfig", ())]
    if len(set(names)) != len(names):
        raise invalid(f"Channel names must be unique, found {names}.")
    for channel in request.get("InputDataConfig", ()):
        _check_channel(channel, algorithm.get("TrainingInputMode", "File"))


def _check_channel(channel: dict[str, Any], default_mode: str) -> None:
    source = channel["DataSource"].get("S3DataSource")
    if source is None or source["S3DataType"] != "S3Prefix":
        raise not_implemented(f"the channel {channel['ChannelName']!r} from anything but an S3Prefix")
    if source.get("S3DataDistributionType", "FullyReplicated") != "FullyReplicated":
        raise not_implemented("S3DataDistributionType ShardedByS3Key")
    if channel.get("InputMode", default_mode) == "Pipe":
        raise not_implemented("the input mode Pipe")
    if channel.get("CompressionType", "None") != "None" or channel.get("RecordWrapperType", "None") != "None":
        raise not_implemented("CompressionType and RecordWrapperType other than None")


def write_configuration(record: Record, workspace: Workspace) -> None:
    """Make the folders of the container contract and `/opt/ml/input/config/*.json`."""
    for folder in ("model", "output/data", "input/data", "checkpoints"):
        (workspace.ml / folder).mkdir(parents=True, exist_ok=True)
    channels = {
        channel["ChannelName"]: {
            "TrainingInputMode": "File",
            "S3DistributionType": "FullyReplicated",
            "RecordWrapperType": "None",
            **({"ContentType": channel["ContentType"]} if "ContentType" in channel else {}),
        }
        for channel in record.get("InputDataConfig", ())
    }
    instance = (record.get("ResourceConfig") or {}).get("InstanceType", "local")
    group = {"instance_group_name": "homogeneousCluster", "instance_type": instance, "hosts": [HOST]}
    resources = {
        "current_host": HOST,
        "current_instance_type": instance,
        "current_group_name": group["instance_group_name"],
        "hosts": [HOST],
        "instance_groups": [group],
        "network_interface_name": "lo",
    }
    workspace.write_json("/opt/ml/input/config/hyperparameters.json", record.get("HyperParameters", {}))
    workspace.write_json("/opt/ml/input/config/inputdataconfig.json", channels)
    workspace.write_json("/opt/ml/input/config/resourceconfig.json", resources)


def download(record: Record, execution: Execution) -> None:
    """Fetch every channel to /opt/ml/input/data/<channel>."""
    for channel in record.get("InputDataConfig", ()):
        target = execution.workspace.ml / "input" / "data" / channel["ChannelName"]
        execution.storage.download_prefix(channel["DataSource"]["S3DataSource"]["S3Uri"], target)


def upload(record: Record, execution: Execution, *, model: bool) -> None:
    """Store model.tar.gz (where the job earned it) and, if anything is in it, output.tar.gz."""
    artifacts = record["ModelArtifacts"]["S3ModelArtifacts"]
    if model:
        _upload(execution.workspace.ml / "model", artifacts, execution=execution)
    data = execution.workspace.ml / "output" / "data"
    if data.is_dir() and any(data.iterdir()):
        _upload(data, f"{artifacts.rpartition('/')[0]}/output.tar.gz", execution=execution)


def _upload(directory: Path, uri: str, *, execution: Execution) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    archive = execution.workspace.tmp / uri.rpartition("/")[2]
    pack(directory, archive)
    execution.storage.upload_file(archive, uri)
