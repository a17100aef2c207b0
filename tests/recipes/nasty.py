"""Small tables of every recipe as people have them when something is odd: strategies that draw whole files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

Files = Mapping[str, bytes]
WORDS = ("apple", "bank", "cell", "drug", "engine", "film", "gene", "heart", "insect", "judge", "kettle", "lemon")
STOP_WORDS = ("the", "and", "of", "is", "was", "this", "that", "with")
INFLECTED = ("walk", "walks", "walking", "walked", "apple", "apples", "judge", "judges", "judging", "judged", "films")
LONG = "x" * 20_000
TEXT_KINDS = ("words", "unique", "stop", "one", "odd", "letters", "same", "long", "inflected")
ODD_TEXTS = (
    "",
    " ",
    "a",
    "\U0001f600",
    "日本の株価",
    "İstanbul",
    "e\u0301",
    'say "x"',
    "two\nlines",
    "a\tb",
    "a,b",
    "NULL",
    "nan",
    "1e5",
)
ODD_NUMBERS = ("0", "-1", "1e300", "-1e300", "1e-300", "0.1", "3", "9007199254740993", "1.7e308")
ODD_IDS = (0, 1, -1, 2**31, 2**40 - 1, 2**62, 2**63 - 1, -(2**63))


@dataclass(frozen=True, kw_only=True)
class Given:
    """Files of one recipe by name, and the changes to its settings that make a short run of them."""

    files: Files
    changes: Mapping[str, Any] = field(default_factory=dict)


def as_csv(header: Sequence[str], rows: Iterable[Sequence[object]], delimiter: str = ",") -> bytes:
    """A file as a spreadsheet writes it."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    if header:
        writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


PROD2VEC = {"data": {"min_orders": 1, "min_ordered_share": 0.0}, "hyperparameters": {"embedding_size": 4, "epochs": 1}}


@st.composite
def prod2vec(draw: st.DrawFn) -> Given:
    """Orders of any shape over few products, and their catalogue."""
    products = draw(st.lists(st.sampled_from((*range(2, 30), *ODD_IDS[:5])), min_size=2, max_size=30, unique=True))
    orders = draw(st.sampled_from([1, 20, 60, 150]))
    size = draw(st.sampled_from([2, 3, 1, len(products)]))
    place = draw(st.sampled_from(["1", "rank", "same"]))
    step = draw(st.sampled_from([1, -1, 2**40]))
    random = draw(st.randoms(use_true_random=False))
    lines = []
    for order in range(orders):
        chosen = random.sample(products, min(size, len(products)))
        lines += [(step * order, each, {"rank": i, "1": 1, "same": order}[place], 0) for i, each in enumerate(chosen)]
    texts = draw(st.lists(st.sampled_from([*[t for t in ODD_TEXTS if t], LONG]), min_size=1, max_size=4))
    unsold = draw(st.integers(0, 20))
    catalogue = [(each, texts[i % len(texts)], i % 3, draw(st.just(i % 5))) for i, each in enumerate(products)]
    catalogue += [(1000 + i, "unsold", 0, 0) for i in range(unsold)]
    changes = json.loads(json.dumps(PROD2VEC))
    changes["data"]["top_products"] = draw(st.sampled_from([10, 35_000]))
    changes["data"]["max_basket"] = draw(st.sampled_from([2, 50]))
    return Given(
        files={
            "order_products__prior.csv": as_csv(("order_id", "product_id", "add_to_cart_order", "reordered"), lines),
            "products.csv": as_csv(("product_id", "product_name", "aisle_id", "department_id"), catalogue),
        },
        changes=changes,
    )


TWO_TOWER = {
    "data": {"min_users": 2},
    "hyperparameters": {"embedding_size": 4, "rating_epochs": 1, "retrieval_epochs": 1},
}


@st.composite
def two_tower(draw: st.DrawFn) -> Given:
    """Ratings of any scale and time by few users, and films with and without what describes them."""
    users = draw(st.sampled_from([1, 2, 20, 30, 40]))
    films = draw(st.lists(st.sampled_from((*range(2, 40), *ODD_IDS)), min_size=2, max_size=25, unique=True))
    most = draw(st.sampled_from([len(films), 6, 3, 1]))
    values = draw(
        st.sampled_from(
            [
                *2 * [("0.5", "2", "3.5", "4", "5"), ("1", "5"), ("0", "4"), ("0", "1e6"), ("5", "5.0000000001")],
                *[("1", "2", "3"), ("3",), ("1", "1e300"), ("4", "-1")],
            ]
        )
    )
    rare = draw(st.booleans())
    times = draw(
        st.sampled_from(
            [
                *[(0,), (-5_000_000_000, 0), (253_402_300_799,), (1_000_000_000, 1_000_000_001)],
                *[(1, 2**53), (1_700_000_000_000,), (-(2**63), 5)],
            ]
        )
    )
    random = draw(st.randoms(use_true_random=False))
    rows = []
    for user in range(users):
        for film in random.sample(films, min(most, len(films))):
            value = values[0] if rare and rows else random.choice(values)
            rows.append((user * draw(st.just(1)), film, value, random.choice(times)))
    if rare and len(values) > 1:
        rows[-1] = (*rows[-1][:2], values[1], rows[-1][3])
    titles = draw(st.lists(st.sampled_from([*ODD_TEXTS, "Old (1895)", "New (9999)", LONG]), min_size=1, max_size=4))
    genres = draw(
        st.lists(
            st.sampled_from(["", "(no genres listed)", "Drama", "Drama|Drama", "|", "a|b|c", " "]),
            min_size=1,
            max_size=3,
        )
    )
    catalogue = [(each, titles[i % len(titles)], genres[i % len(genres)]) for i, each in enumerate(films)]
    catalogue += [(1000 + i, "unseen", "") for i in range(draw(st.integers(0, 15)))]
    return Given(
        files={
            "ratings.csv": as_csv(("userId", "movieId", "rating", "timestamp"), rows),
            "movies.csv": as_csv(("movieId", "title", "genres"), catalogue),
        },
        changes=TWO_TOWER,
    )


