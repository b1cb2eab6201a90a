"""What the cluster refuses: for now, for good, in part or as a whole."""

import json

import pytest

from jobs import (CONFIG, DEAD_LETTERS, DENIED, FINISHED, STOPPED, Ledger, all_in, ledger)

ROWS = 300
SMALL = ["--frame-size", "4K"]
TYPED = {"settings": {"number_of_replicas": 0, "number_of_shards": 1},
         "mappings": {"properties": {"id": {"type": "long"}, "day": {"type": "date"},
                                     "n": {"type": "integer"}, "ip": {"type": "ip"}}}}


def test_documents_that_the_mapping_refuses_are_dead_letters(engine, make_job, database):
    table = database.make_table("id int PRIMARY KEY, day text, n text, ip text", """
        SELECT i, CASE i % 30 WHEN 1 THEN 'no day' ELSE '2024-02-29' END,
            CASE i % 30 WHEN 2 THEN 'no "number"' ELSE '7' END,
            CASE i % 30 WHEN 3 THEN '1.2.3.4.5' ELSE '1.2.3.4' END FROM generate_series(1, 300) i""")
    job = make_job(table, engine, TYPED)
    expected = job.expected()
    result = job.run(*SMALL)
    dead = {letter["id"]: letter for letter in job.dead_letters()}
    assert (result.returncode, ledger(result.stdout)) == (DEAD_LETTERS, Ledger(300, 270, 30, 0))
    assert "30 documents were refused" in result.stderr and "dead.ndjson" in result.stderr
    assert job.documents().keys() | dead.keys() == expected.keys()
    assert not job.documents().keys() & dead.keys()
    for key, letter in dead.items():
        field = {1: "day", 2: "n", 3: "ip"}[int(key) % 30]
        assert letter["status"] == 400
        assert f"[{field}]" in letter["error"]["reason"]
        assert letter["action"] == {"index": {"_id": key}}
        assert letter["source"] == expected[key]
        assert letter["time"].endswith("Z")


def test_a_finished_job_with_dead_letters_says_so_each_time(elasticsearch, make_job):
    job = make_job("SELECT i AS id, 'x' AS n FROM generate_series(1, 3) i", elasticsearch, TYPED)
    for options in ([], [], ["--again"]):
        result = job.run(*options)
        assert (result.returncode, ledger(result.stdout)) == (DEAD_LETTERS, Ledger(3, 0, 3, 0))
        assert [letter["id"] for letter in job.dead_letters()] == ["1", "2", "3"]


# -- whole requests --------------------------------------------------------------------------------


@pytest.fixture
def proxied(elasticsearch, make_job, make_proxy, database):
    """A job, and the proxy in front of its engine."""
    proxy = make_proxy(elasticsearch)
    return make_job(database.make_numbers(ROWS), elasticsearch, url=proxy.url), proxy


def reject(status, kind):
    body = {"error": {"type": kind, "reason": f"a {kind}"}, "status": status}
    return status, json.dumps(body).encode()


@pytest.mark.sanitizers
def test_a_request_that_is_too_large_is_halved_until_it_fits(proxied):
    job, proxy = proxied
    most = 5000
    proxy.answer = lambda request: reject(413, "too_large") if len(request.body) > most else None
    result = job.run("--frame-size", "64K", "--in-flight", 4)
    refused = [request for request in proxy.requests if len(request.body) > most]
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(ROWS)), result.stderr
    assert job.documents() == job.expected()
    assert 0 < len(refused) < 4 * 4  # the size is remembered: 64K, 32K, 16K, 8K


def test_a_document_that_is_too_large_alone_is_a_dead_letter(proxied, database):
    job, proxy = proxied
    database.execute(f"UPDATE {job.source[1]} SET body = repeat(body, 100) WHERE id = 77")
    proxy.answer = lambda request: reject(413, "too_large") if len(request.body) > 5000 else None
    result = job.run(*SMALL)
    letter, = job.dead_letters()
    expected = job.expected()
    assert (result.returncode, ledger(result.stdout)) == (DEAD_LETTERS, Ledger(ROWS, ROWS - 1, 1, 0))
    assert (letter["id"], letter["status"], letter["source"]) == ("77", 413, expected.pop("77"))
    assert job.documents() == expected


