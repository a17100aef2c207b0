"""Any table with an outcome is prepared: keys are no inputs, spelling changes nothing, and what is odd is said."""

from __future__ import annotations

from datetime import datetime, timedelta

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from recipes.propensity import prepare
from recipes.propensity.columns.uses import Description
from recipes.propensity.config import CONFIG, sources
from recipes.propensity.features import Encoder
from tests.recipes.tables import stored
from trainyard.contract.holdout import role
from trainyard.run.settings.overrides import override

ROWS = 600
RANDOM = np.random.default_rng(5)
AGES = RANDOM.integers(18, 80, ROWS)
LEFT = RANDOM.random(ROWS) < AGES / 200
START = datetime(2024, 1, 1)
CUSTOMERS = {
    "customer_id": [f"C-{10_000 + place}" for place in range(ROWS)],
    "signup": [START + timedelta(hours=7 * place) for place in range(ROWS)],
    "plan": [("basic", "plus", "pro")[place % 3] for place in range(ROWS)],
    "region_code": [int(each) for each in RANDOM.integers(1, 9, ROWS)],
    "age": AGES.tolist(),
    "spent": np.round(RANDOM.random(ROWS) * 100, 2).tolist(),
    "paperless": (RANDOM.random(ROWS) < 0.5).tolist(),
    "note": [f"called on day {place}, said {place * 7}" for place in range(ROWS)],
    "country": ["NO"] * ROWS,
    "fax": [None] * ROWS,
    "churned": LEFT.tolist(),
}


def tables(columns):
    return stored({"visits": pa.table({name: _array(values) for name, values in columns.items()})})


def _array(values):
    return pa.array(values, pa.string()) if set(values) == {None} else pa.array(values)


def config(**data):
    return override(CONFIG, {"data": {"min_sales": 50, **data}})


def prepared(columns, **data):
    """The prepared visits and what was understood of the columns."""
    found = prepare.prepare(tables(columns), config(**data))
    visits = found["visits"].to_pyarrow().to_pandas()
    return visits, Description.from_json(found["description"].to_pyarrow().to_pylist()[0]["document"])


def test_a_table_of_customers_is_understood_and_said():
    quality = prepare.check(tables(CUSTOMERS), config())
    assert quality.ok and quality.warnings == ()
    rate = f"{LEFT.sum():,} of {ROWS:,} rows, {100 * LEFT.mean():.1f} %"
    assert f"visits: the outcome is the column churned, yes is 'true' ({rate})" in quality.notes[0]
    assert "numbers age, spent; categories plan, region_code, paperless; dates signup" in quality.notes[1]
    unused = "customer_id (is a key), note (has 600 different texts), fax (has no value), country (is always the same)"
    assert unused in quality.notes[2]
    visits, description = prepared(CUSTOMERS)
    assert description.key == "customer_id"
    # A column that is always the same goes on, for the model in use may know other values of it.
    features = ["signup", "plan", "region_code", "age", "spent", "paperless", "country"]
    assert list(visits.columns) == ["row_key", "is_sale", *features, "row_role"]
    assert visits.is_sale.sum() == LEFT.sum()
    encoder = Encoder.fit(visits, max_categories=50)
    assert set(encoder.columns) == {*features} - {"country"}


def test_roles_follow_the_key_of_a_customer_in_whatever_order_and_type():
    visits, _ = prepared(CUSTOMERS)
    shares = {"holdout": 0.2, "validation": 0.8 / CONFIG.data.folds, "salt": prepare.SALT}
    assert visits.row_role.tolist() == [role(each, **shares) for each in visits.row_key]
    numbers = {**CUSTOMERS, "customer_id": list(range(10_000, 10_000 + ROWS))}
    texts = {**CUSTOMERS, "customer_id": [str(each) for each in numbers["customer_id"]]}
    floats = {**CUSTOMERS, "customer_id": [float(each) for each in numbers["customer_id"]]}
    first, *others = (prepared(each)[0] for each in (numbers, texts, floats))
    assert all(each.equals(first) for each in others)
    # What is dropped by name still tells rows apart.
    assert prepared(numbers, drop=["customer_id"])[0].equals(first)


