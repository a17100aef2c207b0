"""The modules that Glue jobs install: a zip of locked wheels in the deployment's bucket, or the list of them alone."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from infra.sources import ROOT

REQUIREMENTS = ROOT / "glue_jobs" / "requirements.txt"
# By this ending Glue 5 knows a zip of wheels: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-python-libraries.html
SUFFIX = ".gluewheels.zip"
# Glue 5.1 has Python 3.11 on Amazon Linux 2023, whose C library takes both.
PYTHON, PLATFORMS = "3.11", ("manylinux2014_x86_64", "manylinux_2_28_x86_64")


@dataclass(frozen=True, kw_only=True)
class Modules:
    """Where a job finds its modules, and how pip is told to install them."""

    uri: str
    installer_option: str


def modules(scope: Construct, *, synthesizer: cdk.StackSynthesizer, wheels: bool) -> Modules:
    """With `wheels`, jobs install without a way to a package index; otherwise they ask one for what the lock names."""
    if not wheels:
        listed = assets.Asset(scope, "Requirements", path=str(REQUIREMENTS))
        return Modules(uri=listed.s3_object_url, installer_option="-r")
    # The key of an ordinary asset would lose all of the ending but .zip.
    name = f"{hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()}{SUFFIX}"
    archive = Path(cdk.Stage.of(scope).outdir) / name  # type: ignore[union-attr]
    if not archive.exists():
        pack(archive)
    # The stack has bound a copy of it, which only the CDK's own language can use; both write one manifest.
    synthesizer.bind(cdk.Stack.of(scope))
    placed = synthesizer.add_file_asset(
        source_hash=name.removesuffix(".zip"), file_name=name, packaging=cdk.FileAssetPackaging.FILE
    )
    return Modules(uri=placed.s3_object_url, installer_option="--no-index")


def pack(archive: Path) -> None:
    """Download every wheel of the lock, each with its hash, and zip them with the lock as Glue expects it."""
    with tempfile.TemporaryDirectory() as folder:
        platforms = [word for each in PLATFORMS for word in ("--platform", each)]
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
                *("--only-binary", ":all:", "--no-deps", "--require-hashes", "--requirement", str(REQUIREMENTS)),
                *("--python-version", PYTHON, "--implementation", "cp", *platforms, "--dest", folder),
            ],
            check=True,
        )
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as made:
            made.write(REQUIREMENTS, "wheels/requirements.txt")
            for each in sorted(Path(folder).glob("*.whl")):
                made.write(each, f"wheels/{each.name}")