HEADLINES = {
    "data": {"min_headlines": 1, "min_per_class": 1},
    "hyperparameters": {"vector_size": 4, "vector_epochs": 1, "epochs": 1, "batch_size": 16},
}


@st.composite
def headline_classifier(draw: st.DrawFn) -> Given:
    """Headlines of a few kinds of text, classes of any size, stories of any size."""
    count = draw(st.integers(20, 90))
    kinds = draw(
        st.lists(
            st.sampled_from(TEXT_KINDS),
            min_size=1,
            max_size=2,
        )
    )
    stories = draw(st.sampled_from([1000, 25, 20, 1]))
    shares = draw(st.sampled_from([(1, 1, 1, 1), (30, 1, 1, 1), (1, 1, 1, 30), (10, 10, 1, 1)]))
    random = draw(st.randoms(use_true_random=False))
    rows = []
    for number in range(count):
        label = "btem"[number] if number < 4 else random.choices("btem", shares)[0]
        title = _text(random, kinds[number % len(kinds)], number)
        rows.append((number, title, "", "", label, f"s{number % stories}", "", ""))
    lines = "".join("\t".join(map(str, row)).replace("\n", " ") + "\n" for row in rows)
    return Given(files={"newsCorpora.csv": lines.encode()}, changes=HEADLINES)


def _text(random: Any, kind: str, number: int, words: int = 5) -> str:
    if kind == "words":
        return " ".join(random.choices(WORDS, k=words))
    if kind == "unique":
        return " ".join(f"{made_up(number * words + each)}" for each in range(words))
    if kind == "stop":
        return " ".join(random.choices(STOP_WORDS, k=words))
    if kind == "inflected":
        return " ".join(random.choices(INFLECTED, k=words))
    if kind == "one":
        return random.choice(WORDS)
    if kind == "letters":
        return " ".join(random.choices("abc", k=words))
    if kind == "long":
        return " ".join(random.choices(WORDS, k=3000)) if number % 7 == 0 else "lemon bank"
    if kind == "same":
        return "apple bank cell drug engine"
    return random.choice([each.replace("\t", " ") for each in ODD_TEXTS if each.strip()])


def made_up(number: int) -> str:
    """A word of letters that no other number has."""
    letters = ""
    for _ in range(6):
        number, digit = divmod(number, 20)
        letters += "bcdfghjklmnpqrstvwxz"[digit] + "aeiou"[digit % 5]
    return letters


TOPICS = {
    "data": {"min_words": 1, "min_documents": 50, "vector_size": 4, "demonstration_reviews": 1},
    "hyperparameters": {"epochs": 1, "steps_per_epoch": 1, "hidden_units": 8, "topics": 5},
}


@st.composite
def neural_topic_model(draw: st.DrawFn) -> Given:
    """Reviews of one or two kinds of text, some of them copies."""
    count = draw(st.integers(60, 160))
    kinds = draw(
        st.lists(
            st.sampled_from(TEXT_KINDS),
            min_size=1,
            max_size=2,
        )
    )
    words = draw(st.sampled_from([8, 60, 3, 1]))
    scores = draw(st.sampled_from([(1, 2, 3, 4, 5), (5,)]))
    random = draw(st.randoms(use_true_random=False))
    rows = [
        (random.choice(scores), draw(st.just("")), _text(random, kinds[number % len(kinds)], number, words))
        for number in range(count)
    ]
    changes = json.loads(json.dumps(TOPICS))
    changes["data"]["sentiment"] = draw(st.sampled_from(["all", "all", "positive"]))
    return Given(files={"Reviews.csv": as_csv(("Score", "Summary", "Text"), rows)}, changes=changes)


PROPENSITY = {
    "data": {"min_sales": 10, "csv_columns": ["n:number", "m:number", "c:category", "y:sale"], "folds": 2},
    "hyperparameters": {"search": "none", "epochs": 1, "ensemble_size": 1, "node1": 4, "node2": 2},
}


@st.composite
def propensity(draw: st.DrawFn) -> Given:
    """Visits whose columns are constant, missing, huge or names of any kind."""
    count = draw(st.integers(60, 300))
    rate = draw(st.sampled_from([0.5, 0.3, 0.8, 1.0]))
    kinds = [draw(st.sampled_from(["missing", "constant", "number", "huge", "rare"])) for _ in range(2)]
    names = draw(st.sampled_from(["missing", "constant", "few", "unique", "odd", "leak"]))
    random = draw(st.randoms(use_true_random=False))
    rows = []
    for number in range(count):
        sale = random.random() < rate
        cells = [_number(random, kind, number) for kind in kinds]
        name = {
            "missing": "",
            "constant": "x",
            "few": random.choice("abc"),
            "unique": f"v{number}",
            "odd": random.choice(ODD_TEXTS),
            "leak": str(sale),
        }[names]
        rows.append((*cells, name, str(sale).lower()))
    return Given(files={"visits.csv": as_csv(("n", "m", "c", "y"), rows)}, changes=PROPENSITY)


def _number(random: Any, kind: str, number: int) -> str:
    return {
        "missing": "",
        "constant": "7",
        "number": str(random.gauss(0, 1)),
        "huge": random.choice(ODD_NUMBERS),
        "rare": "" if number else "1",
    }[kind]
