"""Data that a recipe cannot use.

Each case uploads files that people really have to S3 in memory and lets the ingest job judge them. What it lets through
goes on to prepare, process and the simple models of the recipe; what the quality state refuses says why, with numbers.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from glue_jobs import ingest
from tests.faults.conftest import Observation
from tests.recipes.nasty import HEADLINES, PROD2VEC, PROPENSITY, STOP_WORDS, TOPICS, TWO_TOWER, WORDS, as_csv, made_up
from tests.recipes.walk import Walk
from trainyard.contract.config import to_mapping
from trainyard.contract.quality import QUALITY_FILE
from trainyard.run import recipe as recipes
from trainyard.run.run import InputFile, Run
from trainyard.run.stage import Stage
from trainyard.run.store import RunStore

ORDERS, PRODUCTS = "order_products__prior.csv", "products.csv"
ORDER_COLUMNS = ("order_id", "product_id", "add_to_cart_order", "reordered")
PRODUCT_COLUMNS = ("product_id", "product_name", "aisle_id", "department_id")
RATING_COLUMNS, MOVIE_COLUMNS = ("userId", "movieId", "rating", "timestamp"), ("movieId", "title", "genres")
REVIEW_COLUMNS = ("Score", "Summary", "Text")
DEFAULTS: dict[str, Any] = {}
Files = Mapping[str, bytes]


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """S3 in memory, with the two buckets."""
    for name, value in {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with mock_aws():
        client = boto3.client("s3")
        for bucket in ("raw", "artifacts"):
            client.create_bucket(Bucket=bucket)
        client.put_bucket_versioning(Bucket="raw", VersioningConfiguration={"Status": "Enabled"})
        yield client


def quality_of(client: Any, recipe: str, files: Files, changes: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the ingest job writes for the quality state."""
    config = recipes.config(recipe, changes)
    inputs = []
    for name, data in files.items():
        key = f"raw/{recipe}/odd/{name}"
        version = client.put_object(Bucket="raw", Key=key, Body=data)["VersionId"]
        source = next(each.name for each in recipes.sources(recipe, config) if each.accepts(name))
        inputs.append(InputFile(source=source, key=key, version_id=version, size=len(data)))
    run = Run(
        recipe=recipe,
        run_id="20260101-000000-00000000",
        dataset="odd",
        execution_arn="arn",
        raw_bucket="raw",
        artifacts_bucket="artifacts",
        fingerprint="f",
        code_version="c",
        files=tuple(inputs),
        config=to_mapping(config),
    )
    store = RunStore(client, run)
    store.write_text(Stage.RESOLVE, Run.FILE, text=run.to_json())
    ingest.main(["--JOB_NAME", "job", "--RUN_URI", f"s3://artifacts/{run.prefix}", "--ENGINE", "duckdb"])
    found: Mapping[str, Any] = json.loads(store.read_text(Stage.INGEST, QUALITY_FILE))
    return found


def refusal(client: Any, recipe: str, files: Files, changes: Mapping[str, Any] = DEFAULTS) -> str:
    """The one sentence that the quality state refuses the files with."""
    quality = quality_of(client, recipe, files, changes)
    assert not quality["ok"]
    (sentence,) = quality["problems"]
    return str(sentence)


def goes_on(
    client: Any, recipe: str, files: Files, folder: Path, *, changes: Mapping[str, Any] = DEFAULTS
) -> Mapping[str, Any]:
    """The quality document of files that are accepted, after every step that needs no network to learn."""
    quality = quality_of(client, recipe, files, changes)
    assert quality["ok"], quality["problems"]
    walk = Walk(recipe=recipe, config=recipes.config(recipe, changes), root=folder / "walk")
    walk.root.mkdir()
    assert walk.judged(files).ok
    walk.process()
    walk.references()
    return quality


def orders(baskets: Sequence[Sequence[int]]) -> Files:
    lines = [(order, product, place, 0) for order, basket in enumerate(baskets) for place, product in enumerate(basket)]
    catalogue = [(each, f"product {each}", 1, 1) for each in sorted({p for basket in baskets for p in basket})]
    return {ORDERS: as_csv(ORDER_COLUMNS, lines), PRODUCTS: as_csv(PRODUCT_COLUMNS, catalogue)}


