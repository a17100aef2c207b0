"""Endpoints of the local SageMaker: created, updated without a failed call, deleted, resumed; runs in the server."""

from __future__ import annotations

import contextvars
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import urllib3

from local_cloud.jobs.execution import failure_reason
from local_cloud.jobs.records import Record
from local_cloud.sagemaker.api import events
from local_cloud.sagemaker.api.context import Context, Request
from local_cloud.sagemaker.api.errors import ServiceError, invalid, refuse
from local_cloud.sagemaker.api.kinds import ENDPOINT
from local_cloud.sagemaker.api.named import Named
from local_cloud.sagemaker.endpoints.fleet import Fleet, launch
from local_cloud.sagemaker.endpoints.metrics import CallMetrics
from local_cloud.sagemaker.endpoints.pending import PRODUCTION, SHADOW, broken_off, shown_pending, summaries
from local_cloud.sagemaker.endpoints.rollout import RollOut, roll_out_of
from local_cloud.sagemaker.endpoints.server import ModelServer
from local_cloud.sagemaker.endpoints.traffic import Traffic
from local_cloud.sagemaker.endpoints.variant import Variant, variants_of
from trainyard.errors import TrainyardError

logger = logging.getLogger("trainyard.sagemaker")

UNSUPPORTED = ("ExcludeRetainedVariantProperties", "RetainAllVariantProperties", "RetainDeploymentConfig")
# What an endpoint that was in one of these states does when the server starts again.
ALIVE = {"Creating", "Updating", "InService", "SystemUpdating"}
HEALTH_PAUSE_SECONDS = 0.1
END_SECONDS = 10.0
EVENT = "SageMaker Endpoint State Change"


