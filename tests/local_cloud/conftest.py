"""A real local cloud on a free port, shared by the tests of one worker process."""

from __future__ import annotations

import json
import random
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest

from local_cloud import lifecycle


def free_port() -> int:
    """A loopback port nobody listens on, outside the range that the system gives to outgoing connections.

    A port from that range could be taken by any client of another test while a server restarts on it.
    """
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port


@dataclass
class Cloud:
    """A running local cloud and clients for it."""

    state_dir: Path
    port: int
    cloud: lifecycle.LocalCloud
    _clients: dict[str, Any] = field(default_factory=dict)

    @property
    def endpoint(self) -> str:
        return self.cloud.endpoint

    @property
    def root(self) -> dict[str, str]:
        """The keys of the root user, as boto3 takes them."""
        return {
            "aws_access_key_id": self.cloud.access_key_id,
            "aws_secret_access_key": self.cloud.secret_access_key,
        }

    @property
    def environment(self) -> dict[str, str]:
        """Variables for a process that talks to this cloud as its root user."""
        return lifecycle.environment(self.cloud)

    def client(self, service: str, **credentials: str) -> Any:
        """A boto3 client; root's unless `aws_access_key_id=...` and so on are given."""
        key = json.dumps([service, credentials], sort_keys=True)
        if key not in self._clients:
            keys = credentials or self.root
            self._clients[key] = boto3.session.Session().client(
                service,
                endpoint_url=self.endpoint,
                region_name=self.cloud.region,
                verify=self.cloud.ca_bundle,
                **keys,
            )
        return self._clients[key]

    def role(self, name: str, service: str, statements: list[dict[str, Any]]) -> str:
        """Create a role that `service` may assume and that may do what `statements` say; returns its ARN."""
        trust = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}],
        }
        iam = self.client("iam")
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        policy = {"Version": "2012-10-17", "Statement": statements}
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="granted", PolicyDocument=json.dumps(policy))
        return arn

    def machine(self, name: str, definition: dict[str, Any], role_arn: str, **options: Any) -> str:
        """Create a JSONata state machine; returns its ARN."""
        body = json.dumps({"QueryLanguage": "JSONata", **definition})
        states = self.client("stepfunctions")
        return states.create_state_machine(name=name, definition=body, roleArn=role_arn, **options)["stateMachineArn"]

    def start(self, machine_arn: str, data: Any = None, **options: Any) -> str:
        """Start an execution; returns its ARN."""
        states = self.client("stepfunctions")
        return states.start_execution(stateMachineArn=machine_arn, input=json.dumps(data or {}), **options)[
            "executionArn"
        ]

    def finished(self, execution_arn: str, seconds: float = 30.0) -> dict[str, Any]:
        """Wait until an execution no longer runs; returns its description."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            described = self.client("stepfunctions").describe_execution(executionArn=execution_arn)
            if described["status"] != "RUNNING":
                return described
            time.sleep(0.03)
        raise AssertionError(f"{execution_arn} still runs after {seconds} s: {self.events(execution_arn)}")

    def run(self, machine_arn: str, data: Any = None) -> dict[str, Any]:
        """Start an execution and wait for its end."""
        return self.finished(self.start(machine_arn, data))

    def events(self, execution_arn: str) -> list[dict[str, Any]]:
        """The execution's history."""
        pages = self.client("stepfunctions").get_paginator("get_execution_history")
        return [event for page in pages.paginate(executionArn=execution_arn) for event in page["events"]]

    def restarted(self) -> None:
        """Start the server again on the same state, after it was ended or killed."""
        self.cloud = lifecycle.up(self.state_dir, self.port)
        self._clients.clear()


def start_cloud(state_dir: Path) -> Cloud:
    """Start a local cloud of its own."""
    port = free_port()
    return Cloud(state_dir, port, lifecycle.up(state_dir, port))


@pytest.fixture(scope="session")
def local_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A running local cloud for this worker: `endpoint`, `client(name)`, `environment`, `role(...)`, `machine(...)`."""
    running = start_cloud(tmp_path_factory.mktemp("cloud"))
    yield running
    lifecycle.down(running.state_dir)
