"""Packs the functions' code with its locked dependencies; runs during synthesis and needs no container engine."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import jsii
from aws_cdk import aws_lambda as lambda_
from uv import find_uv_bin

from infra.sources import ROOT, SHARED, copy, staged

FOLDER = "lambdas"
RUNTIME = lambda_.Runtime.PYTHON_3_13
REQUIREMENTS = ROOT / FOLDER / "requirements.txt"


@jsii.implements(cdk.ILocalBundling)
class _Package:
    """Puts the code and its locked dependencies into one folder with uv: no container engine is needed."""

    def try_bundle(self, output_dir: str, *_args: Any, **_options: Any) -> bool:
        copy(Path(output_dir), *SHARED, FOLDER)
        subprocess.run(
            [
                *(find_uv_bin(), "pip", "install", "--quiet"),
                *("--target", output_dir, "--require-hashes", "--requirements", str(REQUIREMENTS)),
                *("--python-platform", "x86_64-manylinux2014", "--only-binary", ":all:"),
                *("--python-version", RUNTIME.name.removeprefix("python")),
            ],
            check=True,
        )
        return True


def code() -> lambda_.Code:
    """The package that all functions share; it changes with any file in it and with the lock."""
    return lambda_.Code.from_asset(
        staged(*SHARED, FOLDER),
        bundling=cdk.BundlingOptions(image=RUNTIME.bundling_image, local=_Package()),
    )
