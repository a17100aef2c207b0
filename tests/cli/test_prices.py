"""`prices` lists the regions of the table, and reads another one's prices as AWS's Price List tells them."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from trainyard.cli.command import target
from trainyard.cli.main import main
from trainyard.client import price_list
from trainyard.errors import ConfigError, NotFound
from trainyard.run.costs import prices
from trainyard.run.costs.prices import Machines

REGION = "eu-central-1"


def product(usage: str, *usd: str, operation: str = "", currency: str = "USD") -> str:
    """A product as GetProducts gives it: JSON in a text; a price for each tier of use."""
    tiers = {f"SKU.JRTC.{place}": {"unit": "Hrs", "pricePerUnit": {currency: each}} for place, each in enumerate(usd)}
    attributes = {"usagetype": usage, "operation": operation, "regionCode": REGION}
    return json.dumps(
        {
            "product": {"productFamily": "ML Instance", "attributes": attributes, "sku": "SKU"},
            "terms": {"OnDemand": {"SKU.JRTC": {"priceDimensions": tiers}}, "Reserved": {}},
            "publicationDate": "2026-11-20T22:57:59Z",
        }
    )


MACHINES = [
    [product("EUC1-Train:ml.m5.xlarge", "0.2760000000"), product("EUC1-Processing:ml.m5.xlarge", "0.2800000000")],
    [
        product("EUC1-Processing:ml.t3.medium", "0.06"),
        product("EUC1-Host:ml.m5.2xlarge", "0.6"),
        product("EUC1-TrainWarmPool:ml.m5.large", "9.0"),
        product("EUC1-Train:ml.m5.large", "2.0", currency="CNY"),
    ],
]
GLUE = [
    product("EUC1-ETL-DPU-Hour", "0.45", operation="Jobrun"),
    product("EUC1-ETL-DPU-Hour", "0.99", operation="DevEndpoint"),
    product("EUC1-ETL-Flex-DPU-Hour", "0.3", operation="Jobrun"),
]
# The first thousands are free.
TRANSITIONS = [product("EUC1-StateTransition", "0.0000000000", "0.0000300000")]


def answers(stub: Stubber, service: str, pages: list[list[str]]) -> None:
    asked: dict[str, Any] = {
        "ServiceCode": service,
        "Filters": [{"Type": "TERM_MATCH", "Field": "regionCode", "Value": REGION}],
    }
    for place, page in enumerate(pages):
        more = {"NextToken": f"page-{place + 1}"} if place + 1 < len(pages) else {}
        token = {"NextToken": f"page-{place}"} if place else {}
        stub.add_response("get_products", {"PriceList": page, **more}, {**asked, **token})


@pytest.fixture
def pricing() -> Any:
    return boto3.client("pricing", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A copy of the table, which may be changed."""
    copy = tmp_path / "prices.json"
    copy.write_bytes(prices.PRICES.read_bytes())
    monkeypatch.setattr(prices, "PRICES", copy)
    prices._prices.cache_clear()
    yield copy
    prices._prices.cache_clear()


def test_what_aws_tells_becomes_a_region_of_the_table(pricing: Any) -> None:
    with Stubber(pricing) as stub:
        answers(stub, "AmazonSageMaker", MACHINES)
        answers(stub, "AWSGlue", [GLUE])
        answers(stub, "AmazonStates", [TRANSITIONS])
        found = price_list.read(pricing, REGION)
        stub.assert_no_pending_responses()
    assert found["sagemaker_instance_hour"] == {"ml.m5.xlarge": 0.28, "ml.t3.medium": 0.06}
    assert (found["glue_dpu_hour"], found["step_functions_transition"]) == (0.45, 0.00003)
    assert found["source"] == "AWS Price List, on demand, in USD, as published 2026-11-20"


@pytest.mark.parametrize(
    ("machines", "glue", "said"),
    [
        ([[]], [GLUE], "prices of SageMaker's machines in eu-central-1"),
        (MACHINES, [[]], "ETL-DPU-Hour in eu-central-1"),
    ],
)
def test_a_list_that_lacks_prices_is_no_table(
    machines: list[list[str]], glue: list[list[str]], said: str, pricing: Any
) -> None:
    with Stubber(pricing) as stub, pytest.raises(NotFound, match=said):
        answers(stub, "AmazonSageMaker", machines)
        answers(stub, "AWSGlue", glue)
        answers(stub, "AmazonStates", [TRANSITIONS])
        price_list.read(pricing, REGION)


def test_a_refreshed_region_is_what_costs_are_reckoned_at(
    table: Path, pricing: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    session = SimpleNamespace(client=lambda *_, region_name: pricing if region_name == "us-east-1" else None)
    monkeypatch.setattr(target, "connect", lambda *, aws: SimpleNamespace(session=session, region=REGION))
    with Stubber(pricing) as stub:
        answers(stub, "AmazonSageMaker", MACHINES)
        answers(stub, "AWSGlue", [GLUE])
        answers(stub, "AmazonStates", [TRANSITIONS])
        assert main(["prices", "--refresh", "--aws"]) == 0
    said = capsys.readouterr().out
    assert "Prices of eu-central-1: 2 machines, AWS Price List" in said
    assert str(table) in said
    prices._prices.cache_clear()
    hour = Machines(kind="ml.m5.xlarge", count=1, seconds=3600)
    assert (prices.price(hour, region=REGION), prices.price(hour, region="us-east-1")) == (0.28, 0.23)
    assert prices.prices_of(REGION).startswith("list prices of eu-central-1 of 20")
    assert main(["prices"]) == 0
    assert "eu-central-1" in capsys.readouterr().out


def test_a_table_that_cannot_be_written_is_whole_afterwards(
    table: Path, pricing: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = table.read_bytes()

    def full(path: Path, text: str, **_: Any) -> None:
        path.write_bytes(text.encode()[:100])
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    session = SimpleNamespace(client=lambda *_, **__: pricing)
    monkeypatch.setattr(target, "connect", lambda *, aws: SimpleNamespace(session=session, region=REGION))
    monkeypatch.setattr(Path, "write_text", full)
    with Stubber(pricing) as stub:
        answers(stub, "AmazonSageMaker", MACHINES)
        answers(stub, "AWSGlue", [GLUE])
        answers(stub, "AmazonStates", [TRANSITIONS])
        assert main(["prices", "--refresh", "--aws"]) == 1
    assert "No space left" in capsys.readouterr().err
    assert (table.read_bytes(), list(table.parent.iterdir())) == (before, [table])


def test_aws_is_asked_only_when_it_is_said(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = table.read_bytes()
    assert main(["prices", "--refresh"]) == 2
    assert "Expected --aws with --refresh" in capsys.readouterr().err
    assert table.read_bytes() == before


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"glue_dpu_hour": "0.44"}, "eu-west-1: expected a price above 0 for glue_dpu_hour, found '0.44'"),
        ({"sagemaker_instance_hour": {"ml.m5.xlarge": -1}}, "above 0 for ml.m5.xlarge, found -1"),
        ({"sagemaker_instance_hour": {}}, "above 0 for sagemaker_instance_hour, found None"),
        ({"written": ""}, "eu-west-1: expected text in written"),
    ],
)
def test_a_table_that_was_changed_by_hand_is_checked(table: Path, changed: dict[str, Any], said: str) -> None:
    document = json.loads(table.read_text())
    document["regions"]["eu-west-1"] = {**document["regions"]["us-east-1"], **changed}
    table.write_text(json.dumps(document))
    with pytest.raises(ConfigError, match=said):
        prices.prices_of("eu-west-1")
