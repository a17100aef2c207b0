"""Lambda: decides from a run's evaluation whether its model may be registered, and keeps the decision with the run."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger

from lambdas import clients
from trainyard.run.documents import JobTimes
from trainyard.stages.gate import gate

logger = Logger(service="gate")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """`{"run": {"recipe", "run_id"}, "champion": {"run_id"} or {}, "waits", "jobs"}` -> `Decision` of run/documents.py.

    It is also kept in S3. `waits` says whether a person has to approve a model that passes; `jobs` are the states
    before this one with their times, which are kept beside it.
    """
    name, run_id = event["run"]["recipe"], event["run"]["run_id"]
    with logger.append_context_keys(recipe=name, run_id=run_id):
        logger.info("deciding")
        store = clients.run_store(name, run_id)
        # After an approval the comparison may be one that was made before: that execution ran no job.
        jobs = JobTimes.from_mapping({"jobs": event["jobs"]}) if event.get("jobs") else None
        decision = gate(store, champion=event["champion"].get("run_id"), waits=event.get("waits", False), jobs=jobs)
        logger.info("decided", extra={"summary": decision.summary})
    return decision.to_mapping()
