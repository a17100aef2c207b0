"""An update that is in progress: how DescribeEndpoint shows it, and what is said when it broke off; in the server."""

from __future__ import annotations

from typing import Any

from local_cloud.jobs.records import Record
from local_cloud.sagemaker.endpoints.variant import Variant, summary

# Where DescribeEndpoint shows variants, those that answer and those in their shadow.
PRODUCTION, SHADOW = "ProductionVariants", "ShadowProductionVariants"


def summaries(deployment: list[dict[str, Any]], **more: Any) -> Record:
    """The variants of a deployment as DescribeEndpoint shows them, by their member."""
    shown: dict[str, list[Record]] = {PRODUCTION: [], SHADOW: []}
    for variant in (Variant(**each) for each in deployment):
        shown[SHADOW if variant.shadow else PRODUCTION].append({**summary(variant), **more})
    return {member: variants for member, variants in shown.items() if variants}


def shown_pending(pending: Record) -> Record:
    """An update in progress, as DescribeEndpoint shows it."""
    stage = pending["Stage"] or {"Status": "Creating", "StartTime": pending["StartTime"]}
    return {
        "EndpointConfigName": pending["EndpointConfigName"],
        **summaries(pending["Deployment"], VariantStatus=[stage]),
        "StartTime": pending["StartTime"],
    }


def broken_off(record: Record) -> str | None:
    """Why an endpoint serves what it did before an update; None where none was in progress."""
    if not (pending := record.get("Pending")):
        return None
    return (
        f"The local cloud ended before the update to configuration {pending['EndpointConfigName']} was done: all calls "
        f"go to configuration {record['EndpointConfigName']} again."
    )
