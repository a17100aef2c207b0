"""The script of every Glue job: runs the module of the job's stage, out of the packages that the execution began with.

Glue looks up a job's script when a run starts, but takes the packages as an argument of the run. So this module stays
as it is, and everything that changes lies in the packages.
"""

from __future__ import annotations

import argparse
import runpy
import sys


def main(argv: list[str]) -> None:
    """Run the stage that `--STAGE` names; its shell reads all other arguments."""
    parser = argparse.ArgumentParser(allow_abbrev=False, add_help=False)
    parser.add_argument("--STAGE", required=True)
    known, _ = parser.parse_known_args(argv)
    runpy.run_module(f"glue_jobs.{known.STAGE}", run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