@pytest.mark.parametrize("bad", [["150"], ["1", "2", "300"]])
def test_a_request_that_is_refused_as_a_whole_is_searched_for_the_document(proxied, bad):
    job, proxy = proxied
    marks = [f'"_id":"{key}"}}'.encode() for key in bad]
    proxy.answer = lambda request: (reject(400, "illegal_argument_exception")
                                    if any(mark in request.body for mark in marks) else None)
    result = job.run(*SMALL)
    expected = job.expected()
    dead = job.dead_letters()
    assert result.returncode == DEAD_LETTERS, result.stderr
    assert ledger(result.stdout) == Ledger(ROWS, ROWS - len(bad), len(bad), 0)
    assert sorted(letter["id"] for letter in dead) == sorted(bad)
    assert {letter["error"]["error"]["type"] if "error" in letter["error"] else
            letter["error"]["type"] for letter in dead} == {"illegal_argument_exception"}
    assert job.documents() == {key: expected[key] for key in expected.keys() - set(bad)}


def all_items(status, kind):
    """An answer in which every document has the same fate."""
    def answer(request):
        item = {"index": {"status": status, "error": {"type": kind, "reason": "not now"}}}
        return 200, json.dumps({"errors": True, "items": [item] * request.documents}).encode()
    return answer


def always(*answer):
    return lambda _: answer


def one_item_short(request):
    return 200, json.dumps({"errors": False, "items": [{"index": {"status": 201}}] *
                            (request.documents - 1)}).encode()


PASSING = {
    "429": always(*reject(429, "es_rejected_execution_exception")),
    "503": always(*reject(503, "unavailable")),
    "502 in HTML": always(502, b"<html>Bad Gateway</html>"),
    "500": always(*reject(500, "internal")),
    "200 without items": always(200, b'{"took":3}'),
    "200 cut off": always(200, b'{"errors":false,"items":[{"index":{"status":201}},'),
    "200 in HTML": always(200, b"<html>all fine: \"errors\":false</html>"),
    "200 and an item short": one_item_short,
    "documents 429": all_items(429, "es_rejected_execution_exception"),
    "documents 503": all_items(503, "unavailable_shards_exception"),
    "documents blocked": all_items(403, "cluster_block_exception"),
}


@pytest.mark.parametrize("name", PASSING)
def test_what_is_refused_for_now_is_sent_again(proxied, name):
    job, proxy = proxied
    proxy.answer = lambda request: PASSING[name](request) if len(proxy.requests) <= 3 else None
    result = job.run(*SMALL)
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(ROWS)), result.stderr
    assert ("takes no writes now" if "blocked" in name else "is sent again") in result.stderr
    assert job.documents() == job.expected()


ENDING = {
    "401": (always(*reject(401, "security_exception")), DENIED),
    "403": (always(*reject(403, "security_exception")), DENIED),
    "documents 403": (all_items(403, "security_exception"), DENIED),
    "404": (always(*reject(404, "index_not_found_exception")), CONFIG),
    "documents 404": (all_items(404, "index_not_found_exception"), CONFIG),
    "405": (always(405, b"<html>Method not allowed</html>"), CONFIG),
    "never": (always(*reject(503, "unavailable")), STOPPED),
}


@pytest.mark.parametrize("name", ENDING)
def test_what_ends_a_run_keeps_all_that_was_done(proxied, name):
    job, proxy = proxied
    answer, code = ENDING[name]
    proxy.answer = lambda request: answer(request) if len(proxy.requests) > 3 else None
    result = job.run(*SMALL, "--give-up-after", "2s")
    done = ledger(result.stdout)
    assert result.returncode == code, result.stderr
    assert result.stderr.count(" error: ") == 1
    assert 0 < done.acknowledged < ROWS
    assert done.acknowledged == len(job.documents())
    proxy.answer = None
    result = job.run(*SMALL)
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(ROWS)), result.stderr
    assert job.documents() == job.expected()
