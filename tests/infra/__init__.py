"""Tests of the CDK app. Importing `infra` first chooses the Node that the CDK's libraries start with."""

import infra  # noqa: F401
