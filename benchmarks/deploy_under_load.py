"""Calls an endpoint without a pause while it gets a new version: failed requests, and latency before, during and after.

It needs a deployed workflow (`trainyard up`, `trainyard deploy`) with a model of the recipe; it makes an endpoint of
its own and takes it away again:

    python -m benchmarks.deploy_under_load --recipe prod2vec
    python -m benchmarks.deploy_under_load --rollout canary --wait 20
    python -m benchmarks.deploy_under_load --rollout canary --wait 20 --bad
    python -m benchmarks.deploy_under_load --shadow

`--rollout` moves the requests step by step while alarms are watched. With `--bad` the new version starts well and fails
every request, so that an alarm has to send them back; the failures that callers see until then are counted. With
`--shadow` the same model goes on, and what arrives is the newest one in its shadow: `before` is without it.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from benchmarks import rolled_out
from trainyard.cli.command import target
from trainyard.client.deployment import Deployment
from trainyard.client.model import endpoints
from trainyard.client.model.endpoints import RUN_OF_MODEL
from trainyard.client.run import artifacts
from trainyard.errors import NotFound, TrainyardError
from trainyard.run.naming import alarm_names
from trainyard.run.stage import Stage
from trainyard.serving.examples import EXAMPLES_FILE

ENDPOINT = "load-test"
PHASES = ("before", "during", "after")
POLL_SECONDS = 0.2
START_SECONDS = 900.0
# Ends the names of configurations, by which metrics tell this run from earlier ones.
STARTED = int(time.time())
# SageMaker hands over what it counted once a minute.
METRIC_SECONDS = 65.0


@dataclass
class Traffic:
    """What the callers saw in each phase, and why the new version was taken back."""

    phase: str = PHASES[0]
    seconds: dict[str, list[float]] = field(default_factory=lambda: {each: [] for each in PHASES})
    answers: dict[str, Counter[bytes]] = field(default_factory=lambda: {each: Counter() for each in PHASES})
    failures: dict[str, list[str]] = field(default_factory=lambda: {each: [] for each in PHASES})
    stop: threading.Event = field(default_factory=threading.Event)
    taken_back: str = ""


@dataclass(frozen=True, kw_only=True)
class Load:
    """How many call, for how long before and after the update, and whether the new version is to be taken back."""

    connections: int
    seconds: float
    bad: bool


def main() -> None:
    """Print one row per phase; ends with 1 when a request failed that should not, or no alarm took a bad one back."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="prod2vec")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=10.0, help="how long to call before and after the update")
    parser.add_argument("--env", default="dev")
    parser.add_argument("--aws", action="store_true", help="on AWS even while a local cloud is up")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--rollout", choices=("canary", "linear"), help="move the requests step by step")
    kind.add_argument("--shadow", action="store_true", help="with a model in the shadow of one that stays; local only")
    parser.add_argument("--wait", type=int, default=20, help="seconds for which alarms are watched after each step")
    parser.add_argument("--bad", action="store_true", help="with a new version that fails every request")
    options = parser.parse_args()
    if options.bad and not options.rollout:
        parser.error("Expected --rollout with --bad: nothing takes a version back that gets all requests at once.")
    deployment = target.deployed(env=options.env, aws=options.aws)
    if options.shadow and not deployment.target.local:
        parser.error("Expected a local cloud with --shadow: AWS counts copies by configuration during updates only.")
    models = _models(deployment, options.recipe)
    body = _request(deployment, options.recipe, model=models[0])
    name = f"{deployment.name}-{ENDPOINT}"
    print(f"{options.connections} connections call {name} on {deployment.target.name};")
    with ExitStack() as stack:
        if options.bad:
            models[-1] = stack.enter_context(rolled_out.bad_model(deployment, models[-1]))
            body = rolled_out.request(body)
        shadow = models[-1] if options.shadow else ""
        if shadow:
            models = [models[0], models[0]]
        print(f"it goes from {models[0]} to {models[-1]}{f' with {shadow} in its shadow' if shadow else ''}.")
        stack.enter_context(_endpoint(deployment, name, models=models, shadow=shadow))
        steps = {}
        if options.rollout:
            stack.enter_context(rolled_out.alarms(deployment, name, configuration=_configuration(name, 1)))
            steps = {"DeploymentConfig": rolled_out.config(options.rollout, name, wait_seconds=options.wait)}
        load = Load(connections=options.connections, seconds=options.seconds, bad=options.bad)
        traffic = _drive(deployment, name, body=body, load=load, steps=steps)
    _print(traffic, options.seconds)
    if shadow:
        _print_copies(deployment, name)
    failed = {phase for phase in PHASES if traffic.failures[phase]}
    # Taken back for another reason, such as a start that failed, it says nothing of the alarms.
    rang = any(each in traffic.taken_back for each in alarm_names(name))
    raise SystemExit(not rang or bool(failed - {"during"}) if options.bad else bool(failed))


