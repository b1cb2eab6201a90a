"""Each fault that HTTP and a bulk answer can have, in the middle of a run: what is sent again (only what has
to be), what is logged, and that every document ends in the cluster."""

import re

import pytest

from jobs import DEAD_LETTERS, FINISHED, Ledger, all_in, ledger

ROWS = 40
SMALL = ["--frame-size", "4K", "--window-rows", 20]
ONE_BY_ONE = [*SMALL, "--in-flight", 1, "--request-timeout", "1s"]
AGAIN = re.compile(r"\S+ warning: frame (\d+): (http://\S+): (.+): it is sent again")


@pytest.fixture
def job(server, make_job, table):
    return make_job(table, server)


@pytest.fixture(scope="module")
def table(database):
    return database.make_numbers(ROWS, size=900)


def complaints(result):
    """What was logged of requests that failed: (frame, host, cause). No line is of another form."""
    lines = [line for line in result.stderr.splitlines() if " info: " not in line]
    matches = [AGAIN.fullmatch(line) for line in lines]
    assert all(matches), lines
    return [match.groups() for match in matches]


def assert_block_told(job, result, cause):
    """A block is said once, and its end; not each request that met it."""
    lines = [line.split(" ", 1)[1] for line in result.stderr.splitlines()]
    assert lines[:2] == [f"warning: index {job.index} takes no writes now: {cause}: waiting until it does",
                         f"index {job.index} takes writes again"], lines


def frames(sent):
    """What was sent, each frame once, whatever was sent again; they are all that there is."""
    known = [keys for at, keys in enumerate(sent) if keys is not None and keys not in sent[:at]]
    assert [key for keys in known for key in keys] == [str(i) for i in range(1, ROWS + 1)]
    return known


def assert_all_in(job, result):
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(ROWS)), result.stderr
    assert job.documents() == job.expected()


# -- the request as a whole ------------------------------------------------------------------------

# Two requests break each time: libcurl itself sends again, at once, what met the end of a kept connection.
DROPPED = r"Empty reply from server|.*[Cc]onnection.* reset.*|.*Broken pipe.*"
TIMED_OUT = r"Operation timed out after \d+ milliseconds with .*"
UNREADABLE = "the cluster's answer to a bulk request "
WHOLE = {
    "drop-head": DROPPED,
    "drop-reading 300": DROPPED,
    "drop-answer": DROPPED,
    "drop-sending 0": r"transfer closed with \d+ bytes remaining to read",
    "drop-sending 20": r"transfer closed with \d+ bytes remaining to read",
    "stall-head": TIMED_OUT,
    "stall-reading 300": TIMED_OUT,
    "stall-answer": TIMED_OUT,
    "stall-sending 0": TIMED_OUT,
    "stall-sending 20": TIMED_OUT,
    "pace 1 100": TIMED_OUT,
    "items 1": UNREADABLE + r"of \d+ operations has another number of items",
    "items 99": UNREADABLE + r"of \d+ operations has another number of items",
    "items 0": UNREADABLE + r"of \d+ operations has another number of items",
    "body <html><title>It works!</title></html>": UNREADABLE + r".* begins \"<html><title>It works!.*",
    "body {\"errors\":false}": UNREADABLE + r"has no items.*",
    "body ": UNREADABLE + r"is empty",
    "encoding lost": r"Unrecognized content encoding type.*",
    "status 408": r"HTTP 408: scripted_exception: as the script says",
    "status 429 error es_rejected_execution_exception": r"HTTP 429: es_rejected_execution_exception: .*",
    "status 429 retry-after 1": r"HTTP 429: .*",
    "status 429 retry-after-date 1": r"HTTP 429: .*",
    "status 500": r"HTTP 500: .*",
    "status 502 body <html>Bad Gateway</html>": r"HTTP 502: <html>Bad Gateway</html>",
    "status 503 retry-after 0": r"HTTP 503: .*",
    "status 504 stored": r"HTTP 504: .*",
}
STORED = {"drop-answer", "drop-sending 0", "drop-sending 20", "stall-answer", "stall-sending 0",
          "stall-sending 20", "pace 1 100", "items 1", "items 99", "items 0", "encoding lost",
          "status 504 stored"}


@pytest.mark.parametrize("fault", WHOLE)
def test_a_request_that_fails_is_sent_again_and_no_other(job, server, fault):
    server.follow(f"when bulk 2..3 do {fault}")
    result = job.run(*ONE_BY_ONE)
    assert_all_in(job, result)
    sent = server.sent()
    second = sent[3]
    assert len(sent) == len(frames(sent)) + 2
    assert all(keys in (None, second) for keys in sent[1:3])
    assert server.writes(second) == (3 if fault in STORED else 1)
    assert server.writes(set(job.expected()) - set(second)) == 1
    told = complaints(result)
    assert 1 <= len(told) <= 2
    assert {(frame, host) for frame, host, _ in told} == {("2", server.url)}
    assert all(re.fullmatch(WHOLE[fault], cause) for _, _, cause in told), told


