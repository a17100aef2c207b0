"""The stages of a run: one verb each, used in states, shells, recipe modules and S3 prefixes."""

from __future__ import annotations

from enum import StrEnum


class Stage(StrEnum):
    """A stage; its value is also the name of the S3 prefix that holds what it wrote."""

    RESOLVE = "resolve"
    INGEST = "ingest"
    PREPARE = "prepare"
    PROCESS = "process"
    TUNE = "tune"
    TRAIN = "train"
    EVALUATE = "evaluate"
    GATE = "gate"
    REGISTER = "register"
    REPORT = "report"
    DEPLOY = "deploy"
    SCORE = "score"
    VERIFY = "verify"
