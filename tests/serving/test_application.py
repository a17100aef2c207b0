"""What the service answers and what it refuses: formats, limits, bad rows, its own description."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading

import pytest

from tests.serving.toy import Toy, call, refusal, toy_application

ROWS = [{"item": 3}, {"item": 6, "note": 'a,"b"\nc'}]
LEVELS = [{"level": 1.0, "note": ""}, {"level": 2.0, "note": 'a,"b"\nc'}]


@pytest.fixture(scope="module")
def app():
    return toy_application()


def test_ping_says_that_the_model_is_ready(app):
    assert call(app, "/ping", method="GET")[0] == 200


@pytest.mark.parametrize("path", ["/invocations", "/levels"])
@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({"instances": ROWS}, {"predictions": LEVELS}),
        (ROWS, LEVELS),
        (ROWS[0], LEVELS[0]),
    ],
)
def test_an_answer_has_the_shape_of_its_request(app, path, body, answer):
    status, _, found = call(app, path, json.dumps(body).encode())
    assert (status, json.loads(found)) == (200, answer)


@pytest.mark.parametrize("given", ["application/jsonlines", "application/jsonl", "application/x-ndjson; charset=UTF-8"])
def test_json_lines_in_and_out(app, given):
    body = b"".join(json.dumps(each).encode() + b"\r\n" for each in ROWS) + b"\n"
    status, headers, found = call(app, "/invocations", body, content_type=given)
    assert status == 200
    assert headers[b"content-type"].startswith(b"application/jsonlines")
    assert [json.loads(line) for line in found.splitlines()] == LEVELS


def test_csv_in_and_out(app):
    body = b'\xef\xbb\xbfitem,note,counts\n3,,\n6,"a,""b""\nc","[1, 2.5]"\n'
    status, headers, found = call(app, "/invocations", body, content_type="text/csv")
    assert (status, headers[b"content-type"]) == (200, b"text/csv; charset=utf-8")
    assert found.decode() == 'level,note\n1.0,\n2.0,"a,""b""\nc"\n'


def test_text_in_a_cell_stays_text(app):
    status, _, found = call(
        app, "/invocations", b"item,note\n3,2012\n", content_type="text/csv", accept="application/json"
    )
    assert (status, json.loads(found)) == (200, {"predictions": [{"level": 1.0, "note": "2012"}]})


@pytest.mark.parametrize(
    ("accept", "found"),
    [
        ("*/*", b"application/json"),
        ("text/html;q=0.9, application/jsonlines", b"application/jsonlines"),
        ("text/csv;q=0.2, application/json;q=0.5", b"application/json"),
        ("text/*", b"text/csv; charset=utf-8"),
    ],
)
def test_the_caller_chooses_the_format(app, accept, found):
    status, headers, _ = call(app, "/invocations", b'{"item": 1}', accept=accept)
    assert (status, headers[b"content-type"]) == (200, found)


def test_a_number_comes_back_with_all_its_digits(app):
    assert json.loads(call(app, "/levels", b'{"item": 1}')[2])["level"] == 1 / 3


def test_a_row_from_path_and_query(app):
    status, _, found = call(app, "/items/6?note=caf%C3%A9", method="GET", content_type=None)
    assert (status, json.loads(found)) == (200, {"level": 2.0, "note": "café"})


@pytest.mark.parametrize("query", ["note=a&note=b", "item=7"])
def test_a_field_that_an_address_says_twice_is_refused(app, query):
    status, sentence = refusal(call(app, f"/items/6?{query}", method="GET"))
    assert (status, sentence[:50]) == (400, "Expected every field once in path and query, found")


def json_of(document):
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        (b"", 400, "Expected JSON in UTF-8 in the body"),
        (b"{", 400, "Expected JSON in UTF-8 in the body"),
        (b'{"item": "\xff\xfe"}', 400, "Expected JSON in UTF-8"),
        (b'{"item": NaN}', 400, "Expected JSON in UTF-8"),
        (b'{"item": 1, "counts": [1e999]}', 422, None),
        (b'{"item": "\\ud800"}', 400, "Expected JSON in UTF-8"),
        (b"[" * 100_000, 400, "Expected JSON in UTF-8"),
        (b'{"item": ' + b"[" * 900 + b"]" * 900 + b"}", 422, "a whole number in item, found [[["),
        (b"[]", 400, "Expected at least one row, found none."),
        (b'{"instances": []}', 400, "Expected at least one row, found none."),
        (b'{"instances": {"item": 1}}', 400, 'Expected {"instances": [row, ...]}'),
        (b'{"instances": [{"item": 1}], "other": 1}', 400, 'Expected {"instances": [row, ...]}'),
        (b'{"item": 100}', 422, "Expected a known item in item, found 100."),
        (b'[{"item": 1}, {"item": 100}]', 422, "Row 1: expected a known item in item"),
        (b"[1]", 422, "Row 0: expected an object with item, note, counts and wide, found 1."),
        (b"null", 422, "Expected an object with item"),
        (b"{}", 422, "Expected a value in item, found none."),
        (b'{"item": "1"}', 422, "Expected a whole number in item, found '1'."),
        (b'{"item": true}', 422, "Expected a whole number in item, found True."),
        (b'{"item": 1.5}', 422, "Expected a whole number in item"),
        (b'{"item": 1, "note": 5}', 422, "Expected text in note, found 5."),
        (b'{"item": 1, "extra": 5}', 422, "Expected only item, note, counts and wide; found 'extra'."),
        (b'{"item": 1, "counts": [1, null]}', 422, "Expected a number in counts[1], found None."),
        (b'{"item": 1, "counts": [1, 2, 3, 4]}', 422, "Expected at most 3 entries in counts"),
        (json_of([{"item": 1}] * 300 + [{}]), 422, "Row 300: expected a value in item, found none."),
        (json_of([{"item": 1}] * 10_001), 413, "Expected at most 10,000 rows, found 10,001; send several requests."),
        (b'{"note": "' + b"x" * 30_000_000 + b'"}', 413, "Expected a body of at most 26,214,400 bytes, which is what"),
        (b'{"note": "' + b"x" * 1_000_000 + b'"}', 422, "Expected a value in item"),
    ],
)
def test_a_bad_body_gets_its_status_and_one_sentence(app, body, status, sentence):
    found = refusal(call(app, "/invocations", body))
    assert found[0] == status if sentence else found[0] in {400, 422}
    assert (sentence or "Expected") in found[1]
    assert len(found[1]) < 400


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        (b"", 400, "Expected at least one row"),
        (b"item,note\n", 400, "Expected at least one row"),
        (b"item,note\n1\n", 400, "Row 0: expected 2 cells as in the first line, found 1."),
        (b"item\n\xff\n", 400, "Expected CSV in UTF-8, found byte 0xff at 5."),
        (b'item\n"1', 400, "Expected CSV with a line of field names"),
        (b"item\nmany\n", 422, "Row 0: expected a whole number in item, found 'many'."),
        (b"item,counts\n1,[nan]\n", 422, "Row 0: expected a list in counts"),
        (b"thing\n1\n", 422, "Row 0: expected a value in item, found none."),
        (b"item\n1\n\n2\n", 400, "Line 3: expected 1 cells as in the first line, found an empty line; remove it"),
        (b'item,note\r\n1,"a\r\nb"\r\n\r\n', 400, "Line 4: expected 2 cells"),
        (b"\nitem\n1\n", 400, "Expected CSV with a line of field names, found an empty first line."),
        (b"\n\n\n", 400, "found an empty first line"),
        (b"item,note,item\n1,a,2\n", 400, "Expected every field once in the first line, found 'item' more than once."),
        (b"item,,\n1,a,2\n", 400, "found '' more than once"),
        (b'item\n1\n2\n"3"x\n', 400, "Expected CSV with a line of field names, found in line 4:"),
        (b"item\n1.5\n", 422, "Row 0: expected a whole number in item, found 1.5."),
        (b"item\n" + b"1" * 5000 + b"\n", 422, "Row 0: expected a whole number in item, found '111"),
        (b"item\n" + b"1\n" * 10_001, 413, "Expected at most 10,000 rows, found more; send several requests."),
        (b"item,note\n1," + b"x" * 200_000 + b"\n", 400, "field larger than field limit"),
    ],
)
def test_bad_csv_gets_its_status_and_one_sentence(app, body, status, sentence):
    found = refusal(call(app, "/invocations", body, content_type="text/csv"))
    assert found[0] == status
    assert sentence in found[1]


def test_bad_json_lines_name_the_line(app):
    answer = call(app, "/invocations", b'{"item": 1}\nnope\n', content_type="application/jsonlines")
    assert refusal(answer)[0] == 400
    assert "line 2" in refusal(answer)[1]


def test_an_empty_line_among_json_lines_is_no_lost_row(app):
    body = b'{"item": 1}\n\n{"item": 2}\n'
    answer = call(app, "/invocations", body, content_type="application/jsonlines")
    assert refusal(answer) == (400, "Line 2: expected a JSON object, found an empty line; remove it or write a row.")
    many = call(app, "/invocations", b'{"item": 1}\n' * 10_001, content_type="application/jsonlines")
    assert refusal(many) == (413, "Expected at most 10,000 rows, found more; send several requests.")


@pytest.mark.parametrize("given", ["application/json", "application/jsonlines", "text/csv"])
def test_a_mark_at_the_beginning_of_a_body_means_nothing(app, given):
    body = {"text/csv": b"item\n3.0\n"}.get(given, b'{"item": 3.0}')
    marked = call(app, "/invocations", b"\xef\xbb\xbf" + body, content_type=given)
    assert marked[0] == 200
    assert marked == call(app, "/invocations", body.replace(b"3.0", b"3"), content_type=given)


def test_a_packed_body_is_unpacked_up_to_the_limit(app):
    headers = [(b"content-encoding", b"gzip")]
    body = json_of([{"item": 3}, {"item": 6, "note": 'a,"b"\nc'}])
    status, _, found = call(app, "/invocations", gzip.compress(body), headers=headers)
    assert (status, json.loads(found)) == (200, LEVELS)
    bomb = call(toy_application(max_body_bytes=1000), "/invocations", gzip.compress(b" " * 2000), headers=headers)
    assert refusal(bomb)[0] == 413
    assert refusal(bomb)[1].startswith(
        "Expected a body of at most 1,000 bytes, which is what TRAINYARD_MAX_BODY_BYTES allows; found more when "
        "unpacked"
    )


def test_several_lines_of_a_header_are_one_list(app):
    headers = [(b"accept", b"text/csv;q=0"), (b"accept", b"application/jsonlines")]
    status, answered, _ = call(app, "/invocations", b'{"item": 3}', headers=headers)
    assert (status, answered[b"content-type"]) == (200, b"application/jsonlines")


def test_head_is_answered_wherever_get_is(app):
    for path in ("/ping", "/", "/docs", "/openapi.json", "/items/6"):
        got, asked = call(app, path, method="GET"), call(app, path, method="HEAD")
        assert (asked[0], asked[1]) == (200, got[1]), path
    assert call(app, "/invocations", method="HEAD")[0] == 405


@pytest.mark.parametrize(
    ("path", "allowed"), [("/ping", b"GET, HEAD"), ("/invocations", b"POST"), ("/items/3", b"GET, HEAD")]
)
def test_another_method_is_told_which_there_are(app, path, allowed):
    status, headers, _ = call(app, path, method="OPTIONS")
    assert (status, headers[b"allow"]) == (405, allowed)


def test_work_ends_when_its_client_is_gone():
    began, gone = threading.Event(), threading.Event()

    class Slow(Toy):
        def predict(self, rows):
            if len(rows) > 1:
                began.set()
                # As long as it takes until the service has heard of it.
                gone.wait(60)
            return super().predict(rows)

    toy = Slow()
    app = toy_application(toy)
    toy.batches.clear()

    async def leave():
        while not began.is_set():
            await asyncio.sleep(0.01)
        return {"type": "http.disconnect"}

    answer = call(app, "/invocations", json_of([{"item": 1}] * 1000), after=leave)
    gone.set()
    assert answer[0] == 400
    wait_for_threads()
    assert sum(toy.batches) <= 128


def wait_for_threads():
    for each in threading.enumerate():
        if each.name == "AnyIO worker thread":
            each.join(60)


@pytest.mark.parametrize(
    "given", ["text/plain", "application/x-npy", "application/json; charset=latin-1", ";", "\u00e9"]
)
def test_an_unknown_format_is_refused(app, given):
    status, sentence = refusal(call(app, "/invocations", b"{}", content_type=given))
    assert status == (415 if given != ";" else 422)
    assert "Expected" in sentence


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "application/json;q=x"])
def test_an_unknown_format_of_the_answer_is_refused(app, accept):
    assert refusal(call(app, "/invocations", b'{"item": 1}', accept=accept))[0] == 406


def test_something_unknown_is_not_found_where_a_browser_asks_and_a_bad_row_where_sagemaker_does(app):
    assert refusal(call(app, "/items/100", method="GET"))[0] == 404
    assert refusal(call(app, "/levels", b'{"item": 100}'))[0] == 404
    assert refusal(call(app, "/invocations", b'{"item": 100}'))[0] == 422
    assert refusal(call(app, "/items/x", method="GET")) == (422, "Expected a whole number in item, found 'x'.")


@pytest.mark.parametrize(("path", "method", "status"), [("/nothing", "GET", 404), ("/invocations", "GET", 405)])
def test_an_unknown_path_is_refused_in_the_same_form(app, path, method, status):
    assert refusal(call(app, path, method=method))[0] == status


def test_a_failure_of_the_model_keeps_its_stack_to_itself(app):
    status, sentence = refusal(call(app, "/invocations", b'{"item": 66}'))
    assert status == 500
    assert "secret" not in sentence


def test_a_body_without_length_is_read_no_further_than_the_limit():
    answer = call(toy_application(max_body_bytes=1000), "/invocations", b"x" * 5000, chunk=500)
    assert refusal(answer)[0] == 413


def test_an_answer_that_would_be_too_large_is_refused_while_it_grows():
    toy = Toy()
    app = toy_application(toy, max_answer_bytes=100_000)
    body = json_of([{"item": 1, "note": "xxxxxxxxxx", "wide": 100}] * 2000)
    status, sentence = refusal(call(app, "/invocations", body))
    assert status == 413
    assert "at most 100,000 bytes" in sentence
    assert sum(toy.batches) < 500


def test_an_answer_that_takes_too_long_is_refused(monkeypatch):
    now = iter(range(0, 10_000, 20))
    monkeypatch.setattr("trainyard.serving.calls.time.monotonic", lambda: float(next(now)))
    answer = call(toy_application(max_seconds=50), "/invocations", json_of([{"item": 1}] * 1000))
    assert refusal(answer) == (
        413,
        "Expected to answer within 50 s, which was enough for 384 of 1,000 rows; send several requests.",
    )


def test_ten_thousand_rows_are_answered(app):
    status, _, found = call(app, "/invocations", json_of([{"item": i % 60} for i in range(10_000)]))
    assert status == 200
    assert [each["level"] for each in json.loads(found)] == [i % 60 / 3 for i in range(10_000)]


def test_the_description_is_complete(app):
    status, _, body = call(app, "/openapi.json", method="GET")
    assert status == 200
    document = json.loads(body)
    assert set(document["paths"]) == {"/ping", "/", "/invocations", "/levels", "/items/{item}"}
    post = document["paths"]["/levels"]["post"]
    assert set(post["requestBody"]["content"]) == {"application/json", "application/jsonlines", "text/csv"}
    assert {"200", "400", "406", "413", "415", "422"} <= set(post["responses"])
    assert "$ref" not in json.dumps(document["paths"]["/levels"]["post"])
    identifiers = [each["operationId"] for path in document["paths"].values() for each in path.values()]
    assert len(set(identifiers)) == len(identifiers)
    item = document["paths"]["/items/{item}"]["get"]["parameters"][0]
    assert (item["name"], item["in"], item["required"], item["example"]) == ("item", "path", True, 2)


def test_the_page_needs_nothing_from_elsewhere(app):
    status, headers, body = call(app, "/docs", method="GET")
    page = body.decode()
    assert (status, headers[b"content-type"]) == (200, b"text/html; charset=utf-8")
    assert "POST /levels" in page and "é" in page
    assert "http" not in page.replace("http-equiv", "")