class Endpoints(Named):
    """SageMaker's endpoints. Each runs its containers as processes of this machine; calls come in by `reserve`."""

    kind = ENDPOINT
    listed = ("CreationTime", "LastModifiedTime", "EndpointStatus")

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._traffic: dict[str, Traffic] = {}
        self.metrics = CallMetrics()
        # Guards every change of status, and which fleet gets the next call.
        self._deciding = threading.RLock()

    def create(self, request: Request) -> Record:
        """CreateEndpoint: answers at once; the containers start in a thread."""
        refuse(request, *UNSUPPORTED, "DeploymentConfig")
        created = super().create(request)
        self._work(request["EndpointName"], self._deploy)
        return created

    def more(self, record: Record) -> Record:
        deployment = self._deployment(record["EndpointConfigName"])
        return {"EndpointStatus": "Creating", "Deployment": deployment}

    def update(self, request: Request) -> Record:
        """UpdateEndpoint: the new containers start beside the old ones; calls move to them when they are ready.

        All at once, or in the steps of a DeploymentConfig, back from which alarms call them.
        """
        refuse(request, *UNSUPPORTED)
        name = request["EndpointName"]
        deployment, config = self._deployment(request["EndpointConfigName"]), request.get("DeploymentConfig")
        roll_out = roll_out_of(config, [Variant(**each) for each in deployment])
        with self._deciding:
            record = self._settled(request)
            if _on_instances(record["Deployment"]) and not _on_instances(deployment):
                raise invalid("Cannot update an endpoint from instance-based to serverless.")
            if record["EndpointStatus"] != "InService":
                raise invalid(f'Cannot update endpoint "{record["EndpointArn"]}" in status {record["EndpointStatus"]}.')
            following = {"EndpointConfigName": request["EndpointConfigName"], "Deployment": deployment}
            pending = {**following, "StartTime": time.time(), "Stage": None}
            self._status(name, "Updating", FailureReason=None, Pending=pending, LastDeploymentConfig=config)
        self._work(name, lambda each: self._replace(each, following, roll_out=roll_out))
        return {"EndpointArn": record["EndpointArn"]}

    def delete(self, request: Request) -> Record:
        """DeleteEndpoint: calls in progress are answered, then the containers end."""
        with self._deciding:
            self._settled(request)
            self._status(request["EndpointName"], "Deleting")
        self._work(request["EndpointName"], self._remove)
        return {}

    def describe(self, request: Request) -> Record:
        """DescribeEndpoint."""
        record = self.require(request)
        shown = {**super().describe(request), **summaries(record["Deployment"])}
        if pending := record.get("Pending"):
            shown["PendingDeploymentSummary"] = shown_pending(pending)
        return shown if record["EndpointStatus"] in {"InService", "Updating", "SystemUpdating"} else _without(shown)

    def reserve(self, name: str, target: str) -> ModelServer:
        """A server for one call, which the caller must `leave`; raises `ServiceError` when the endpoint has none."""
        with self._deciding:
            traffic = self._traffic.get(name)
            if traffic is not None:
                return traffic.reserve(target)
            record = self.records.get(name)
        if record is not None and record["EndpointStatus"] == "SystemUpdating":
            raise ServiceError("ServiceUnavailable", f"Endpoint {name} is starting again; try again.", status=503)
        account = self.kind.arn(name).split(":")[4]
        raise ServiceError("ValidationError", f"Endpoint {name} of account {account} not found.")

    def resume(self) -> None:
        """Start the containers that an earlier server was running, as soon as this one answers."""
        names = []
        for record in self.records:
            name = record["EndpointName"]
            if record["EndpointStatus"] == "Deleting":
                self.forget(name)
            elif record["EndpointStatus"] in ALIVE:
                self._status(name, "SystemUpdating", Pending=None, FailureReason=broken_off(record))
                names.append(name)
        for name in names:
            self._work(name, self._resume)

    def end(self) -> None:
        """Tell all containers to end with the server; what has not after some seconds is killed by the caller."""
        servers = [server for traffic in self._traffic.values() for server in traffic.servers]
        for server in servers:
            server.stop()
        deadline = time.monotonic() + END_SECONDS
        for server in servers:
            server.ended(deadline - time.monotonic())

    def _deployment(self, config_name: str) -> list[dict[str, Any]]:
        return [asdict(each) for each in variants_of(self.context, config_name)]

    def _settled(self, request: Request) -> Record:
        record = self.require(request)
        if record["EndpointStatus"] not in {"InService", "Failed"}:
            raise invalid(f'Cannot update in-progress endpoint "{record["EndpointArn"]}".')
        return record

    def _deploy(self, name: str) -> None:
        record = self.records.get(name) or {}
        try:
            fleet = self._launch(name, record["Deployment"])
        except TrainyardError as error:
            self._status(name, "Failed", FailureReason=failure_reason(str(error)))
            return
        with self._deciding:
            self._traffic[name] = Traffic(fleet)
            # Why an update broke off when the last server ended stays to be read.
            self._status(name, "InService", FailureReason=record.get("FailureReason"))

    def _replace(self, name: str, following: Record, *, roll_out: RollOut) -> None:
        try:
            fleet = self._launch(name, following["Deployment"])
        except TrainyardError as error:
            # As AWS does: the endpoint goes on with what it had, and says why.
            self._status(name, "InService", FailureReason=failure_reason(str(error)), Pending=None)
            return
        traffic = self._traffic[name]
        try:
            reason = roll_out.carry_out(
                lambda share: traffic.move(fleet, share),
                tell=lambda status, sentence: self._stage(name, status, sentence=sentence),
                judge=self.metrics.judge,
                ended=lambda: self.context.closing,
            )
        except Exception as error:
            # A defect of ours must not leave the calls split.
            logger.exception("The roll-out of endpoint %s met a defect of the local cloud", name)
            reason = f"InternalServerError: {error}"
        with self._deciding:
            if reason:
                traffic.back()
                self._status(name, "InService", FailureReason=failure_reason(reason), Pending=None)
            else:
                fleet = traffic.settle()
                self._status(name, "InService", FailureReason=None, Pending=None, **following)
        fleet.close()

    def _stage(self, name: str, status: str, *, sentence: str) -> None:
        """What DescribeEndpoint says of the fleet that arrives."""
        record = self.records.get(name)
        if record and record.get("Pending") and not self.context.closing:
            stage = {"Status": status, "StatusMessage": sentence, "StartTime": time.time()}
            self.records.update(name, Pending={**record["Pending"], "Stage": stage})

    def _resume(self, name: str) -> None:
        _await_health(self.context)
        self._deploy(name)

    def _remove(self, name: str) -> None:
        with self._deciding:
            traffic = self._traffic.pop(name, None)
        if traffic is not None:
            traffic.fleet.close()
        self.forget(name)

    def _launch(self, name: str, deployment: list[dict[str, Any]]) -> Fleet:
        return launch(name, [Variant(**each) for each in deployment], context=self.context, metrics=self.metrics)

    def _status(self, name: str, status: str, **changes: Any) -> None:
        # What fails because the server ends has not failed: the next server resumes it.
        if self.context.closing:
            return
        with self._deciding:
            record = self.records.update(name, EndpointStatus=status, LastModifiedTime=time.time(), **changes)
        detail = {**self.describe({"EndpointName": name}), "EndpointStatus": EVENT_STATUS[status]}
        events.announce(EVENT, record["EndpointArn"], description=detail)

    def _work(self, name: str, action: Callable[[str], None]) -> None:
        """Do something slow for an endpoint in a thread that acts for the caller's account and region."""

        def run() -> None:
            try:
                action(name)
            except Exception as error:
                logger.exception("Endpoint %s met a defect of the local cloud", name)
                self._status(name, "Failed", FailureReason=failure_reason(f"InternalServerError: {error}"))

        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(run,), name=f"endpoint-{name}", daemon=True).start()


EVENT_STATUS = {
    "Creating": "CREATING",
    "Updating": "UPDATING",
    "SystemUpdating": "SYSTEM_UPDATING",
    "InService": "IN_SERVICE",
    "Failed": "FAILED",
    "Deleting": "DELETING",
}


def _on_instances(deployment: list[dict[str, Any]]) -> bool:
    return any(not each["serverless"] for each in deployment)


def _without(shown: Record) -> Record:
    """An endpoint that serves nothing has no variants to show."""
    return {member: value for member, value in shown.items() if member not in {PRODUCTION, SHADOW}}


def _await_health(context: Context) -> None:
    """Wait until this server answers: containers fetch their models from it."""
    pool = urllib3.PoolManager(ca_certs=context.settings.ca_bundle or None)
    while not context.closing:
        try:
            url = f"{context.settings.endpoint}/_ministack/health"
            if pool.request("GET", url, timeout=2.0, retries=False).status == 200:
                return
        except urllib3.exceptions.HTTPError:
            time.sleep(HEALTH_PAUSE_SECONDS)