def ratings(rows: Sequence[Sequence[object]], movies: Sequence[Sequence[object]]) -> Files:
    return {"ratings.csv": as_csv(RATING_COLUMNS, rows), "movies.csv": as_csv(MOVIE_COLUMNS, movies)}


def headlines(rows: Sequence[tuple[str, str, str]]) -> Files:
    """From title, category and story."""
    lines = [f"{number}\t{title}\t\t\t{label}\t{story}\t\t\n" for number, (title, label, story) in enumerate(rows)]
    return {"newsCorpora.csv": "".join(lines).encode()}


def reviews(texts: Sequence[str]) -> Files:
    return {"Reviews.csv": as_csv(REVIEW_COLUMNS, [(5, "", text) for text in texts])}


def visits(rows: Sequence[Sequence[object]]) -> Files:
    return {"visits.csv": as_csv(("n", "m", "c", "y"), rows)}


MOVIES = [(movie, f"Film {movie} (1999)", "Drama") for movie in range(40)]


@pytest.mark.fault("500 orders of one product each", "refused as bad data: nothing shows what is bought together")
def test_orders_of_one_product(aws: Any, observed: Observation) -> None:
    sentence = refusal(aws, "prod2vec", orders([[order % 50] for order in range(500)]))
    assert sentence.startswith("order_products: no order has two products or more")
    assert "found 500 orders of one product each" in sentence
    observed(sentence)


@pytest.mark.fault("every order holds the same two products", "the run goes on")
def test_orders_that_are_all_alike(aws: Any, tmp_path: Path, observed: Observation) -> None:
    figures = goes_on(aws, "prod2vec", orders([[1, 2]] * 200), tmp_path, changes=PROD2VEC)["figures"]
    observed(f"{figures['baskets']:.0f} orders to train on and to evaluate on")


@pytest.mark.fault(
    "a vocabulary cut to ten products, of which no order holds two",
    "refused as bad data: no order has two products that the model would know",
)
def test_a_vocabulary_of_products_that_never_meet(aws: Any, observed: Observation) -> None:
    baskets = [[each, 100 + 3 * order + each % 3] for order in range(60) for each in (order % 10,)]
    sentence = refusal(aws, "prod2vec", orders(baskets), {"data": {"top_products": 10}})
    assert "of the 10 most frequent products" in sentence
    observed(sentence)


@pytest.mark.fault("every user rated one film", "refused as bad data: nothing is left to choose settings by")
def test_one_rating_per_user(aws: Any, observed: Observation) -> None:
    rows = [(user, user % 40, 3 + user % 3, user) for user in range(300)]
    sentence = refusal(aws, "two_tower", ratings(rows, MOVIES))
    assert "every one of 300 users has rated once only" in sentence
    observed(sentence)


@pytest.mark.fault("no rating reaches the threshold of a relevant one", "refused as bad data with the ratings' range")
def test_no_relevant_rating(aws: Any, observed: Observation) -> None:
    rows = [(user, movie, 1 + (user + movie) % 3, movie) for user in range(30) for movie in range(20)]
    sentence = refusal(aws, "two_tower", ratings(rows, MOVIES), {"data": {"relevant_rating": 4}})
    assert "where ratings go from 1 to 3; set a lower data.relevant_rating" in sentence
    observed(sentence)


@pytest.mark.fault("the column timestamp holds words", "refused as bad data with what was found")
def test_timestamps_that_are_none(aws: Any, observed: Observation) -> None:
    rows = [(user, movie, 1 + (user + movie) % 5, "some day") for user in range(30) for movie in range(9)]
    sentence = refusal(aws, "two_tower", ratings(rows, MOVIES))
    assert "timestamp" in sentence
    assert "some day" in sentence
    observed(sentence)