def _models(deployment: Deployment, recipe: str) -> list[str]:
    """Two models of the recipe, the older one first; one twice where there is only one. Raises NotFound."""
    sagemaker = deployment.target.client("sagemaker")
    pages = sagemaker.get_paginator("list_models").paginate(SortBy="CreationTime", SortOrder="Descending")
    found = [
        each["ModelName"]
        for page in pages
        for each in page["Models"]
        if _recipe_of(sagemaker.describe_model(ModelName=each["ModelName"])) == recipe
    ]
    if not found:
        raise NotFound(f"Expected a registered model of {recipe}, found none; make one with `trainyard run {recipe}`.")
    return [found[min(1, len(found) - 1)], found[0]]


def _recipe_of(model: dict[str, Any]) -> str:
    return str(model["PrimaryContainer"].get("Environment", {}).get("TRAINYARD_RECIPE", ""))


def _request(deployment: Deployment, recipe: str, *, model: str) -> bytes:
    """The first request kept with a model."""
    run = RUN_OF_MODEL.fullmatch(model)
    kept = artifacts.of_run(deployment, recipe, run_id=run[1] if run else "").json(Stage.EVALUATE, EXAMPLES_FILE)
    if kept is None:
        raise NotFound(f"Expected {EXAMPLES_FILE} kept with model {model}, found none; train the model again.")
    return json.dumps(kept["requests"][0]).encode()


@contextmanager
def _endpoint(deployment: Deployment, name: str, *, models: list[str], shadow: str) -> Iterator[None]:
    """An endpoint that serves the first model, and a configuration for each; all gone in the end.

    A model in the `shadow` comes with the second configuration, and gets copies of all requests.
    """
    sagemaker = deployment.target.client("sagemaker")
    for number, model in enumerate(models):
        variant = {
            "VariantName": "model",
            "ModelName": model,
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": rolled_out.INSTANCES,
            "InitialVariantWeight": 1.0,
        }
        beside = {**variant, "VariantName": "shadow", "ModelName": shadow}
        shadows = {"ShadowProductionVariants": [beside]} if shadow and number else {}
        sagemaker.create_endpoint_config(
            EndpointConfigName=_configuration(name, number), ProductionVariants=[variant], **shadows
        )
    try:
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=_configuration(name, 0))
        if reason := _awaited(deployment, name):
            raise TrainyardError(f"Expected {name} in service, found: {reason}")
        yield
    finally:
        endpoints.remove(deployment, name, tell=print)


def _configuration(name: str, number: int) -> str:
    return f"{name}-{STARTED + number:08x}"


