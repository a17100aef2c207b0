"""Whether an account's quotas let a run and its endpoint through, by the names that Service Quotas has for them.

By name and not by code: each kind of machine has a quota, and a code, of its own. Runs on a laptop.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from trainyard.client.doctor.check import Check, missing, ok, unanswered, unknown
from trainyard.client.doctor.needs import Needs
from trainyard.client.session import Target
from trainyard.contract.config import Deployment, Tuning

SERVERLESS = "Maximum total concurrency that can be allocated across all serverless endpoints"
# Those of the account, then AWS's default of one that the account has no value of.
LISTS = ("list_service_quotas", "list_aws_default_service_quotas")


@dataclass(frozen=True, kw_only=True)
class Quota:
    """A quota by its name; `least` lets one run through, `comfortable` what a run may ask for by default."""

    service: str
    name: str
    least: float
    comfortable: float
    what: str


def wanted(needs: Needs) -> Iterator[Quota]:
    """The quotas that runs of an environment meet."""
    search = float(Tuning.parallel_jobs)
    for machine in needs.processing:
        yield _machines(f"{machine} for processing job usage", 1, what="one run at a time")
    for machine in needs.training:
        yield _machines(f"{machine} for training job usage", search, what="a search trains so many models at a time")
    for machine in needs.spot_training:
        yield _machines(f"{machine} for spot training job usage", search, what="a search trains so many at a time")
    concurrency = float(Deployment.max_concurrency)
    yield Quota(
        service="sagemaker", name=SERVERLESS, least=concurrency, comfortable=concurrency, what="one endpoint takes them"
    )
    glue = ("Max concurrent job runs per account", 1.0), ("Max task DPUs per account", float(needs.glue_workers))
    for name, least in glue:
        yield Quota(service="glue", name=name, least=least, comfortable=least, what="one run at a time")
    yield Quota(service="lambda", name="Concurrent executions", least=10, comfortable=10, what="a new account has 10")


def _machines(name: str, comfortable: float, *, what: str) -> Quota:
    return Quota(service="sagemaker", name=name, least=1, comfortable=comfortable, what=what)


def checks(target: Target, quotas: Sequence[Quota]) -> Iterator[Check]:
    """A check of each; where a list cannot be read, one that says why for all quotas of its service."""
    for service in dict.fromkeys(each.service for each in quotas):
        mine = [each for each in quotas if each.service == service]
        try:
            found = _found(target, service, names={each.name.lower() for each in mine})
        except (ClientError, BotoCoreError) as error:
            yield unanswered(f"{service} quotas", error)
        else:
            yield from (_judged(each, found.get(each.name.lower()), region=target.region) for each in mine)


def _found(target: Target, service: str, *, names: set[str]) -> dict[str, Mapping[str, Any]]:
    """The quotas of some names in small letters. SageMaker has thousands: reading ends when all are there."""
    found: dict[str, Mapping[str, Any]] = {}
    for operation in LISTS:
        for page in target.client("service-quotas").get_paginator(operation).paginate(ServiceCode=service):
            for each in page["Quotas"]:
                if (name := each["QuotaName"].lower()) in names and "Value" in each:
                    found.setdefault(name, each)
            if names <= found.keys():
                return found
    return found


def _judged(quota: Quota, found: Mapping[str, Any] | None, *, region: str) -> Check:
    name = f"quota of {quota.service}"
    if found is None:
        said = f"Service Quotas lists no {quota.name!r} in {region}."
        return unknown(name, said, advice=f"Look for it in the console; at least {quota.least:g} are needed.")
    value = float(found["Value"])
    said = f"{quota.name}: {value:g}."
    if value >= quota.comfortable:
        return ok(name, said)
    advice = (
        f"Ask for {quota.comfortable:g} ({quota.what}): aws service-quotas request-service-quota-increase --region "
        f"{region} --service-code {quota.service} --quota-code {found['QuotaCode']} "
        f"--desired-value {quota.comfortable:g}"
    )
    return ok(name, said, advice=advice) if value >= quota.least else missing(name, said, advice=advice)