def test_a_block_is_told_once_and_the_request_sent_again(job, server):
    server.follow("when bulk 2..3 do status 403 error cluster_block_exception")
    result = job.run(*ONE_BY_ONE)
    assert_all_in(job, result)
    assert server.sent()[1] == server.sent()[2] == server.sent()[3]
    assert server.writes(job.expected()) == 1
    assert_block_told(job, result, "HTTP 403: cluster_block_exception: as the script says")


ODD = ["http-1.0", "encoding gzip", "pace 40 10"]


@pytest.mark.parametrize("fault", ODD)
def test_an_answer_that_is_odd_but_sound_is_taken(job, server, fault):
    server.follow(f"when bulk do {fault}", f"when lookup do {fault}")
    result = job.run(*ONE_BY_ONE)
    assert_all_in(job, result)
    assert complaints(result) == []
    assert server.sent() == frames(server.sent())


# -- some documents of a request -------------------------------------------------------------------

NOT_NOW = ["429 es_rejected_execution_exception", "503 unavailable_shards_exception", "502 bad_gateway"]
BLOCKED = ["403 cluster_block_exception", "400 index_closed_exception"]


@pytest.mark.parametrize("fault", NOT_NOW + BLOCKED)
def test_documents_that_are_not_taken_now_are_sent_again_and_no_others(job, server, fault):
    server.follow(f"when bulk 2..3 do documents 6,8 {fault}")
    result = job.run(*ONE_BY_ONE)
    assert_all_in(job, result)
    assert server.sent()[1:4] == [["5", "6", "7", "8"], ["6", "8"], ["6", "8"]]
    assert server.writes(job.expected()) == 1
    _, kind = fault.split()
    if fault in BLOCKED:
        assert_block_told(job, result, f"{kind}: as the script says")
        return
    assert complaints(result) == [("2", server.url, f"2 documents not now: {kind}: as the script says")] * 2


@pytest.mark.sanitizers
def test_one_success_among_many_429s_is_one_document(job, server):
    server.follow("when bulk do documents rest 429 es_rejected_execution_exception")
    result = job.run(*ONE_BY_ONE, "--to", 4)
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(4)), result.stderr
    assert server.sent() == [["1", "2", "3", "4"], ["2", "3", "4"], ["3", "4"], ["4"]]
    assert server.writes(["1", "2", "3", "4"]) == 1


@pytest.mark.sanitizers
def test_documents_that_are_refused_for_good_are_dead_letters(job, server):
    bad = ["6", "7", "40"]
    server.follow(f"when bulk do documents {','.join(bad)} 400 mapper_parsing_exception padding 500")
    result = job.run(*ONE_BY_ONE)
    expected = job.expected()
    letters = job.dead_letters()
    assert result.returncode == DEAD_LETTERS
    assert ledger(result.stdout) == Ledger(ROWS, ROWS - len(bad), len(bad), 0)
    assert sorted(letter["id"] for letter in letters) == sorted(bad)
    assert all((letter["status"], letter["error"]["type"], letter["source"]) ==
               (400, "mapper_parsing_exception", expected[letter["id"]]) for letter in letters)
    assert job.documents() == {key: expected[key] for key in expected.keys() - set(bad)}
    assert server.sent() == frames(server.sent())
    assert f"{len(bad)} documents were refused ({job.spool}/dead.ndjson): bobbin dead list" in result.stderr


def test_a_refused_document_is_final_only_with_the_last_of_its_frame(job, server):
    server.follow("when bulk 2 do documents 6 400 mapper_parsing_exception",
                  "when bulk 3.. with 6 do documents 6 400 mapper_parsing_exception",
                  "when bulk 3 do drop-answer")
    result = job.run(*ONE_BY_ONE)
    assert result.returncode == DEAD_LETTERS
    assert [letter["id"] for letter in job.dead_letters()] == ["6"]
    assert sum(keys.count("6") for keys in server.sent()) == 1


def test_a_document_is_created_once_though_its_answer_was_lost(job, server):
    server.follow("when bulk 2..3 do drop-answer")
    result = job.run(*ONE_BY_ONE, "--op", "create")
    assert_all_in(job, result)
    assert server.writes(job.expected()) == 1
    assert {document["operation"] for document in server.stored().values()} == {"create"}


def test_a_document_is_deleted_though_its_answer_was_lost(job, server):
    assert_all_in(job, job.run(*SMALL))
    server.follow("when bulk 2..3 do drop-answer")
    result = job.run(*ONE_BY_ONE, "--op", "delete", "--spool", f"{job.spool}-delete")
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(ROWS)), result.stderr
    assert server.stored() == {}


def test_an_update_that_met_another_is_sent_again(job, server):
    server.follow("when bulk 2 do documents 6 409 version_conflict_engine_exception")
    result = job.run(*ONE_BY_ONE, "--op", "update")
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(ROWS)), result.stderr
    assert server.sent()[1:3] == [["5", "6", "7", "8"], ["6"]]
    assert server.writes(job.expected()) == 1


STORM = ["when bulk every 3 do documents rest 503 unavailable_shards_exception",
         "when bulk every 5 do status 429 retry-after 0", "when bulk every 7 do drop-sending 30",
         "when bulk every 11 do drop-reading 1", "when bulk every 13 do stall-answer",
         "when bulk larger 3000 do status 413"]


