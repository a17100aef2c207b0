"""Data that pass the check go through every later step: bad data is told at the quality state or not at all.

The tables are small and nasty: everything alike or nothing, one of each, numbers and texts at their limits. Most walks
end before training, which takes seconds: some recipes are trained on one table here, all on many by `make faults`.
"""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.recipes import nasty
from tests.recipes.nasty import Given, as_csv
from tests.recipes.walk import Walk
from trainyard.run import recipe as recipes

pytestmark = [
    # Simple models stop early on data that say nothing, and a plot shows boxes for letters that no font has.
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:Glyph .* missing from font"),
]
STRATEGIES = {name: getattr(nasty, name) for name in recipes.names() if hasattr(nasty, name)}
every_recipe = pytest.mark.parametrize("name", sorted(STRATEGIES))
USERS, FILMS = range(3), range(4)


def walked(name: str, table: Given, *, train: bool) -> tuple[str, ...]:
    """What the quality state refuses the files with; if nothing, they have gone all the way."""
    with tempfile.TemporaryDirectory() as folder:
        walk = Walk(recipe=name, config=recipes.config(name, table.changes), root=Path(folder))
        quality = walk.judged(table.files)
        if quality.ok:
            walk.process()
            if train:
                walk.references()
                walk.train()
        assert all("expected" in each and "found" in each for each in quality.problems)
        return quality.problems


def prepared_or_refused(name: str, examples: int, *, train: bool) -> None:
    @settings(max_examples=examples, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def property_of(data: st.DataObject) -> None:
        walked(name, data.draw(STRATEGIES[name]()), train=train)

    property_of()


@every_recipe
def test_odd_tables_are_refused_by_the_check_or_become_examples(name):
    prepared_or_refused(name, 6, train=False)


@pytest.mark.long
@every_recipe
def test_odd_tables_are_refused_by_the_check_or_become_a_model(name):
    pytest.importorskip("tensorflow")
    prepared_or_refused(name, 40, train=True)


def test_simple_models_of_a_sample_with_one_outcome_say_how_common_it_is(monkeypatch, tmp_path):
    """Baselines see a part of large data, and rare things may not be in it."""
    for name in ("propensity", "headline_classifier"):
        module = recipes.module(name, "evaluate")
        limit = next(each for each in vars(module) if each.startswith("MAX_BASELINE"))
        monkeypatch.setattr(module, limit, 1)
        walk = Walk(recipe=name, config=recipes.config(name, ONE_SIGN[name]().changes), root=tmp_path / name)
        walk.root.mkdir()
        assert walk.judged(ONE_SIGN[name]().files).ok
        walk.process()
        walk.references()


def two_products_in_every_order() -> Given:
    lines = [(order, product, 1, 0) for order in range(60) for product in (0, 2**40 - 1)]
    catalogue = [(0, "\U0001f600", 1, 1), (2**40 - 1, 'say "x", or not', -1, 2**63 - 1)]
    return Given(
        files={
            "order_products__prior.csv": as_csv(("order_id", "product_id", "add_to_cart_order", "reordered"), lines),
            "products.csv": as_csv(("product_id", "product_name", "aisle_id", "department_id"), catalogue),
        },
        changes=nasty.PROD2VEC,
    )


def three_users_who_rated_everything() -> Given:
    """Liked is only what was rated last; of what training sees every rating is 0."""
    rows = [(user, film, 5 * (film > 1), film - 2**40) for user, film in itertools.product(USERS, FILMS)]
    return Given(
        files={
            "ratings.csv": as_csv(("userId", "movieId", "rating", "timestamp"), rows),
            "movies.csv": as_csv(("movieId", "title", "genres"), [(film, "", "") for film in FILMS]),
        },
        changes=nasty.TWO_TOWER,
    )


def headlines_of_one_sign_each() -> Given:
    labels = ["m"] + ["bte"[number % 3] for number in range(80)]
    lines = [f"{number}\t{chr(0x4E00 + number)}\t\t\t{label}\ts{number}\t\t\n" for number, label in enumerate(labels)]
    return Given(files={"newsCorpora.csv": "".join(lines).encode()}, changes=nasty.HEADLINES)


def reviews_of_three_lemmas() -> Given:
    forms = ("walk", "walks", "walking", "walked", "apple", "apples", "judge", "judges", "judging", "judged")
    rows = [(5, "", " ".join(each)) for each in itertools.islice(itertools.permutations(forms, 5), 0, 20_000, 190)]
    return Given(files={"Reviews.csv": as_csv(("Score", "Summary", "Text"), rows)}, changes=nasty.TOPICS)


def visits_that_say_nothing() -> Given:
    """No number at all, one that is always the same but for its size, and a name that nobody shares."""
    rows = [("", ("1e308", "-1e308", "0")[number % 3], f"v{number}", number % 2) for number in range(150)]
    return Given(files={"visits.csv": as_csv(("n", "m", "c", "y"), rows)}, changes=nasty.PROPENSITY)


ONE_SIGN = {"propensity": visits_that_say_nothing, "headline_classifier": headlines_of_one_sign_each}


@pytest.mark.parametrize(
    ("name", "table"),
    [
        pytest.param("prod2vec", two_products_in_every_order, marks=pytest.mark.long),
        ("two_tower", three_users_who_rated_everything),
        pytest.param("headline_classifier", headlines_of_one_sign_each, marks=pytest.mark.long),
        ("neural_topic_model", reviews_of_three_lemmas),
        ("propensity", visits_that_say_nothing),
    ],
)
def test_a_table_that_says_next_to_nothing_becomes_a_model(name, table):
    pytest.importorskip("tensorflow")
    assert walked(name, table(), train=True) == ()
