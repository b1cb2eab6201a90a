"""Each fault that HTTP and a bulk answer can have, in the middle of a run: what is sent again (only what has
to be), what is logged, and that every document ends in the cluster."""

import re

import pytest

from jobs import FINISHED, all_in, ledger

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


def in_order(keys):
    return sorted(keys, key=int)


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
    "encoding br": r"Unrecognized content encoding type.*",
    "status 408": r"HTTP 408: scripted_exception: as the script says",
    "status 429 error es_rejected_execution_exception": r"HTTP 429: es_rejected_execution_exception: .*",
    "status 429 retry-after 1": r"HTTP 429: .*",
    "status 429 retry-after-date 1": r"HTTP 429: .*",
    "status 500": r"HTTP 500: .*",
    "status 502 body <html>Bad Gateway</html>": r"HTTP 502: <html>Bad Gateway</html>",
    "status 503 retry-after 0": r"HTTP 503: .*",
    "status 504 stored": r"HTTP 504: .*",
    "status 403 error cluster_block_exception": r"HTTP 403: cluster_block_exception: .*",
}
STORED = {"drop-answer", "drop-sending 0", "drop-sending 20", "stall-answer", "stall-sending 0",
          "stall-sending 20", "pace 1 100", "items 1", "items 99", "items 0", "encoding br",
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
