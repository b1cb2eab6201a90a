"""Faults that last: each wait ends, with one line and the exit code that says what to do; all that was done is
kept, and when the fault is gone the same command does the rest and no more."""

import re
import signal
import socket

import pytest

from jobs import (CONFIG, DENIED, FINISHED, NOWHERE, STOPPED, Ledger, all_in, ledger, wait_for)
from refused import changed, refuse

ROWS = 40
SMALL = ["--frame-size", "4K", "--window-rows", 20]
IMPATIENT = [*SMALL, "--request-timeout", "500ms", "--give-up-after", "2s"]
SECRET = "s3cr3t-w0rd"


@pytest.fixture(scope="module")
def table(database):
    return database.make_numbers(ROWS, size=900)


@pytest.fixture
def job(server, make_job, table):
    return make_job(table, server)


def error_of(stderr):
    """The one line of error."""
    line, = [line for line in stderr.splitlines() if " error: " in line]
    return line.split(" error: ", 1)[1]


def acknowledged(job):
    return ROWS - job.look("status")["pending"]


# -- in mid-run ------------------------------------------------------------------------------------

GAVE_UP = r"nothing was acknowledged for 2 s \(--give-up-after\): {url}: {cause}; run the same command .*"
TIMED_OUT = GAVE_UP.replace("{cause}", r"Operation timed out .*")
ENDING = {
    "status 401 error security_exception":
        (DENIED, r"{url}: HTTP 401: security_exception: .*: check user, password or key"),
    "status 403 error security_exception":
        (DENIED, r"{url}: HTTP 403: security_exception: .*: check user, password or key"),
    "status 403 body <html>Forbidden</html>": (DENIED, r"{url}: HTTP 403: <html>Forbidden</html>: .*"),
    "documents rest 403 security_exception":
        (DENIED, r"index {index}: security_exception: .*: check the user's privileges"),
    "status 404 error index_not_found_exception":
        (CONFIG, r"index {index}: HTTP 404: index_not_found_exception: .*: create what is missing, then run .*"),
    "documents all 404 index_not_found_exception":
        (CONFIG, r"index {index}: index_not_found_exception: .*: create what is missing, then run .*"),
    "status 404 body default backend - 404":
        (CONFIG, r"{url}: HTTP 404: default backend - 404: this is no answer of a search engine; .*"),
    "status 405 body <html>Method not allowed</html>":
        (CONFIG, r"{url}: HTTP 405: .*: this is no answer of a search engine; check --url"),
    "status 202 stored": (CONFIG, r"{url}: HTTP 202: .*: this is no answer of a search engine; .*"),
    "drop-head": (STOPPED, GAVE_UP.replace("{cause}", ".*")),
    "drop-answer": (STOPPED, GAVE_UP.replace("{cause}", ".*")),
    "drop-sending 9": (STOPPED, GAVE_UP.replace("{cause}", r"transfer closed with .*")),
    "stall-reading 1": (STOPPED, TIMED_OUT),
    "stall-answer": (STOPPED, TIMED_OUT),
    "stall-sending 9": (STOPPED, TIMED_OUT),
    "pace 1 50": (STOPPED, TIMED_OUT),
    "status 429": (STOPPED, GAVE_UP.replace("{cause}", r"HTTP 429: .*")),
    "status 503": (STOPPED, GAVE_UP.replace("{cause}", r"HTTP 503: .*")),
    "documents all 429 es_rejected_execution_exception":
        (STOPPED, GAVE_UP.replace("{cause}", r"\d documents not now: es_rejected_.*")),
    "body <html><title>It works!</title></html>":
        (STOPPED, GAVE_UP.replace("{cause}", r".* can't be read .*: it begins \"<html><title>It w.*")),
    "items 0": (STOPPED, GAVE_UP.replace("{cause}", r".* another number of items")),
}