@pytest.mark.fault("films without title and genres, rated with 0 and 5 only", "the run goes on")
def test_films_without_any_description(aws: Any, tmp_path: Path, observed: Observation) -> None:
    rows = [(user, movie, 5 * ((user + movie) % 2), movie) for user in range(30) for movie in range(20)]
    movies = [(movie, "", "") for movie in range(40)]
    figures = goes_on(aws, "two_tower", ratings(rows, movies), tmp_path, changes=TWO_TOWER)["figures"]
    observed(f"{figures['train_ratings']:.0f} ratings of 40 films to train on")


@pytest.mark.fault("reviews of stop words only", "refused as bad data: no words to find topics in")
def test_reviews_of_stop_words(aws: Any, observed: Observation) -> None:
    draw = random.Random(1)
    texts = [" ".join(draw.choices(STOP_WORDS, k=60)) for _ in range(300)]
    sentence = refusal(aws, "neural_topic_model", reviews(texts))
    assert sentence.startswith("reviews: no word is left that tells reviews apart")
    observed(sentence)


@pytest.mark.fault("reviews that have no word in common", "refused as bad data: no words to find topics in")
def test_reviews_of_words_of_their_own(aws: Any, observed: Observation) -> None:
    texts = [" ".join(made_up(60 * number + each) for each in range(60)) for number in range(250)]
    sentence = refusal(aws, "neural_topic_model", reviews(texts))
    assert sentence.startswith("reviews: no word is in enough reviews")
    observed(sentence)


@pytest.mark.fault("300 copies of one review", "refused as bad data: one document is left")
def test_reviews_that_are_copies(aws: Any, observed: Observation) -> None:
    sentence = refusal(aws, "neural_topic_model", reviews([" ".join(WORDS * 6)] * 300))
    assert sentence.startswith("reviews: expected at least 20 different reviews")
    observed(sentence)


@pytest.mark.fault("reviews of 12 different words", "the run goes on with what words there are")
def test_reviews_of_few_words(aws: Any, tmp_path: Path, observed: Observation) -> None:
    draw = random.Random(2)
    texts = [" ".join(draw.choices(WORDS, k=9)) for _ in range(150)]
    figures = goes_on(aws, "neural_topic_model", reviews(texts), tmp_path, changes=TOPICS)["figures"]
    observed(f"{figures['common_words']:.0f} words")


@pytest.mark.fault("headlines that have no word in common", "the run goes on: even simple models need not find a term")
def test_headlines_of_words_of_their_own(aws: Any, tmp_path: Path, observed: Observation) -> None:
    rows = [(chr(0x4E00 + number), "btem"[number % 4], f"story {number}") for number in range(160)]
    figures = goes_on(aws, "headline_classifier", headlines(rows), tmp_path, changes=HEADLINES)["figures"]
    observed(
        f"{figures['train_headlines']:.0f} headlines to train on, {figures['holdout_headlines']:.0f} to evaluate on"
    )


@pytest.mark.fault("a category without a headline to evaluate on", "the run goes on, and a warning names the category")
def test_a_category_that_is_not_evaluated(aws: Any, tmp_path: Path, observed: Observation) -> None:
    draw = random.Random(3)
    rows = [(" ".join(draw.choices(WORDS, k=8)), "bte"[number % 3], f"story {number}") for number in range(200)]
    rows += [(" ".join(draw.choices(WORDS, k=8)), "m", "the only story about health") for _ in range(6)]
    quality = goes_on(aws, "headline_classifier", headlines(rows), tmp_path, changes=HEADLINES)
    warning = next(each for each in quality["warnings"] if "evaluated" in each)
    assert warning.startswith("headlines: expected headlines of CATEGORY m among those that are evaluated")
    observed(warning)


@pytest.mark.fault("headlines to train on of one category alone", "refused as bad data with the category")
def test_one_category_to_learn(aws: Any, observed: Observation) -> None:
    rows = [(f"headline {number} of business", "b", f"story {number}") for number in range(120)]
    rows += [(f"headline of {label} {each}", label, "story 7") for label in "tem" for each in range(5)]
    held_out = next(each for each in range(1000) if _is_held_out(f"event {each}"))
    rows = [(title, label, f"event {held_out}" if label != "b" else story) for title, label, story in rows]
    sentence = refusal(aws, "headline_classifier", headlines(rows))
    assert "of at least 2 categories to train on, found b alone" in sentence
    observed(sentence)


