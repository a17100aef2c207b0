"""The card of a model in use says what answers in its shadow."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.console.conftest import Console
from trainyard.client.model import endpoints
from trainyard.client.model.endpoints import Endpoint

RUN, CHALLENGER = "20261120-120000-aaaaaaaa", "20261129-062245-e0b2130a"
NONE = {"shadow_run": "", "shadow_share": None}
LINK = f'<a href="/runs/prod2vec/{CHALLENGER}/report">its report</a>'


@pytest.mark.parametrize(
    ("shadow", "said", "linked"),
    [
        (NONE, "", False),
        (
            {"shadow_run": CHALLENGER, "shadow_share": 0.25},
            f"the model of run {CHALLENGER} answers copies of 25% of its requests in the shadow",
            True,
        ),
        ({"shadow_run": "", "shadow_share": 1.0}, "a model of no run answers copies of 100% of its requests", False),
    ],
    ids=["none", "a version", "a foreign model"],
)
def test_the_card_of_a_model_says_what_is_in_its_shadow(
    console: Console, monkeypatch: pytest.MonkeyPatch, shadow, said, linked
):
    console.put_champion("prod2vec", recipe="prod2vec", run_id=RUN)
    since = datetime(2026, 11, 29, tzinfo=UTC)
    served = Endpoint(
        name="trainyard-dev-prod2vec",
        status="InService",
        kind="1 x ml.m5.large",
        model="m",
        run=RUN,
        since=since,
        **shadow,
    )
    monkeypatch.setattr(endpoints, "listed", lambda _: [served])
    page = console.get("/").body.decode()
    assert "endpoint InService" in page
    assert said in page
    assert ("in the shadow" in page, LINK in page) == (bool(said), linked)