@pytest.mark.parametrize("fault", ENDING)
def test_what_lasts_ends_the_run_and_the_same_command_does_the_rest(job, server, fault):
    code, line = ENDING[fault]
    server.follow(f"when bulk 4.. do {fault}")
    result = job.run(*IMPATIENT)
    done = ledger(result.stdout)
    known = set(job.documents())
    assert result.returncode == code, result.stderr
    assert re.fullmatch(line.format(url=re.escape(server.url), index=job.index), error_of(result.stderr))
    assert (done.rows, done.dead) == (ROWS, 0)
    assert 0 < done.acknowledged == acknowledged(job) <= len(known)
    before = server.sent()
    server.follow()
    result = job.run(*IMPATIENT)
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(ROWS)), result.stderr
    assert job.documents() == job.expected()
    again = [key for keys in server.sent()[len(before):] for key in keys]
    assert len(again) == len(set(again)) == done.pending


@pytest.mark.parametrize("status, header", [(429, "retry-after"), (429, "retry-after-date"),
                                            (503, "retry-after"), (503, "retry-after-date")])
def test_nothing_is_sent_before_the_time_that_the_cluster_asks_for(job, server, status, header):
    """An hour, so that the run gives up before."""
    server.follow(f"when bulk 4.. do status {status} {header} 3600")
    result = job.run(*SMALL, "--in-flight", 1, "--give-up-after", "3s")
    assert result.returncode == STOPPED
    assert f"{server.url}: HTTP {status}" in error_of(result.stderr)
    assert len(server.requests("bulk")) == 4
    assert ledger(result.stdout).acknowledged == len(job.documents()) > 0


@pytest.mark.sanitizers
def test_sigterm_ends_a_run_whose_requests_stall(job, server):
    server.follow("when bulk 4.. do stall-answer")
    process = job.start(*SMALL)
    wait_for(lambda: len(server.requests("bulk")) > 3, "a request that stalls")
    process.send_signal(signal.SIGTERM)
    assert job.finish(process, 30) == STOPPED
    assert error_of(process.stderr_text()) == "asked to stop"
    server.follow()
    assert job.run(*SMALL).returncode == FINISHED
    assert job.documents() == job.expected()


@pytest.mark.parametrize("fault", ["status 500", "drop-answer", "documents 6 429 too_many"])
def test_a_frame_that_always_fails_does_not_keep_the_others_back(job, server, fault):
    server.follow(f"when bulk with 6 do {fault}")
    result = job.run(*SMALL, "--in-flight", 2, "--give-up-after", "2s")
    assert result.returncode == STOPPED
    assert ledger(result.stdout) == Ledger(ROWS, ROWS - 4, 0, 4)
    server.follow()
    result = job.run(*SMALL)
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(ROWS)), result.stderr
    assert job.documents() == job.expected()


# -- redirects -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["bulk 4..", "lookup", "create"])
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_named_and_never_followed(job, server, make_server, tmp_path, kind, status):
    other = make_server()
    body = tmp_path / "index.json"
    body.write_text("{}")
    target = other.url.replace("http://", f"http://user:{SECRET}@") + "/elsewhere"
    server.follow(f"when {kind} do status {status} location {target}?secret={SECRET}",
                  "when lookup do status 404 error index_not_found_exception"
                  if kind == "create" else "")
    result = job.run(*SMALL, "--create-index", body, "--user", "elastic", env={"BOBBIN_PASSWORD": SECRET})
    shown = target.replace(SECRET, "***")
    assert result.returncode == CONFIG, result.stderr
    assert server.url in error_of(result.stderr)
    assert (f"{status}: it redirects to {shown}; redirects are not followed: give --url where it leads"
            in error_of(result.stderr))
    assert SECRET not in result.stderr
    assert other.requests() == []
    assert all(request["headers"]["Authorization"].startswith("Basic ")
               for request in server.requests())


# -- several hosts ---------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["drop-head", "status 503 retry-after 3600", "stall-answer"])
def test_another_host_does_what_one_does_not(job, server, make_server, fault):
    other = make_server()
    server.follow(f"when bulk do {fault}")
    result = job.run(*IMPATIENT, "--url", other.url, "--in-flight", 2)
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(ROWS)), result.stderr
    assert other.documents(job.index) == job.expected()
    assert other.writes(job.expected()) == 1
    assert server.requests("bulk")


