"""One run of a Glue script: its files from S3, its argv as real Glue passes it, its process; runs in the server."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_cloud.glue.spoken import Spoken
from local_cloud.jobs.container import aws_environment, host_environment
from local_cloud.jobs.logs import LogStream
from local_cloud.jobs.process import Command, Limits, Outcome, run
from local_cloud.jobs.settings import Settings
from local_cloud.jobs.transfer import RoleClients, Storage, split_uri
from local_cloud.jobs.workspace import Workspace
from trainyard.errors import JobFailed

# Below this or the job's own prefix, Glue 5 puts both streams of a script into "output"; "error" is for Glue and Spark.
LOGS = "/aws-glue/jobs"
LOGS_ARGUMENT = "--custom-logGroup-prefix"
# Glue itself uses these and does not hand them to the script. Modules to install are already on this machine.
CONSUMED = {
    "--additional-python-modules", "--class", "--conf", LOGS_ARGUMENT, "--extra-files", "--extra-jars",
    "--extra-py-files", "--python-modules-installer-option", "--scriptLocation", "--user-jars-first",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class GlueScript:
    """A job's definition and one run of it, ready to be started."""

    job: Mapping[str, Any]
    run_record: Mapping[str, Any]
    workspace: Workspace
    clients: RoleClients
    settings: Settings

    def run(self, stop: threading.Event, *, spoken: Spoken) -> Outcome:
        """Fetch the script and its packages, run it to its end, its stop or its timeout; raises `JobFailed`.

        `spoken` hears what it writes to its error stream.
        """
        arguments = {**self.job.get("DefaultArguments", {}), **self.run_record["Arguments"]}
        arguments |= self.job.get("NonOverridableArguments") or {}
        script = self._fetch(self.job["Command"]["ScriptLocation"])
        packages = [self._fetch(each) for each in _listed(arguments.get("--extra-py-files", ""))]
        for each in _listed(arguments.get("--extra-files", "")):
            self._fetch(each)
        log = LogStream(
            self.clients.client("logs"),
            group=f"{arguments.get(LOGS_ARGUMENT, LOGS)}/output",
            stream=self.run_record["Id"],
        )
        limits = Limits(
            max_seconds=self.run_record["Timeout"] * self.settings.glue_minute_seconds,
            grace_seconds=self.settings.stop_grace_seconds,
        )
        argv = [sys.executable, str(script), *self.arguments(arguments)]
        command = Command(
            argv=argv, env=self._environment(packages), cwd=self.workspace.ml, started=self.workspace.started
        )

        def on_line(stream: str, text: str) -> None:
            log.add(text)
            if stream == "stderr":
                spoken.hear(text)

        try:
            return run(command, limits, stop=stop, on_line=on_line)
        finally:
            log.close()

    def arguments(self, given: Mapping[str, str]) -> list[str]:
        """The script's arguments as Glue passes them: `--KEY value`, with the job's name and run added."""
        own = {"--JOB_NAME": self.job["Name"], "--JOB_RUN_ID": self.run_record["Id"]}
        merged = {**own, **{name: value for name, value in given.items() if name not in CONSUMED}}
        result = []
        for name, value in merged.items():
            # A key without value is a switch, such as --enable-metrics.
            result += [name, value] if value else [name]
        return result

    def _fetch(self, uri: str) -> Path:
        bucket, key = split_uri(uri)
        if not key or key.endswith("/"):
            raise JobFailed(f"Expected the S3 URI of a file, found {uri!r}.")
        target = self.workspace.ml / Path(key).name
        Storage(self.clients).download_object(bucket, key, target=target)
        return target

    def _environment(self, packages: list[Path]) -> dict[str, str]:
        paths = [str(each.parent if each.suffix == ".py" else each) for each in packages]
        return {
            **host_environment(self.workspace),
            "PYTHONPATH": ":".join(paths),
            **aws_environment(self.settings, self.clients.credentials, ca_bundle=self.settings.ca_bundle),
            # Glue sets this one too.
            "AWS_DEFAULT_REGION": self.settings.region,
        }


def _listed(value: str) -> list[str]:
    return [each.strip() for each in value.split(",") if each.strip()]
