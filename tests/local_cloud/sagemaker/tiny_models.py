"""A cloud that serves tiny models on endpoints: each answers with the word in its archive."""

from __future__ import annotations

import io
import json
import tarfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from ..conftest import Cloud
from ..tiny_images import bucket, push, statements, unique

PROGRAM = """
import json, os, pathlib, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

word = (pathlib.Path(os.environ["TRAINYARD_ML_ROOT"]) / "model" / "word.txt").read_text()
assert sys.argv[1:] == ["serve"], sys.argv
print("model says", word, "pid", os.getpid(), flush=True)
if word == "broken":
    sys.exit("cannot load this model")

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    def answer(self, status, body, **headers):
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        self.answer(200, b"{}")
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        given = json.loads(body) if self.headers["Content-Type"] == "application/json" else {"text": body.decode()}
        if "note" in given:
            passed = {name: self.headers[name] for name in ("Accept", "X-Amzn-SageMaker-Inference-Id")}
            with open(given["note"], "a") as notes:
                notes.write(json.dumps({"word": word, "given": given, "pid": os.getpid(), **passed}) + "\\n")
        if word == "faulty":
            return self.answer(500, b'{"error": "out of order"}')
        time.sleep({"slow": 1, "hanging": 60}.get(word, 0))
        if "exit" in given:
            os._exit(3)
        if "status" in given:
            return self.answer(given["status"], b'{"error": "the model said so"}')
        if "large" in given:
            return self.answer(200, b"x" * given["large"])
        time.sleep(given.get("seconds", 0))
        told = {"word": word, "given": given, "accept": self.headers["Accept"], "pid": os.getpid(),
                "key": os.environ["AWS_ACCESS_KEY_ID"][:4], "greeting": os.environ["GREETING"],
                "mood": os.environ.get("MOOD")}
        self.answer(200, json.dumps(told).encode())
    def log_message(self, *arguments):
        pass

ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""


@dataclass
class Host:
    """A cloud with an image, a bucket and a role to serve models with."""

    cloud: Cloud
    store: str
    image: str
    role: str
    runtime: Any

    @property
    def client(self) -> Any:
        return self.cloud.client("sagemaker")

    def model(self, word: str, **more: Any) -> str:
        """A model whose archive holds `word`; returns its name."""
        name, content = unique("model"), io.BytesIO()
        with tarfile.open(fileobj=content, mode="w:gz") as archive:
            member = tarfile.TarInfo("word.txt")
            member.size = len(word)
            archive.addfile(member, io.BytesIO(word.encode()))
        self.cloud.client("s3").put_object(Bucket=self.store, Key=f"{name}/model.tar.gz", Body=content.getvalue())
        container = {"Image": self.image, "ModelDataUrl": f"s3://{self.store}/{name}/model.tar.gz"}
        container["Environment"] = {"MOOD": "calm"}
        self.client.create_model(ModelName=name, ExecutionRoleArn=self.role, PrimaryContainer=container, **more)
        return name

    def config(self, word: str, *, concurrency: int = 0, shadow: str = "", share: float = 1.0, **more: Any) -> str:
        """A configuration on one instance, or serverless where `concurrency` is given; returns its name.

        A `shadow` gets copies of a `share` of the calls.
        """
        size = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        if concurrency:
            size = {"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": concurrency}}
        name = unique("config")
        variant = {"VariantName": "all", "ModelName": self.model(word), **size, **more}
        shadows = {}
        if shadow:
            beside = {"VariantName": "shadow", "ModelName": self.model(shadow), **size, "InitialVariantWeight": share}
            shadows = {"ShadowProductionVariants": [beside]}
        self.client.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant], **shadows)
        return name

    def endpoint(self, word: str, **more: Any) -> str:
        """An endpoint in service; returns its name."""
        name = unique("endpoint")
        self.client.create_endpoint(EndpointName=name, EndpointConfigName=self.config(word, **more))
        assert self.settled(name)["EndpointStatus"] == "InService"
        return name

    def settled(self, name: str, *, seconds: float = 30) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            described: dict[str, Any] = self.client.describe_endpoint(EndpointName=name)
            if described["EndpointStatus"] in {"InService", "Failed"}:
                return described
            time.sleep(0.05)
        raise AssertionError(f"{name} is still {described['EndpointStatus']}")

    def stage(self, name: str, stage: str, *, seconds: float = 30) -> dict[str, Any]:
        """Wait until an update is at a stage; returns its PendingDeploymentSummary."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            pending: dict[str, Any] | None = self.client.describe_endpoint(EndpointName=name).get(
                "PendingDeploymentSummary"
            )
            if pending and pending["ProductionVariants"][0]["VariantStatus"][0]["Status"] == stage:
                return pending
            time.sleep(0.05)
        raise AssertionError(f"{name} is not {stage}: {pending}")

    def gone(self, name: str) -> None:
        deadline = time.monotonic() + 30
        while name in [each["EndpointName"] for each in self.client.list_endpoints()["Endpoints"]]:
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def ask(self, name: str, document: Any = None, **more: Any) -> Any:
        """The endpoint's answer to a JSON document."""
        options = {"ContentType": "application/json", "Body": json.dumps(document or {}), **more}
        return json.loads(self.runtime.invoke_endpoint(EndpointName=name, **options)["Body"].read())


def runtime_of(cloud: Cloud, **credentials: str) -> Any:
    """A runtime client that tries once; root's unless credentials are given."""
    return boto3.Session().client(
        "sagemaker-runtime",
        endpoint_url=cloud.endpoint,
        region_name=cloud.cloud.region,
        verify=cloud.cloud.ca_bundle,
        config=Config(retries={"total_max_attempts": 1}, max_pool_connections=20),
        **(credentials or cloud.root),
    )


def host_of(cloud: Cloud, folder: Path) -> Host:
    store = bucket(cloud)
    role = cloud.role(unique("server"), "sagemaker.amazonaws.com", statements(store))
    return Host(cloud, store, push(cloud, folder, PROGRAM), role, runtime_of(cloud))


@dataclass
class Callers:
    """Connections that call an endpoint all the time, and what they were answered."""

    host: Host
    name: str
    count: int = 6
    body: bytes = b'{"seconds": 0.02}'
    words: list[str] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    _ending: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Callers:
        self._threads = [threading.Thread(target=self._call) for _ in range(self.count)]
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ending.set()
        for each in self._threads:
            each.join()

    def _call(self) -> None:
        while not self._ending.is_set():
            try:
                answer = self.host.runtime.invoke_endpoint(
                    EndpointName=self.name, ContentType="application/json", Body=self.body
                )
                self.words.append(json.loads(answer["Body"].read())["word"])
            except Exception as error:
                self.failures.append(error)