def _awaited(deployment: Deployment, name: str) -> str:
    """Wait until the endpoint is in service; returns why it is not with what it was to get, empty if it is."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        found = endpoints.described(deployment, name)
        if found.status == "InService":
            return found.reason
        if found.status == "Failed":
            raise TrainyardError(f"Expected {name} in service, found it {found.status}: {found.reason}")
        time.sleep(POLL_SECONDS)
    raise TrainyardError(f"Expected {name} in service within {START_SECONDS:.0f} seconds.")


def _drive(deployment: Deployment, name: str, *, body: bytes, load: Load, steps: dict[str, Any]) -> Traffic:
    traffic = Traffic()
    runtime = _runtime(deployment, load.connections)
    given = {"body": body, "traffic": traffic}
    callers = [threading.Thread(target=_call, args=(runtime, name), kwargs=given) for _ in range(load.connections)]
    for each in callers:
        each.start()
    try:
        time.sleep(load.seconds)
        traffic.phase = "during"
        sagemaker = deployment.target.client("sagemaker")
        sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=_configuration(name, 1), **steps)
        started = time.perf_counter()
        traffic.taken_back = _awaited(deployment, name)
        print(f"The update took {time.perf_counter() - started:.1f} s.")
        if traffic.taken_back and not load.bad:
            raise TrainyardError(f"Expected the new version in service, found: {traffic.taken_back}")
        # Calls that began before are still answered by the version that left.
        time.sleep(POLL_SECONDS)
        traffic.phase = "after"
        time.sleep(load.seconds)
    finally:
        traffic.stop.set()
        for each in callers:
            each.join()
    return traffic


def _runtime(deployment: Deployment, connections: int) -> Any:
    """A client that never tries again: a failed request must be seen."""
    found = deployment.target
    make: Any = found.session.client
    config = Config(retries={"total_max_attempts": 1}, max_pool_connections=connections, read_timeout=70)
    return make(
        "sagemaker-runtime",
        region_name=found.region,
        endpoint_url=found.endpoint,
        verify=found.ca_bundle,
        config=config,
    )


def _call(runtime: Any, name: str, *, body: bytes, traffic: Traffic) -> None:
    while not traffic.stop.is_set():
        phase, started = traffic.phase, time.perf_counter()
        try:
            answer = runtime.invoke_endpoint(EndpointName=name, Body=body, ContentType="application/json")
            traffic.answers[phase][answer["Body"].read()] += 1
        except (ClientError, BotoCoreError) as error:
            traffic.failures[phase].append(str(error))
        traffic.seconds[phase].append(time.perf_counter() - started)


def _print(traffic: Traffic, seconds: float) -> None:
    print(f"{'phase':8}{'requests':>9}{'failed':>8}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}  different answers")
    for phase in PHASES:
        measured = 1000 * np.array(traffic.seconds[phase] or [np.nan])
        figures = (np.percentile(measured, 50), np.percentile(measured, 99), measured.max())
        shown = "".join(f"{each:9.1f}" for each in figures)
        counts = f"{len(traffic.seconds[phase]):9}{len(traffic.failures[phase]):8}"
        print(f"{phase:8}{counts}{shown}  {len(traffic.answers[phase])}")
    if traffic.taken_back:
        print(f"Taken back: {traffic.taken_back}")
    print(f"Before: {len(traffic.seconds['before']) / seconds:.0f} requests per second; the callers are threads of one")
    print("Python process on the same machine, so these are rates of the pair, not of the service alone.")
    for each in [reason for phase in PHASES for reason in traffic.failures[phase]][:5]:
        print(f"FAILED: {each}")


def _print_copies(deployment: Deployment, name: str) -> None:
    """What came of the copies, by the metrics of the second configuration; its endpoint is gone by now."""
    print(f"Waiting {METRIC_SECONDS:.0f} s for the metrics of the copies.")
    time.sleep(METRIC_SECONDS)
    requests, answered = (_invocations(deployment, name, variant=variant) for variant in ("model", "shadow"))
    print(f"In the shadow: copies of {answered} of {requests} requests were answered, {requests - answered} dropped.")


def _invocations(deployment: Deployment, name: str, *, variant: str) -> int:
    fleet = {"EndpointName": name, "VariantName": variant, "EndpointConfigName": _configuration(name, 1)}
    points = deployment.target.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName="Invocations",
        Dimensions=[{"Name": key, "Value": value} for key, value in fleet.items()],
        Period=60,
        Statistics=["Sum"],
        StartTime=STARTED - METRIC_SECONDS,
        EndTime=time.time() + METRIC_SECONDS,
    )["Datapoints"]
    total: float = sum(each["Sum"] for each in points)
    return round(total)


if __name__ == "__main__":
    main()
