"""Endpoint configurations of the local SageMaker; runs in the server."""

from __future__ import annotations

from collections.abc import Sequence

from local_cloud.jobs.records import Record
from local_cloud.sagemaker.api.errors import invalid, not_found, refuse
from local_cloud.sagemaker.api.kinds import ENDPOINT_CONFIG, MODEL
from local_cloud.sagemaker.api.named import Named

# What a configuration may ask of AWS but not of a laptop.
UNSUPPORTED = ("AsyncInferenceConfig", "DataCaptureConfig", "ExplainerConfig")


class EndpointConfigs(Named):
    """SageMaker's endpoint configurations."""

    kind = ENDPOINT_CONFIG

    def more(self, record: Record) -> Record:
        refuse(record, *UNSUPPORTED)
        production, shadows = record["ProductionVariants"], record.get("ShadowProductionVariants") or []
        names = [variant["VariantName"] for variant in (*production, *shadows)]
        if len(set(names)) < len(names):
            raise invalid(f"Expected variants with different names, found {', '.join(names)}.")
        for variant in (*production, *shadows):
            self._check(variant)
        if shadows:
            _check_shadows(shadows, production=production)
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


def _check_shadows(shadows: Sequence[Record], *, production: Sequence[Record]) -> None:
    if len(shadows) > 1 or len(production) > 1:
        raise invalid(
            "Expected one variant in ShadowProductionVariants beside one in ProductionVariants, found "
            f"{len(shadows)} beside {len(production)}."
        )
    if serverless := [each["VariantName"] for each in (*production, *shadows) if each.get("ServerlessConfig")]:
        raise invalid(
            "Expected variants on instances where there are ShadowProductionVariants, found ServerlessConfig in "
            f"variant {', '.join(serverless)}."
        )
    if not production[0].get("InitialVariantWeight", 1.0):
        raise invalid(
            "Expected an InitialVariantWeight above 0 beside ShadowProductionVariants, which get copies in proportion "
            f"to it, found 0 in variant {production[0]['VariantName']}."
        )
