"""SIGTERM and SIGINT: stop within 5 seconds, keep what is done, go on with the same command."""

import contextlib
import signal
import subprocess
import threading

import pytest

from jobs import FINISHED, STOPPED, all_in, ledger, wait_for

ROWS = 600
SMALL = ["--window-rows", 50, "--frame-size", "4K", "--segment-size", "16K"]
STOP_SECONDS = 5 + 5  # the promise, and a busy machine's due
UNAVAILABLE = 503, b'{"error":{"type":"unavailable"},"status":503}'


@contextlib.contextmanager
def database_that_waits(job, gate, _proxy):
    gate.shut()
    process = job.start(*SMALL)
    gate.wait_until_reached()
    yield process
    gate.open()


@contextlib.contextmanager
def engine_that_does_not_answer(job, _gate, proxy):
    is_over = threading.Event()
    proxy.answer = lambda _: is_over.wait() and None
    process = job.start(*SMALL)
    wait_for(lambda: proxy.requests, "a bulk request")
    yield process
    is_over.set()
    proxy.answer = None


@contextlib.contextmanager
def engine_that_is_down(job, _gate, proxy):
    proxy.answer = lambda _: UNAVAILABLE
    process = job.start(*SMALL)
    wait_for(lambda: "is sent again" in process.stderr_text(), "a retry")
    yield process
    proxy.answer = None


@contextlib.contextmanager
def full_spool(job, _gate, proxy):
    is_over = threading.Event()
    proxy.answer = lambda _: is_over.wait() and None
    process = job.start(*SMALL, "--spool-max", "16K")
    wait_for(lambda: "the dump waits" in process.stderr_text(), "a full spool")
    yield process
    is_over.set()
    proxy.answer = None


@contextlib.contextmanager
def database_that_is_down(job, gate, _proxy):
    gate.shut()
    process = job.start(*SMALL)
    pid, = gate.wait_until_reached()
    postgres = job.database.postgres
    postgres.execute("ALTER DATABASE tests ALLOW_CONNECTIONS false")
    try:
        postgres.execute("SELECT pg_terminate_backend(%s)", (pid,))
        wait_for(lambda: "not currently accepting" in process.stderr_text(), "a retry")
        yield process
    finally:
        postgres.execute("ALTER DATABASE tests ALLOW_CONNECTIONS true")
    gate.open()


SITUATIONS = [database_that_waits, engine_that_does_not_answer, engine_that_is_down, full_spool,
              database_that_is_down]


@pytest.fixture
def stopped(make_job, make_proxy, database, gate, elasticsearch):
    """A job, its proxy and its gate at row 325."""
    proxy = make_proxy(elasticsearch)
    table = database.make_numbers(ROWS)
    job = make_job(f"SELECT id, body FROM {table} WHERE gate(id = 325)", elasticsearch, url=proxy.url)
    return job, gate, proxy


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_signal_stops_it_in_time_and_the_same_command_goes_on(stopped, situation, number):
    job = stopped[0]
    with situation(*stopped) as process:
        process.send_signal(number)
        assert process.wait(STOP_SECONDS) == STOPPED, process.stderr_text()
        before = ledger(process.stdout_text())
    assert before.rows < ROWS or before.pending > 0
    result = job.run(*SMALL)
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(ROWS)), result.stderr
    assert job.documents() == job.expected()


def test_a_second_signal_ends_it_at_once(stopped):
    job = stopped[0]
    with engine_that_does_not_answer(*stopped) as process:
        process.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)  # it waits for the answer still
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_SECONDS) == STOPPED
        assert process.stdout_text() == ""
    result = job.run(*SMALL)
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(ROWS)), result.stderr
    assert job.documents() == job.expected()
