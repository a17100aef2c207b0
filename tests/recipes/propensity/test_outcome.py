"""The outcome of a table is the column that a reader would call it, its yes what the words say, and doubt is asked."""

from __future__ import annotations

import pyarrow as pa
import pytest

from recipes.propensity.columns import names, outcome
from recipes.propensity.columns.understanding import understood
from recipes.propensity.config import CONFIG
from tests.recipes.tables import stored
from trainyard.errors import BadData
from trainyard.run.settings.overrides import override

ROWS = 120
FEW = [place % 4 == 0 for place in range(ROWS)]
HALF = [place % 2 == 0 for place in range(ROWS)]


def of(no, yes, chosen=FEW):
    return [yes if each else no for each in chosen]


def found(table, **data):
    config = override(CONFIG, {"data": data})
    return understood(stored({"visits": pa.table(table)}), config.data)[0].outcome


OTHERS = {"paperless": of("No", "Yes", HALF), "amount": [place * 0.5 for place in range(ROWS)]}


@pytest.mark.parametrize(
    "name",
    [
        *("Revenue", "churned", "Churn?", "Exited", "Attrition_Flag", "is_canceled", "Response", "y", "target"),
        *(
            "survived",
            "default.payment.next.month",
            "Clicked on Ad",
            "HeartDisease",
            "customer_churn",
            "gekündigt",
            "Loan_Status",
            "deny",
            "respond",
            "re-arrested",
            "vote",
        ),
    ],
)
def test_a_name_tells_the_outcome_wherever_it_stands(name):
    values = of(False, True)
    assert found({name: values, **OTHERS}).column == name
    assert found({**OTHERS, name: values}).column == name


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        # A bank's calls: the loan in default is a property of the customer.
        ({"default": of("no", "yes"), "housing": of("no", "yes", HALF), "y": of("no", "yes")}, "y"),
        ({"default": of("no", "yes"), "housing": of("no", "yes", HALF), "deposit": of("no", "yes")}, "deposit"),
        # What was is no outcome of what will be; nor is a number of them.
        ({"previous_churn": of(0, 1, HALF), "churn": of(0, 1)}, "churn"),
        ({"purchases": list(range(ROWS)), "purchased": of(0, 1)}, "purchased"),
        # Two of equal names: the last column of the table.
        ({"clicked": of(0, 1, HALF), "amount": OTHERS["amount"], "converted": of(0, 1)}, "converted"),
        ({"gender": of("f", "m", HALF), "renewal": of("n", "y")}, "renewal"),
        ({"approve": of(0, 1), "married": of(0, 1, HALF), "white": of(0, 1, HALF)}, "approve"),
        # No name that anybody knows, and one column of yes and no.
        ({"amount": OTHERS["amount"], "xyz": of("No", "Yes")}, "xyz"),
        ({"amount": OTHERS["amount"], "result": of("b", "g")}, "result"),
    ],
)
def test_the_outcome_among_others_of_two_values(table, expected):
    assert found(table).column == expected


@pytest.mark.parametrize(
    "table",
    [
        {**OTHERS, "other": of("No", "Yes")},
        {"os": of("android", "ios"), "amount": OTHERS["amount"]},
        {"default": of("no", "yes", HALF), "amount": OTHERS["amount"], "xyz": of("no", "yes")},
        {"converted": of(0, 1), "clicked": of(0, 1), "amount": OTHERS["amount"]},
    ],
)
def test_where_it_is_not_sure_the_question_names_the_candidates(table):
    with pytest.raises(BadData, match=r"data\.label in run\.json") as caught:
        found(table)
    (sentence,) = caught.value.problems
    candidates = [name for name, values in table.items() if len(set(values)) == 2]
    assert all(name in sentence for name in candidates)
    assert found(table, label=candidates[0]).column == candidates[0]
    assert found(table, csv_columns=[f"{candidates[0].upper()}:sale"]).column == candidates[0]


def test_a_table_without_an_outcome_lists_its_columns():
    with pytest.raises(BadData, match=r"found none; the columns are kind \(3 values\), amount \(120 values\)"):
        found({"amount": OTHERS["amount"], "kind": [f"k{place % 3}" for place in range(ROWS)]})
    with pytest.raises(BadData, match="column bought, found none of that name; the columns are paperless, amount"):
        found(OTHERS, label="bought")


@pytest.mark.parametrize(
    ("name", "values", "yes"),
    [
        ("churned", ("stayed", "churned"), "churned"),
        ("Attrition_Flag", ("Existing Customer", "Attrited Customer"), "attrited customer"),
        ("status", ("Not churned", "Churned"), "churned"),
        ("Churn", ("False.", "True."), "true."),
        ("fraud", ("no fraud", "fraud"), "fraud"),
        ("transaction", ("legit", "other"), "other"),
        ("class", ("ham", "spam"), "spam"),
        ("loan_status", ("N", "Y"), "y"),
        ("label", (-1, 1), "1"),
        ("target", (0.0, 1.0), "1"),
        ("income", ("<=50K", ">50K"), ">50k"),
        ("class", ("good", "bad"), "bad"),
        ("y", (1, 2), "1"),
    ],
)
@pytest.mark.parametrize("chosen", [FEW, [not each for each in FEW]])
def test_words_tell_which_value_is_yes_else_the_rarer_one_is(name, values, yes, chosen):
    found_outcome = found({"amount": OTHERS["amount"], name: of(*values, chosen)}, label=name)
    if name in ("income", "y") or "good" in values:
        assert "rarer" in found_outcome.why or values == (1, 2)
        rare = values[1] if chosen is FEW else values[0]
        assert values == (1, 2) or found_outcome.yes == rare.lower()
    else:
        assert found_outcome.yes == yes


def test_a_setting_says_which_value_is_yes():
    stages = [f"S{place % 3}" for place in range(ROWS)]
    table = {"amount": OTHERS["amount"], "result": of("won", "lost"), "stage": stages}
    assert found(table, label="result", positive="Lost").yes == "lost"
    chosen = found(table, label="stage", positive="s2")
    assert (chosen.yes, chosen.no) == ("s2", "")
    with pytest.raises(BadData, match=r"expected two values in the outcome stage, found 3 .* data\.positive"):
        found(table, label="stage")
    with pytest.raises(BadData, match=r"'S9' of data\.positive among the values of stage, found s0, s1, s2"):
        found(table, label="stage", positive="S9")
    assert found({"amount": OTHERS["amount"], "y": of(False, True)}, positive="No").yes == "false"


def test_an_outcome_that_never_comes_is_still_found_by_its_name():
    assert found({"Weekend": of(False, True), "Revenue": [False] * ROWS}).yes == ""
    assert found({"Weekend": of(False, True), "Revenue": [1] * ROWS}).yes == "1"


@pytest.mark.parametrize("module", [names, outcome])
def test_the_examples_hold(module):
    import doctest

    assert doctest.testmod(module).failed == 0