def test_all_rows_of_one_customer_have_one_role():
    several = {**CUSTOMERS, "customer_id": [f"C-{place // 3}" for place in range(ROWS)]}
    visits, description = prepared(several)
    assert description.key == "customer_id" and "customer_id" not in visits
    owner = visits.row_key.str.partition("\x1f")[0]
    assert owner.nunique() == ROWS / 3 and (visits.groupby(owner).row_role.nunique() == 1).all()


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("RowNumber", list(range(1, ROWS + 1)), "counts the rows"),
        ("CLIENTNUM", [708_000_000 + 13 * place for place in range(ROWS)], "is a key"),
        ("reference", [10_001 + place for place in range(ROWS)], "is a key"),
        ("uuid", [f"{place:08x}-0000-4000-8000-{place:012x}" for place in range(ROWS)], "is a key"),
        ("account", [f"{place:08x}-0000-4000-8000-{place:012x}" for place in range(ROWS)], "is a key"),
        ("email", [f"p{place % 400}@example.org" for place in range(ROWS)], "is a key"),
        ("Name", [f"Person {place % 500}" for place in range(ROWS)], "has 500 different texts"),
        # Quantities, shops and codes are no keys, however many values they have.
        ("salary", [20_000 + 211 * place for place in range(ROWS)], ""),
        ("store_id", [place % 40 for place in range(ROWS)], ""),
        ("surname", [f"Name{place % 90}" for place in range(ROWS)], ""),
    ],
)
def test_what_names_a_row_is_no_input(name, values, reason):
    _, description = prepared({name: values, **{each: CUSTOMERS[each] for each in ("plan", "age", "churned")}})
    assert dict(description.left_out).get(name, "") == reason
    if not reason:
        assert description.inputs[name] == ("number" if name == "salary" else "category")
    if reason == "counts the rows":
        assert description.key == ""
    # Whoever means it as an input says so.
    own = {name: values, **{each: CUSTOMERS[each] for each in ("age", "churned")}}
    assert name in prepared(own, categorical=[name])[0]


def same(value):
    return value


def with_fraction(value):
    return f"{value}.0"


SPELLINGS = {
    "paperless": (same, int, float),
    "region_code": (same, float, str, with_fraction),
    "age": (same, float),
    "churned": (same, int, float),
}


@pytest.mark.parametrize("keyed", [True, False])
@pytest.mark.parametrize("name", list(SPELLINGS))
def test_how_a_value_is_spelled_changes_neither_roles_nor_features(name, keyed):
    own = {each: values for each, values in CUSTOMERS.items() if keyed or each != "customer_id"}
    found = [prepared({**own, name: [spell(each) for each in own[name]]})[0] for spell in SPELLINGS[name]]
    assert all((each.row_role == found[0].row_role).all() for each in found)
    encoders = [Encoder.fit(each, max_categories=50) for each in found]
    inputs = encoders[0].transform(found[0])
    assert all((own.transform(each) == inputs).all() for own, each in zip(encoders, found, strict=True))
    # A model of one spelling reads every other, so that it can be compared on another's holdout.
    assert all((encoders[0].transform(each) == inputs).all() for each in found)


def test_rows_without_an_outcome_are_scored_not_learned_from():
    future = {**CUSTOMERS, "churned": [None if place < 30 else each for place, each in enumerate(LEFT.tolist())]}
    quality = prepare.check(tables(future), config())
    assert quality.ok and quality.figures["labelled_without"] == 30
    assert "30 rows have no value in churned and are left out" in quality.warnings[0]
    assert len(prepared(future)[0]) == ROWS - 30


@pytest.mark.parametrize(
    ("name", "sales", "sentence"),
    [
        ("Revenue", 0, "visits: no visit ended in a sale, and at least 50 are needed to learn from;"),
        ("Revenue", 1, "visits: one visit ended in a sale, and at least 50 are needed to learn from;"),
        ("Revenue", 49, "visits: 49 visits ended in a sale, and at least 50 are needed to learn from;"),
        ("churned", 0, "visits: no row has churned = yes, and at least 50 are needed to learn from;"),
        ("churned", 7, "visits: 7 rows have churned = yes, and at least 50 are needed to learn from;"),
        ("churned", ROWS, "visits: expected at least 50 rows without churned, found 0; export the rows without"),
    ],
)
def test_too_few_of_either_outcome_is_one_sentence(name, sales, sentence):
    own = {each: CUSTOMERS[each] for each in ("plan", "paperless", "age")}
    problems = prepare.check(tables({**own, name: [place < sales for place in range(ROWS)]}), config()).problems
    assert len(problems) == 1 and problems[0].startswith(sentence)


