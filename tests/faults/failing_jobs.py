"""Jobs that are made to fail on a local cloud, and what people are told about them: by message and by `show`."""

from __future__ import annotations

import dataclasses
import io
import json
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from recipes.prod2vec.config import CONFIG
from tests.local_cloud.conftest import Cloud
from tests.local_cloud.tiny_images import bucket, statements, unique
from trainyard.cli.execution_view.failure import print_failure
from trainyard.client import session
from trainyard.client.deployment import Deployment
from trainyard.client.execution.executions import describe
from trainyard.client.execution.history import visits
from trainyard.contract.config import to_mapping
from trainyard.run.run import InputFile, Run
from trainyard.run.stage import Stage
from trainyard.run.store import RunStore
from trainyard.stages.explain_failure.message import Message, explain

ROOT = Path(__file__).parents[2]
RUN_ID = "20261121-020304-abcdef12"
ENDED = {"SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT"}
# Somebody who waits on a busy machine.
PATIENCE_SECONDS = 90.0


@dataclasses.dataclass
class Yard:
    """A local cloud with a run in it, and a role that may do whatever the tests' jobs do."""

    cloud: Cloud
    bucket: str
    role: str
    store: RunStore

    @classmethod
    def on(cls, cloud: Cloud) -> Yard:
        name = bucket(cloud)
        s3 = cloud.client("s3")
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        more = [{"Effect": "Allow", "Action": ["s3:*", "secretsmanager:*", "lambda:*"], "Resource": "*"}]
        role = cloud.role(unique("worker"), "glue.amazonaws.com", [*statements(name), *more])
        run = Run(
            recipe="prod2vec",
            run_id=RUN_ID,
            dataset="mine",
            execution_arn="arn:aws:states:us-east-1:000000000000:execution:training:e1",
            raw_bucket=name,
            artifacts_bucket=name,
            fingerprint="f",
            code_version="c",
            files=(),
            config=to_mapping(CONFIG),
        )
        return cls(cloud, name, role, RunStore(s3, run))

    @property
    def plan(self) -> dict[str, str]:
        run = self.store.run
        return {"outcome": "train", "recipe": run.recipe, "dataset": run.dataset, "run_id": run.run_id}

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.store.run.prefix}"

    def new_run(self, **changes: Any) -> None:
        """Write the request of a run; `changes` are fields of it."""
        self.store = RunStore(self.store.client, dataclasses.replace(self.store.run, **changes))
        self.store.write_document(Stage.RESOLVE, self.store.run)

    def upload(self, name: str, data: bytes) -> InputFile:
        key = f"raw/prod2vec/mine/{name}"
        version = self.store.client.put_object(Bucket=self.bucket, Key=key, Body=data)["VersionId"]
        return InputFile(source="products", key=key, version_id=version, size=len(data))

    def secret(self, text: str) -> str:
        name = unique("secret")
        self.cloud.client("secretsmanager").create_secret(Name=name, SecretString=text)
        return name

    def glue_job(self, script: str | Path, **more: Any) -> str:
        """A job whose script is one of the shells, or the text of a script."""
        name = unique("job")
        text = script.read_text(encoding="utf-8") if isinstance(script, Path) else script
        self.store.client.put_object(Bucket=self.bucket, Key=f"{name}.py", Body=text.encode())
        command = {"Name": "glueetl", "ScriptLocation": f"s3://{self.bucket}/{name}.py", "PythonVersion": "3"}
        given = {"--ENGINE": "duckdb", **more.pop("arguments", {})}
        self.cloud.client("glue").create_job(
            Name=name, Role=self.role, Command=command, DefaultArguments=given, GlueVersion="5.1", **more
        )
        return name

    def machine_role(self) -> str:
        allowed = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
        return self.cloud.role(unique("machine"), "states.amazonaws.com", allowed)

    def machine(self, states: Mapping[str, Any]) -> str:
        """A machine that begins with the plan of the run, as the workflow's does, and goes on with `states`."""
        first = {"Type": "Pass", "Output": self.plan, "Next": next(iter(states))}
        definition = {"StartAt": "Resolve request", "States": {"Resolve request": first, **states}}
        return self.cloud.machine(unique("m"), definition, self.machine_role())

    def glue_state(self, job: str, **arguments: str) -> dict[str, Any]:
        given = {"--RUN_URI": self.uri, **{f"--{name}": value for name, value in arguments.items()}}
        return {
            "Type": "Task",
            "Resource": "arn:aws:states:::glue:startJobRun.sync",
            "Arguments": {"JobName": job, "Arguments": given},
            "End": True,
        }

    def failed(self, machine: str, data: Any = None) -> str:
        """The ARN of an execution of this machine that has ended badly."""
        execution = self.cloud.start(machine, data)
        described = self.cloud.finished(execution, PATIENCE_SECONDS)
        assert described["status"] != "SUCCEEDED", described
        return execution

    def fail_in_glue(self, job: str, **arguments: str) -> str:
        return self.failed(self.machine({"Ingest raw data": self.glue_state(job, **arguments)}))

    def submitted(self, execution: str) -> dict[str, Any]:
        """What the service answered about the job that a running execution waits for."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            for event in self.cloud.events(execution):
                if event["type"] == "TaskSubmitted":
                    answer: dict[str, Any] = json.loads(event["taskSubmittedEventDetails"]["output"])
                    return answer
            time.sleep(0.05)
        raise AssertionError("no job was begun")

    def message(self, execution: str) -> Message:
        """The message that people get about the end of an execution."""
        client = self.cloud.client
        described = client("stepfunctions").describe_execution(executionArn=execution)
        found = explain(
            execution,
            described["status"],
            step_functions=client("stepfunctions"),
            logs=client("logs"),
            s3=client("s3"),
        )
        assert found is not None
        return found

    def deployment(self, machine: str) -> Deployment:
        return Deployment(
            target=session.on_local_cloud(self.cloud.environment),
            env="dev",
            raw_bucket=self.bucket,
            artifacts_bucket=self.bucket,
            state_machine_arn=machine,
            topic_arn="",
            ledger_table="",
            dashboard_url="",
        )

    def shown(self, execution: str) -> str:
        """What `trainyard show` prints about the end of an execution."""
        machine = execution.replace(":execution:", ":stateMachine:").rpartition(":")[0]
        deployment, text = self.deployment(machine), io.StringIO()
        found = describe(deployment.target, execution)
        print_failure(deployment, found, visits=visits(self.cloud.events(execution)), out=Console(file=text, width=200))
        return text.getvalue()

    def function(self, program: str, *, timeout: int = 30, memory: int = 256) -> str:
        """A Lambda function with this module as its code; returns its ARN."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("main.py", program)
        role = self.cloud.role(unique("function"), "lambda.amazonaws.com", [])
        found = self.cloud.client("lambda").create_function(
            FunctionName=unique("function"),
            Runtime="python3.11",
            Role=role,
            Handler="main.handler",
            Code={"ZipFile": packed.getvalue()},
            Timeout=timeout,
            MemorySize=memory,
        )
        return str(found["FunctionArn"])


def reason(message: Message) -> str:
    """The line of a message that gives the reason."""
    return next(line.removeprefix("Reason: ") for line in message.text.splitlines() if line.startswith("Reason: "))
