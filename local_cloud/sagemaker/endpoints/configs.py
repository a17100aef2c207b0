"""Endpoint configurations of the local SageMaker; runs in the server."""

from __future__ import annotations

from local_cloud.jobs.records import Record
from local_cloud.sagemaker.api.errors import invalid, not_found, refuse
from local_cloud.sagemaker.api.kinds import ENDPOINT_CONFIG, MODEL
from local_cloud.sagemaker.api.named import Named

# What a configuration may ask of AWS but not of a laptop.
UNSUPPORTED = ("AsyncInferenceConfig", "DataCaptureConfig", "ExplainerConfig", "ShadowProductionVariants")


class EndpointConfigs(Named):
    """SageMaker's endpoint configurations."""

    kind = ENDPOINT_CONFIG

    def more(self, record: Record) -> Record:
        refuse(record, *UNSUPPORTED)
        names = [variant["VariantName"] for variant in record["ProductionVariants"]]
        if len(set(names)) < len(names):
            raise invalid(f"Expected variants with different names, found {', '.join(names)}.")
        for variant in record["ProductionVariants"]:
            self._check(variant)
        return {}

    def _check(self, variant: Record) -> None:
        refuse(variant, "CoreDumpConfig", "ManagedInstanceScaling", "RoutingConfig")
        name, serverless = variant.get("ModelName"), variant.get("ServerlessConfig")
        model = self.context.records[MODEL].get(name or "")
        if model is None:
            raise not_found(MODEL.title, MODEL.arn(name or ""))
        if bool(serverless) == bool(variant.get("InstanceType")):
            raise invalid(f"Expected either ServerlessConfig or InstanceType in variant {variant['VariantName']}.")
        if serverless and model.get("EnableNetworkIsolation"):
            raise invalid(f"Network isolation, which model {name} asks for, is not supported for serverless inference.")
