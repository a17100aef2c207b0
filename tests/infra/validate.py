"""Validators of what is deployed: `python -m tests.infra.validate PROGRAMS` for a folder with checkov and parliament.

They read prod, the environment with everything in it, as CloudFormation would resolve it. What they may find is in
infra/findings.toml. A third, actionlint, reads the workflows of the pipeline, in which it may find nothing.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

import infra.pipeline
import infra.wheels
from infra.app import build
from tests.infra.templates import Stack

ROOT = Path(__file__).resolve().parents[2]
FINDINGS = ROOT / "infra" / "findings.toml"
Found = tuple[str, str]
PARTS = ("data", "workflow", "pipeline")
# Runs in the environment of the validators.
ASK_PARLIAMENT = """
import json, parliament, sys
documents = json.load(open(sys.argv[1]))
found = [
    (each.issue, role, str(each.detail))
    for role, document in documents
    for each in parliament.analyze_policy_string(json.dumps(document)).findings
]
print(json.dumps(found))
"""


def synthesized(folder: Path) -> list[Stack]:
    """Prod with its HTTP API and a webhook, and the pipeline's roles; wheels are left out: nothing looks into them."""
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    context |= {"env": "prod", "api": "true", "alarm_email": "people@example.com"}
    context |= {"webhook_url": "https://hooks.example.com/trainyard"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(infra.wheels, "pack", lambda archive: archive.write_bytes(b""))
        build(cdk.App(outdir=str(folder), context=context, analytics_reporting=False)).synth()
    context |= {"repository": "owner/name"}
    infra.pipeline.build(cdk.App(outdir=str(folder), context=context, analytics_reporting=False)).synth()
    names = ("trainyard-prod-data", "trainyard-prod-workflow", "trainyard-pipeline")
    data, workflow, pipeline = (json.loads((folder / f"{each}.template.json").read_text()) for each in names)
    first = Stack(data)
    return [first, Stack(workflow, [first]), Stack(pipeline)]


def checked_by_checkov(programs: Path, stacks: list[Stack], *, folder: Path) -> Iterator[Found]:
    """Each failed check and where, of templates and Dockerfiles."""
    for name, stack in zip(PARTS, stacks, strict=True):
        (folder / f"{name}.template.json").write_text(json.dumps(stack.template))
    for each in ("processing_container", "training_container"):
        (folder / each).mkdir()
        shutil.copy(ROOT / each / "Dockerfile", folder / each)
    options = ("--framework", "cloudformation", "dockerfile", "--compact", "--quiet", "--skip-download")
    done = subprocess.run(
        [programs / "checkov", "--directory", folder, *options, "--output", "json"], capture_output=True, text=True
    )
    reports = json.loads(done.stdout)
    for report in reports if isinstance(reports, list) else [reports]:
        if report.get("results", {}).get("parsing_errors") or not report.get("summary", {}).get("passed"):
            raise SystemExit(f"checkov read nothing: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        for each in report["results"]["failed_checks"]:
            yield each["check_id"], f"{each['resource']}: {each['check_name']}"


def checked_by_parliament(programs: Path, stacks: list[Stack], *, folder: Path) -> Iterator[Found]:
    """Each issue of a role's policies and which role's; asked in one program, for parliament starts slowly."""
    documents = folder / "policies.json"
    documents.write_text(json.dumps([each for stack in stacks for each in policies(stack)]))
    done = subprocess.run(
        [programs / "python", "-W", "ignore", "-c", ASK_PARLIAMENT, documents],
        capture_output=True,
        text=True,
        check=True,
    )
    for rule, role, detail in json.loads(done.stdout):
        yield rule, f"{role}: {detail}"


def policies(stack: Stack) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The documents that a stack's roles and policies hold."""
    for name, role in stack.resources("AWS::IAM::Role").items():
        for each in role.get("Policies", []):
            yield name, each["PolicyDocument"]
    for name, policy in stack.resources("AWS::IAM::Policy").items():
        yield name, policy["PolicyDocument"]


def checked_by_actionlint(programs: Path) -> Iterator[str]:
    """Each finding in the pipeline's workflows, a line each; other linters that may be installed are not asked."""
    files = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    options = ("-oneline", "-no-color", "-shellcheck=", "-pyflakes=")
    done = subprocess.run([programs / "actionlint", *options, *files], capture_output=True, text=True, cwd=ROOT)
    if not files or done.stderr:
        raise SystemExit(f"actionlint read nothing: {done.stderr[-2000:]}")
    yield from done.stdout.splitlines()


def main(programs: Path) -> int:
    allowed = tomllib.loads(FINDINGS.read_text())
    problems = list(checked_by_actionlint(programs))
    with tempfile.TemporaryDirectory() as made, tempfile.TemporaryDirectory() as out:
        stacks = synthesized(Path(out))
        for tool, check in (("checkov", checked_by_checkov), ("parliament", checked_by_parliament)):
            folder = Path(made) / tool
            folder.mkdir()
            found = list(check(programs, stacks, folder=folder))
            problems += [f"{tool} {rule} {where}" for rule, where in found if rule not in allowed[tool]]
            stale = sorted(set(allowed[tool]) - {rule for rule, _ in found})
            problems += [f"{FINDINGS.name}: nothing finds {tool} {rule} any more, remove it." for rule in stale]
    print(
        "\n".join(problems)
        or "checkov, parliament and actionlint find what infra/findings.toml names, and nothing else."
    )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