def test_a_silent_host_keeps_no_more_than_its_share(server, make_server, make_job, database):
    rows, share = 400, 4  # of eight requests at a time; a request is four documents
    job = make_job(database.make_numbers(rows, size=900), server)
    silent = make_server()
    silent.follow("when bulk do stall-answer")
    process = job.start(*SMALL, "--url", silent.url, "--request-timeout", "10m")
    wait_for(lambda: job.has_begun() and job.look("status")["acknowledged"] == rows - 4 * share, "the other's share")
    assert len(silent.requests("bulk")) == share
    silent.close()
    assert job.finish(process) == FINISHED, process.stderr_text()
    assert ledger(process.stdout_text()) == all_in(rows)
    assert job.documents() == job.expected()


# -- before anything is written --------------------------------------------------------------------

NO_ENGINE = r"{url} answered 200; this URL is no search engine .*: check --url"
STARTS = {
    "drop-head": (STOPPED, r"no answer from {url}: .*"),
    "drop-answer": (STOPPED, r"no answer from {url}: .*"),
    "drop-sending 5": (STOPPED, r"no answer from {url}: .*"),
    "stall-head": (STOPPED, r"no answer from {url}: Operation timed out .*"),
    "stall-sending 5": (STOPPED, r"no answer from {url}: Operation timed out .*"),
    "padding 2000000 status 500": (STOPPED, r"no answer from {url}: the response is larger .*"),
    "encoding lost": (STOPPED, r"no answer from {url}: Unrecognized content encoding type.*"),
    "body <!doctype html><title>It works!</title>": (CONFIG, NO_ENGINE),
    'body {"status":"ok"}': (CONFIG, NO_ENGINE),
    "body {}": (CONFIG, NO_ENGINE),
    "body []": (CONFIG, NO_ENGINE),
    "body ": (CONFIG, NO_ENGINE),
    "status 401": (DENIED, r"{url} answered 401: .*; the credentials are missing or wrong"),
    "status 403": (DENIED, r"{url} answered 403: .* view_index_metadata"),
    "status 404 body nothing here": (CONFIG, r"{url} answered 404; this URL is no search engine .*"),
    "status 429": (STOPPED, r"{url} answered 429: .*; try again later"),
    "status 503": (STOPPED, r"{url} answered 503: .*; try again later"),
}


@pytest.mark.parametrize("fault", STARTS)
def test_a_fault_at_the_start_is_one_line_and_nothing_is_written(job, server, fault):
    code, line = STARTS[fault]
    server.follow(f"when lookup do {fault}")
    result = job.run(*IMPATIENT)
    refuse(result, code)
    assert re.fullmatch(line.format(url=re.escape(server.url)), error_of(result.stderr))
    assert not job.spool.exists()
    assert server.requests("bulk") == []


def test_a_url_on_which_nothing_listens_is_75(job, bobbin):
    refuse(bobbin.run(changed(job, url=NOWHERE)), STOPPED, NOWHERE)
    assert not job.spool.exists()


def test_a_host_that_takes_no_connection_is_not_waited_for_longer_than_a_request(job, bobbin):
    """Its backlog is full, so nothing answers the first packet, as behind a firewall that drops it."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        url = f"http://127.0.0.1:{address[1]}"
        result = bobbin.run([*changed(job, url=url), "--request-timeout", "500ms"])
        for filler in fillers:
            filler.close()
    refuse(result, STOPPED, f"no answer from {url}", "timed out")
    assert not job.spool.exists()


@pytest.mark.parametrize("fault, code", [
    ("status 400 error resource_already_exists_exception", FINISHED),  # somebody else was quicker
    ("drop-answer", STOPPED), ("stall-answer", STOPPED), ("status 503", STOPPED),
    ("status 403", DENIED), ("body <html></html>", CONFIG),
])
def test_an_index_is_created_or_nothing_is_written(job, server, tmp_path, fault, code):
    body = tmp_path / "index.json"
    body.write_text("{}")
    server.follow("when lookup 1 do status 404 error index_not_found_exception", f"when create do {fault}")
    result = job.run(*IMPATIENT, "--create-index", body)
    assert result.returncode == code, result.stderr
    assert job.spool.exists() == (code == FINISHED)
    assert (job.documents() == job.expected()) == (code == FINISHED)


# -- the server itself -----------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["when bulk do nothing", "if bulk do status 500", "when bulk 3",
                                  "when bulk x do status 500", "when bulk do status 42"])
def test_a_script_that_makes_no_sense_is_refused(server, line):
    with pytest.raises(ValueError, match="line 2 makes no sense"):
        server.follow("# a comment", line)