@pytest.mark.sanitizers
def test_a_storm_of_faults_loses_nothing_and_repeats_nothing_that_was_done(server, make_job, database):
    rows = 400
    job = make_job(database.make_numbers(rows), server)
    server.follow(*STORM)
    result = job.run("--frame-size", "4K", "--window-rows", 50, "--jobs", 2, "--request-timeout", "1s")
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(rows)), result.stderr
    assert job.documents() == job.expected()
    done = set()
    for request in server.requests("bulk"):
        keys = request.get("ids", [])
        assert not done & set(keys)
        done |= set({0: keys, 1: keys[:1]}.get(request["line"], []))
    assert len(done) == rows
    assert {request["line"] for request in server.requests("bulk")} == set(range(len(STORM) + 1))


# -- size ------------------------------------------------------------------------------------------


@pytest.mark.sanitizers
@pytest.mark.parametrize("how", ["", "early"])
def test_a_request_that_is_too_large_is_halved_and_the_size_remembered(job, server, how):
    most = 3000
    server.follow(f"when bulk larger {most} do status 413 {how}")
    result = job.run(*ONE_BY_ONE[:-2], "--frame-size", "16K")
    assert_all_in(job, result)
    sizes = [int(request["headers"]["Content-Length"]) for request in server.requests("bulk")]
    assert len([size for size in sizes if size > most]) == 3  # 16K, 8K, 4K
    assert all(size <= most for size in sizes[3:])
    assert server.writes(job.expected()) == 1
    assert "HTTP 413" in result.stderr and "is sent in smaller ones" in result.stderr


def test_an_answer_that_comes_while_the_body_is_sent_counts(server, make_job, database):
    """The server reads nothing but the head; bobbin asks for no 100 Continue, and so waits for none."""
    job = make_job(database.make_numbers(40, size=40000), server)
    server.follow("when bulk larger 1000000 do status 413 early")
    result = job.run("--in-flight", 1)
    assert_all_in(job, result)
    sizes = [request.get("size") for request in server.requests("bulk")]
    assert sizes[0] is None and all(size is None or size <= 1000000 for size in sizes)
    assert "Expect" not in server.requests("bulk")[0]["headers"]


@pytest.mark.parametrize("fault", ["drop-reading 1", "stall-head"])
def test_a_size_that_is_never_answered_is_not_insisted_on(job, server, fault):
    server.follow(f"when bulk larger 2500 do {fault}")
    result = job.run(*ONE_BY_ONE, "--to", 4, "--request-timeout", "300ms")
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(4)), result.stderr
    assert server.writes(["1", "2", "3", "4"]) == 1
    assert [keys for keys in server.sent() if keys] == [["1", "2"], ["3", "4"]]
    assert "frame 1: 3 requests of 3" in result.stderr


def test_a_document_that_is_too_large_alone_is_a_dead_letter(server, make_job, database):
    table = database.make_numbers(ROWS)
    database.execute(f"UPDATE {table} SET body = repeat(body, 100) WHERE id = 7")
    job = make_job(table, server)
    server.follow("when bulk larger 5000 do status 413 error too_large")
    result = job.run(*SMALL)
    letter, = job.dead_letters()
    expected = job.expected()
    assert (result.returncode, ledger(result.stdout)) == (DEAD_LETTERS, Ledger(ROWS, ROWS - 1, 1, 0))
    assert (letter["id"], letter["status"], letter["source"]) == ("7", 413, expected.pop("7"))
    assert job.documents() == expected


@pytest.mark.parametrize("bad", [["15"], ["1", "2", "40"]])
def test_a_request_that_is_refused_as_a_whole_is_searched_for_the_document(job, server, bad):
    server.follow(*(f"when bulk with {key} do status 400 error illegal_argument_exception" for key in bad))
    result = job.run(*SMALL)
    expected = job.expected()
    letters = job.dead_letters()
    assert result.returncode == DEAD_LETTERS, result.stderr
    assert ledger(result.stdout) == Ledger(ROWS, ROWS - len(bad), len(bad), 0)
    assert sorted(letter["id"] for letter in letters) == sorted(bad)
    assert {letter["error"]["type"] for letter in letters} == {"illegal_argument_exception"}
    assert job.documents() == {key: expected[key] for key in expected.keys() - set(bad)}


@pytest.mark.sanitizers
def test_errors_too_long_for_one_answer_are_asked_for_in_several(job, server):
    server.follow(f"when bulk do documents 6,7,8 400 mapper_parsing_exception padding {3 << 20}")
    result = job.run(*ONE_BY_ONE)
    assert result.returncode == DEAD_LETTERS, result.stderr
    assert ledger(result.stdout) == Ledger(ROWS, ROWS - 3, 3, 0)
    assert server.sent()[1:4] == [["5", "6", "7", "8"], ["5", "6"], ["7", "8"]]
    assert (f"frame 2: {server.url}: the response is larger than was expected: a request of"
            in result.stderr)
    assert all(len(letter["error"]["reason"]) < 1000 for letter in job.dead_letters())
