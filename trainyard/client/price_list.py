"""Reads what machines cost in a region from AWS's public Price List, with your credentials; runs on a laptop."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from trainyard.errors import NotFound

# The Price List answers here for every region.
ENDPOINT_REGION = "us-east-1"
# Behind the short name of a region, such as EUC1; that of us-east-1 may be absent.
MACHINE = re.compile(r"(?:[A-Z0-9]+-)?(?:Train|Processing):(?P<type>ml\.[a-z0-9-]+\.[a-z0-9]+)")
DPU = re.compile(r"(?:[A-Z0-9]+-)?ETL-DPU-Hour")
TRANSITION = re.compile(r"(?:[A-Z0-9]+-)?StateTransition")
# Development endpoints and sessions are counted in DPUs too.
JOB_RUN = "Jobrun"


@dataclass(frozen=True, kw_only=True)
class Product:
    """What is sold under a `usage` type, at `usd` for its unit on demand; `published` is the date of the list."""

    usage: str
    operation: str
    usd: float
    published: str


def read(pricing: Any, region: str) -> Mapping[str, Any]:
    """The prices of a region as prices.json holds them; `pricing` is the client of the Price List.

    A machine has one price for training and processing: the higher one, where they differ. Raises NotFound for a region
    that the list has no such prices of in USD.
    """
    machines: dict[str, float] = {}
    products = [*_products(pricing, "AmazonSageMaker", region=region)]
    for each in products:
        if found := MACHINE.fullmatch(each.usage):
            machines[found["type"]] = max(each.usd, machines.get(found["type"], 0.0))
    glue = [each for each in _products(pricing, "AWSGlue", region=region) if each.operation == JOB_RUN]
    transitions = [*_products(pricing, "AmazonStates", region=region)]
    if not machines:
        raise NotFound(f"Expected prices of SageMaker's machines in {region} in USD, found none; is that a region?")
    published = max(each.published for each in (*products, *glue, *transitions))
    return {
        "written": f"{datetime.now(UTC):%Y-%m-%d}",
        "source": f"AWS Price List, on demand, in USD, as published {published}",
        "glue_dpu_hour": _one(glue, DPU, region=region),
        "step_functions_transition": _one(transitions, TRANSITION, region=region),
        "sagemaker_instance_hour": dict(sorted(machines.items())),
    }


def _one(products: list[Product], usage: re.Pattern[str], *, region: str) -> float:
    found = [each.usd for each in products if usage.fullmatch(each.usage)]
    if not found:
        raise NotFound(f"Expected a price of {usage.pattern} in {region} in USD, found none in AWS's Price List.")
    return max(found)


def _products(pricing: Any, service: str, *, region: str) -> Iterator[Product]:
    """What a service sells in a region for money; what is free, or sold for other money, is left out."""
    pages = pricing.get_paginator("get_products").paginate(
        ServiceCode=service, Filters=[{"Type": "TERM_MATCH", "Field": "regionCode", "Value": region}]
    )
    for page in pages:
        for text in page["PriceList"]:
            document = json.loads(text)
            attributes = document["product"]["attributes"]
            for usd in _on_demand(document):
                yield Product(
                    usage=attributes.get("usagetype", ""),
                    operation=attributes.get("operation", ""),
                    usd=usd,
                    published=document.get("publicationDate", "")[:10],
                )


def _on_demand(document: Mapping[str, Any]) -> Iterator[float]:
    """The prices of a product by the unit: one for each tier of how much is used."""
    for term in document.get("terms", {}).get("OnDemand", {}).values():
        for dimension in term["priceDimensions"].values():
            usd = float(dimension["pricePerUnit"].get("USD", 0))
            if usd > 0:
                yield usd
