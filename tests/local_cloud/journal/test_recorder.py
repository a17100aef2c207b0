"""What is noted, how keys are written, and that every store of every service has a place in the journal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some
from ministack.core.responses import AccountRegionScopedDict, AccountScopedDict
from ministack.services import dynamodb, lambda_svc, s3

from local_cloud.journal import services, texts, touched
from local_cloud.journal.draft import Draft, Known
from local_cloud.journal.places import Place
from local_cloud.journal.touched import Touched

KEYS = some.one_of(some.text(), some.tuples(some.text(), some.one_of(some.none(), some.text())))


@given(key=KEYS, regional=some.booleans())
def test_keys_come_back(key: object, regional: bool) -> None:
    store = AccountRegionScopedDict() if regional else AccountScopedDict()
    scoped = ("000000000000", "us-east-1", key) if regional else ("000000000000", key)
    assert texts.scoped_key(texts.key_text(store, scoped)) == scoped


def test_a_store_comes_back_from_its_rows() -> None:
    store = AccountRegionScopedDict()
    store["a"], store["b"] = {"bytes": b"\x00\xff"}, [1, 2]
    rows = {texts.key_text(store, key): texts.value_of(texts.text_of(value)) for key, value in store._data.items()}
    assert texts.store_of(rows)._data == store._data


@pytest.mark.parametrize("module", [dynamodb, lambda_svc])
def test_the_stores_taken_by_name_are_all_that_the_service_keeps(module: object) -> None:
    name = {dynamodb: "dynamodb", lambda_svc: "lambda"}[module]
    assert set(services.BY_NAME[name]) == set(module.get_state())  # type: ignore[attr-defined]


def test_only_what_differs_is_written() -> None:
    store, known = AccountScopedDict(), Known()
    store._data.update({("0", "a"): 1, ("0", "b"): 2})
    place = Place("service/store", store)
    first = Draft(known)
    place.write_all(first)
    first.written()
    del store._data["0", "a"]
    store._data["0", "c"] = 3
    second = Draft(known)
    place.write_all(second)
    assert len(first.transaction.entries) == 2
    assert second.transaction.entries == [
        ("service/store", "account/0/'c'", "3"), ("service/store", "account/0/'a'", None),
    ]  # fmt: skip


def test_what_was_asked_for_is_held_a_while_after_it_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(touched.time, "monotonic", lambda: now[0])
    flow = Touched()
    flow.add(("store", "key", None))
    flow.were_written(began=101.0)
    assert (flow.fresh(), flow.marks()) == ([], [("store", "key", None)])
    flow.were_written(began=100.0 + touched.HELD_SECONDS + 1)
    assert flow.marks() == []


def test_what_a_flow_that_is_over_has_left_is_noted_by_its_heir() -> None:
    """A deployment goes on for minutes after the request that began it was answered and forgotten."""
    flow, heir = Touched(), Touched()
    flow.add(("a store", "before its end", None))
    flow.leave_to(heir)
    flow.add(("a store", "after its end", None))
    assert heir.fresh() == [("a store", "before its end", None), ("a store", "after its end", None)]
    assert flow.marks() == []


def test_the_buckets_are_no_store_of_their_own() -> None:
    """MiniStack makes their rows up: they are written whenever one of the service's stores was asked for something."""
    service = services.Service("s3", s3)
    assert id(s3._buckets) in service.stores
    assert id(s3._buckets) not in service.places
