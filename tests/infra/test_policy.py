"""The policy of each environment reaches the function that enforces it, and is strict where models are in use."""

from __future__ import annotations

import json

from infra.settings import ENVIRONMENTS, settings
from tests.infra.templates import Deployment
from trainyard.contract.config import settings as config_settings
from trainyard.run import recipe
from trainyard.run.document import decoded
from trainyard.run.settings.policy import Allowance, Policy

MOST_VARIABLES_BYTES = 4096


def test_the_functions_know_the_policy_of_their_environment(deployment: Deployment) -> None:
    for each in deployment.workflow.resources("AWS::Lambda::Function").values():
        variables = each["Environment"]["Variables"]
        assert decoded(Policy, json.loads(variables["POLICY"])) == settings(deployment.environment).policy
        # Lambda's bound of all variables; references are resolved to less than they are written here.
        assert len(json.dumps(variables)) < MOST_VARIABLES_BYTES


def test_uploads_change_anything_within_ceilings_in_dev_and_what_is_theirs_in_prod() -> None:
    dev, prod = (settings(name).policy for name in ("dev", "prod"))
    assert dev.upload.permits("gate.minimum.ndcg_at_10") and dev.upload.permits("deploy.enabled")
    for name in ("gate.minimum.ndcg_at_10", "deploy.enabled", "score.enabled", "data.source", "jobs.train.volume_gb"):
        assert not prod.upload.permits(name)
    for policy in (dev, prod):
        assert policy.upload.beyond("jobs.train.instance_type", "ml.p5.48xlarge")
        assert policy.upload.beyond("tuning.max_jobs", 500) == "at most 20"


def test_the_machines_of_an_environment_are_ones_that_its_starts_may_ask_for() -> None:
    for each in ENVIRONMENTS.values():
        for stage, job in each.jobs.items():
            for field, value in job.items():
                assert each.policy.start.beyond(f"jobs.{stage}.{field}", value) == ""


def test_every_name_in_a_policy_is_that_of_a_setting_for_a_slip_would_forbid_nothing() -> None:
    known = {path for name in recipe.names() for path, _, _ in config_settings(recipe.config(name))}
    for each in ENVIRONMENTS.values():
        for way in (each.policy.upload, each.policy.start):
            for name in (*way.settings, *way.reserved, *way.most, *way.among):
                alone = Allowance(settings=(name,))
                assert any(alone.permits(path) for path in known), name
