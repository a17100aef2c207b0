"""Names of models, endpoints and groups: no two models share one, and all are such as SageMaker accepts."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainyard.contract.config import MODEL_NAME
from trainyard.errors import BadRequest
from trainyard.run import recipe
from trainyard.run.naming import checked_model, endpoint_name, group_name, model_name

LONGEST_PREFIX = "trainyard-" + "e" * 9
RECIPES = st.sampled_from(recipe.names())
VARIANTS = st.one_of(st.just(""), st.integers(1, 2**63 - 1).map("product-{}".format))
NAMES = st.one_of(st.just(""), st.from_regex(MODEL_NAME, fullmatch=True), st.sampled_from(["product-3", "x-product-3"]))
MODELS = st.tuples(RECIPES, VARIANTS, NAMES)


@given(MODELS, MODELS)
def test_two_models_never_share_a_champion_or_an_endpoint(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    names = [model_name(of, variant=variant, model=model) for of, variant, model in (one, other)]
    endpoints = [endpoint_name(LONGEST_PREFIX, each) for each in names]
    assert (names[0] == names[1]) is (endpoints[0] == endpoints[1]) is (one == other)
    for each in endpoints:
        assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", f"{each}-0a1b2c3d")


@given(RECIPES, NAMES)
def test_a_group_begins_as_the_machine_may_make_it(of: str, model: str) -> None:
    own = group_name(LONGEST_PREFIX, of)
    assert group_name(LONGEST_PREFIX, of, model=model).startswith(f"{own}--" if model else own)


def test_models_without_a_name_are_called_as_ever() -> None:
    assert [model_name("two_tower"), model_name("propensity", variant="product-3")] == [
        "two_tower",
        "propensity-product-3",
    ]
    assert group_name("trainyard-dev", "two_tower") == "trainyard-dev-two-tower"


@pytest.mark.parametrize("name", ["Shop", "-shop", "shop-", "shop north", "shöp", "s" * 33, "../x", "shop\n"])
def test_what_is_no_name_is_refused_in_one_sentence(name: str) -> None:
    with pytest.raises(
        BadRequest, match=r"^Expected a model's name of 1 to 32 lower case letters.* Choose another name\.$"
    ):
        checked_model(name)
