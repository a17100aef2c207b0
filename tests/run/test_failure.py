"""What a job leaves about its failure: bounded, found by its own run alone, and without what secrets say."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainyard.contract.quoting import cells_shown
from trainyard.errors import NotFound
from trainyard.run.failure import MAX_MESSAGE, MAX_TRACEBACK, JobFailure, key_of
from trainyard.run.redaction import redacted

SECRET = json.dumps({"username": "ann", "password": "p@ss/w&rd", "host": "db.internal", "port": 3306, "dbname": "d8"})


def raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:
        return caught


def test_a_failure_keeps_name_sentence_and_traceback():
    found = JobFailure.of(raised(NotFound("Expected a file; there is none.")), job_run="jr_1")
    assert JobFailure.from_json(found.to_json()) == found
    assert found.reason == "NotFound: Expected a file; there is none."
    assert found.traceback.endswith("trainyard.errors.NotFound: Expected a file; there is none.\n")
    assert "raise error" in found.traceback


def test_a_failure_is_bounded_and_its_traceback_keeps_its_end():
    found = JobFailure.of(raised(ValueError("x" * 100_000 + "end")), job_run="jr_1")
    assert (len(found.message), len(found.traceback)) == (MAX_MESSAGE, MAX_TRACEBACK)
    assert found.traceback.endswith("end\n")


def test_an_exception_without_words_is_told_by_its_class():
    assert JobFailure.of(raised(LookupError()), job_run="").reason == "LookupError"


def test_two_runs_of_a_job_never_share_a_document():
    assert key_of("r/1", "jr_1") != key_of("r/1", "jr_2")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Access denied for 'ann'@'db.internal' (3306)", "Access denied for '***'@'***' (3306)"),
        ("the password p@ss/w&rd is wrong", "the password *** is wrong"),
        (
            "no route to mysql+pymysql://ann:p%40ss%2Fw%26rd@db.internal:3306/d8",
            "no route to mysql+pymysql://***@***:3306/***",
        ),
        ("joanna's annual plan", "joanna's annual plan"),
    ],
)
def test_what_a_secret_says_is_taken_out_however_it_is_written(text, expected):
    assert redacted(text, [SECRET]) == expected


def test_a_url_gives_its_credentials_away_only_to_nobody():
    secret = json.dumps({"url": "postgresql://ann:s3cr%26t@db.internal/sales"})
    text = redacted(f"ann, s3cr&t, s3cr%26t, db.internal and {secret}", [secret])
    assert not any(each in text for each in ("ann", "s3cr", "db.internal"))
    assert redacted("at http://user:word@host/x and https://host/y@z") == "at http://***@host/x and https://host/y@z"


@given(st.text(), st.lists(st.text(), max_size=3))
def test_any_text_and_any_secret_can_be_redacted(text, secrets):
    shown = redacted(text, secrets)
    assert not any(secret in shown for secret in secrets if len(secret.strip("* ")) > 3 and not secret.isalnum())


def test_hiding_is_known_so_that_the_exception_itself_is_not_shown():
    assert JobFailure.of(raised(ValueError("at p@ss/w&rd")), job_run="", secrets=[SECRET]).hides
    assert not JobFailure.of(raised(ValueError("at home")), job_run="", secrets=[SECRET]).hides


def test_where_no_cells_are_shown_only_our_own_sentences_are_told():
    with cells_shown(False):
        foreign = JobFailure.of(raised(ValueError("could not convert 'Ann Smith'")), job_run="jr_1")
        own = JobFailure.of(raised(NotFound("Expected a file; there is none.")), job_run="jr_1")
    assert (foreign.reason, foreign.hides) == ("ValueError", True)
    assert "Ann" not in foreign.to_json()
    assert "raise error" in foreign.traceback
    assert own.reason == "NotFound: Expected a file; there is none."


def test_a_sentence_moves_no_cursor():
    assert JobFailure.of(raised(ValueError("a\x1b[2J\nb")), job_run="").message == "a\\x1b[2J\nb"