def test_numbers_of_any_size_are_numbers():
    huge = [(1e308, -1e308, 0.5, 2.0**53 + 2, float("nan"), float("inf"))[place % 6] for place in range(ROWS)]
    visits, description = prepared({**CUSTOMERS, "huge": huge, "code": huge}, categorical=["code"])
    assert (description.inputs["huge"], description.inputs["code"]) == ("number", "category")
    assert set(visits.code) > {"0.5", "1e+308"} and prepare.check(tables({**CUSTOMERS, "huge": huge}), config()).ok


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_spark_is_asked_for_nothing_that_it_reads_differently():
    pytest.importorskip("pyspark")
    expressions = prepare.prepare(tables({**CUSTOMERS, "code": ["1.0", "2"] * (ROWS // 2)}), config())
    # To name the backend is to load its options. A backslash in Spark's texts is an escape: the pattern must have none.
    assert ibis.pyspark and f"'{prepare.WHOLE_FLOAT}'" in ibis.to_sql(expressions["visits"], dialect="pyspark")
    assert "\\" not in prepare.WHOLE_FLOAT


def test_parts_of_a_second_which_engines_round_each_in_their_way_change_no_key():
    own = {each: CUSTOMERS[each] for each in ("signup", "plan", "churned")}
    later = {**own, "signup": [each + timedelta(milliseconds=600) for each in own["signup"]]}
    assert prepared(own)[0].row_key.tolist() == prepared(later)[0].row_key.tolist()


def test_a_column_that_tells_the_outcome_by_itself_is_named():
    ended = [START + timedelta(days=place) if each else None for place, each in enumerate(LEFT)]
    fee = [5.0 + place / ROWS if each else place / ROWS for place, each in enumerate(LEFT)]
    why = ["price" if each else "none of these" for each in LEFT]
    quality = prepare.check(tables({**CUSTOMERS, "ended": ended, "fee": fee, "why": why}), config(label="churned"))
    assert quality.ok
    named = [each.split(" alone tells churned")[0].removeprefix("visits: ") for each in quality.warnings]
    assert sorted(named) == ["ended", "fee", "why"]
    assert all("name it in data.drop in run.json" in each for each in quality.warnings)


def test_a_table_of_keys_has_nothing_to_learn_from():
    problems = prepare.check(tables({each: CUSTOMERS[each] for each in ("customer_id", "note", "churned")}), config())
    assert "found none that can be an input beside churned" in problems.problems[0]


def test_columns_may_have_any_name_but_three():
    roles = ["cook", "baker"] * (ROWS // 2)
    own = {each: CUSTOMERS[each] for each in ("age", "churned")}
    visits, _ = prepared({**own, "role": roles, "key": CUSTOMERS["plan"], "rows": CUSTOMERS["spent"]}, label="churned")
    assert set(visits.role) == {"cook", "baker"} and set(visits.row_role) == {"train", "validation", "holdout"}
    taken = prepare.check(tables({**own, "row_role": roles}), config(label="churned")).problems
    assert "expected no column named row_role" in taken[0]


@pytest.mark.parametrize("moment", [False, True], ids=["number", "date"])
def test_a_column_may_be_called_as_what_a_function_takes(moment):
    days = [datetime(2025, 1, 1) + timedelta(hours=row) for row in range(ROWS)]
    values = days if moment else CUSTOMERS["spent"]
    own = {"churned": CUSTOMERS["churned"], "self": values, "predicates": CUSTOMERS["age"], "args": CUSTOMERS["plan"]}
    assert prepare.check(tables(own), config(label="churned")).ok
    visits, description = prepared(own, label="churned")
    assert {"self", "predicates", "args"} <= set(visits.columns)
    assert description.inputs["self"] == ("date" if moment else "number")


def test_settings_name_columns_in_any_case():
    visits, description = prepared(
        CUSTOMERS, drop=["PLAN"], numeric=["Region Code"], categorical=["AGE"], label="Churned", positive="false"
    )
    assert description.inputs["region_code"] == "number" and description.inputs["age"] == "category"
    assert "plan" not in visits and dict(description.left_out)["plan"] == "is named in data.drop"
    assert visits.is_sale.sum() == ROWS - LEFT.sum()
    old = ["age:category", "region_code:number", "churned:sale"]
    assert prepared(CUSTOMERS, csv_columns=old)[1].inputs["age"] == "category"


def test_equal_lines_have_one_role_and_any_order_of_the_file_gives_one_table():
    own = pd.DataFrame({each: CUSTOMERS[each] for each in ("plan", "region_code", "paperless", "churned")})
    visits, description = prepared(own.to_dict("list"))
    assert description.key == ""
    assert (visits.groupby(["plan", "region_code", "paperless", "is_sale"]).row_role.nunique() == 1).all()
    shuffled = own.sample(frac=1, random_state=1)
    assert prepared(shuffled.to_dict("list"))[0].equals(visits)


def test_any_file_provides_the_table():
    (visits, _) = sources(CONFIG)
    assert visits.other_columns and not visits.columns
    assert visits.accepts("visits.csv") and visits.accepts("Customer_Churn-2.csv.gz")