def _is_held_out(story: str) -> bool:
    from recipes.headline_classifier.prepare import SALT
    from trainyard.contract.holdout import HOLDOUT, role

    return role(story, holdout=0.2, validation=0.1, salt=SALT) == HOLDOUT


@pytest.mark.fault(
    "400 visits of which all with a sale are alike, and all without", "refused as bad data with the split"
)
def test_visits_that_are_alike(aws: Any, observed: Observation) -> None:
    sentence = refusal(aws, "propensity", visits([(1, 2, "x", each % 2) for each in range(400)]), PROPENSITY)
    assert "equal lines are not split up" in sentence
    observed(sentence)


@pytest.mark.fault("visits with numbers up to 1e308 and columns without a value", "the run goes on")
def test_visits_with_huge_numbers(aws: Any, tmp_path: Path, observed: Observation) -> None:
    draw = random.Random(4)
    rows = [(draw.choice(("1e308", "-1e308", *[str(number)] * 6)), "", "", number % 2) for number in range(400)]
    figures = goes_on(aws, "propensity", visits(rows), tmp_path, changes=PROPENSITY)["figures"]
    observed(f"{figures['train_sales'] + figures['train_others']:.0f} visits to train on")


@pytest.mark.fault("an empty field too many at the end of one line, of every line or of the header", "the file is read")
def test_a_delimiter_too_many(aws: Any, tmp_path: Path, observed: Observation) -> None:
    files = orders([[order % 7, 7 + order % 5, 20 + order % 3] for order in range(120)])
    plain = files[ORDERS]
    for changed in (
        plain.replace(b"\n5,", b",\n5,", 1),
        plain.replace(b"\n", b",\n"),
        plain.replace(b"\n", b",\n", 1),
    ):
        assert changed != plain
        quality = quality_of(aws, "prod2vec", files | {ORDERS: changed}, PROD2VEC)
        assert quality["ok"], quality["problems"]
        assert quality["figures"]["order_products_rows"] == 360
    observed("360 of 360 lines each time")


@pytest.mark.fault("a carriage return in the middle of line 3", "the file is read: the return is a space of its cell")
def test_a_lone_carriage_return(aws: Any, observed: Observation) -> None:
    files = orders([[1, 2, 3]] * 40)
    broken = files[PRODUCTS].replace(b"product 2", b"prod\ruct 2")
    quality = quality_of(aws, "prod2vec", files | {PRODUCTS: broken}, PROD2VEC)
    assert quality["ok"], quality["problems"]
    assert quality["figures"]["products_rows"] == 3
    observed("3 of 3 lines")


@pytest.mark.fault("lines that end in LF, in CRLF and in CR CR LF, and a file of CR alone", "the file is read")
def test_line_ends_of_all_kinds(aws: Any, observed: Observation) -> None:
    files = orders([[1, 2, 3]] * 40)
    mixed = files[ORDERS].replace(b"\n7,", b"\r\n7,").replace(b"\n9,", b"\r\r\n9,")
    returns = files[PRODUCTS].replace(b"\n", b"\r")
    quality = quality_of(aws, "prod2vec", {ORDERS: mixed, PRODUCTS: returns}, PROD2VEC)
    assert quality["ok"], quality["problems"]
    rows = [quality["figures"][f"{each}_rows"] for each in ("order_products", "products")]
    assert rows == [120, 3]
    observed("120 of 120 and 3 of 3 lines")


@pytest.mark.fault("a file whose other columns have no name, or names that differ in case", "the file is read")
def test_other_columns_of_any_name(aws: Any, observed: Observation) -> None:
    draw = random.Random(5)
    rows = [(number, 5, "", " ".join(draw.choices(WORDS, k=9)), "x", "y") for number in range(150)]
    files = {"Reviews.csv": as_csv(("", *REVIEW_COLUMNS, "HELPFUL", "helpful"), rows)}
    quality = quality_of(aws, "neural_topic_model", files, TOPICS)
    assert quality["ok"], quality["problems"]
    assert quality["figures"]["reviews_rows"] == 150
    observed("150 of 150 lines")
