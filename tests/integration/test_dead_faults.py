"""Dead letters that are sent again or given up, killed at any moment; and a file of them that is damaged."""

import random
import subprocess

import pytest

from jobs import DEAD_LETTERS, DISK, FINISHED, KILLED, Ledger, all_in, ledger
from letters import ROWS, STILL, TYPED, assert_letters, refused, repair, retry, run_refused

# -- killed ----------------------------------------------------------------------------------------

# What a retry passes. A segment's removal needs one that is done, so it comes at the end.
POINTS = ["frame-written", "segment-synced", "directory-synced", "index-committed",
          "letters-committed", "letters-cut", "dead-synced", "acknowledge-committed",
          "delete-intended", "segment-unlinked"]


def assert_retried(job):
    result = retry(job)
    assert result.returncode == DEAD_LETTERS, result.stderr
    assert ledger(result.stdout) == Ledger(ROWS, ROWS - STILL, STILL, 0)
    assert_letters(job, refused(job, "day"))


def assert_adds_up(job):
    state = job.look("status")
    assert state["rows_read"] == ROWS == sum(
        state[name] for name in ("acknowledged", "dead", "dropped", "pending"))
    assert job.look("dead list")["count"] == state["dead"]


@pytest.mark.parametrize("point", POINTS)
def test_a_retry_killed_at_a_point_is_ended_by_the_same_command(elasticsearch, make_job, stubborn, point):
    job = make_job(stubborn, elasticsearch, TYPED)
    run_refused(job)
    repair(job)
    killed = retry(job, env={"BOBBIN_CRASH_AT": point})
    assert killed.returncode == KILLED, killed.stderr
    assert_adds_up(job)
    assert_retried(job)


def test_a_retry_killed_at_random_moments_is_ended_by_the_same_command(elasticsearch, make_job, stubborn):
    draw = random.Random(5)
    kills = 0
    duration = 0.3
    while kills < 12:
        job = make_job(stubborn, elasticsearch, TYPED)
        run_refused(job)
        repair(job)
        process = job.start(stage="dead retry")
        try:
            process.wait(draw.uniform(0, duration))
            duration *= 0.8
        except subprocess.TimeoutExpired:
            process.kill()
            kills += job.finish(process) == KILLED
            assert_adds_up(job)
        assert_retried(job)


@pytest.mark.parametrize("then", ["replay", "run"])
def test_after_a_killed_retry_the_other_commands_go_on_too(elasticsearch, make_job, marked, then):
    job = make_job(marked, elasticsearch, TYPED)
    run_refused(job)
    repair(job)
    assert retry(job, env={"BOBBIN_CRASH_AT": "letters-committed"}).returncode == KILLED
    result = job.run(stage=then)
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(ROWS)), result.stderr
    assert_letters(job, [])


def test_a_frame_of_letters_that_is_damaged_later_is_dumped_again(elasticsearch, make_job, marked):
    """Its key range is in its letters."""
    job = make_job(marked, elasticsearch, TYPED)
    run_refused(job)
    repair(job)
    assert retry(job, env={"BOBBIN_CRASH_AT": "letters-committed"}).returncode == KILLED
    path = job.segments()[-1]
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    alone = retry(job)
    assert alone.returncode == DISK, alone.stderr
    result = job.run()
    assert result.returncode == FINISHED, result.stderr
    ledger(result.stdout)
    assert_letters(job, [])


# -- given up --------------------------------------------------------------------------------------


@pytest.mark.parametrize("point", [None, "letters-dropped", "letters-cut"])
def test_letters_that_are_dropped_are_in_the_ledger(elasticsearch, make_job, marked, bobbin, point):
    job = make_job(marked, elasticsearch, TYPED)
    run_refused(job)
    documents = job.documents()
    dropped = Ledger(ROWS, ROWS - 30, 0, 0, 30)
    if point:
        killed = bobbin.run(["dead", "drop", job.spool], env={"BOBBIN_CRASH_AT": point})
        assert killed.returncode == KILLED
    result = bobbin.run(["dead", "drop", job.spool])
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, dropped), result.stderr
    assert (job.spool / "dead.ndjson").stat().st_size == 0
    assert job.look("dead list")["count"] == 0 and job.look("status")["dropped"] == 30
    assert bobbin.run(["verify", job.spool]).returncode == FINISHED
    again = job.run()
    assert (again.returncode, ledger(again.stdout)) == (FINISHED, dropped), again.stderr
    assert job.documents() == documents


# -- damage ----------------------------------------------------------------------------------------

DAMAGE = {
    "shorter": lambda text: text[:-100],
    "gone": lambda text: None,
    "no JSON": lambda text: b"x" * (text.index(b"\n")) + text[text.index(b"\n"):],
    "another digit": lambda text: text.replace(b'"id":7,', b'"id":8,', 1),
    "another line": lambda text: text.replace(b"\n", b"\n\n", 1)[:-1],
    "zeros in the middle": lambda text: text[:1000] + bytes(500) + text[1500:],
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damaged_letters_are_named_and_never_sent(elasticsearch, make_job, make_proxy, marked, bobbin,
                                                  name):
    proxy = make_proxy(elasticsearch)
    job = make_job(marked, elasticsearch, TYPED, url=proxy.url)
    run_refused(job)
    path = job.spool / "dead.ndjson"
    good = path.read_bytes()
    damaged = DAMAGE[name](good)
    path.unlink() if damaged is None else path.write_bytes(damaged)
    repair(job)
    before = job.look("status")
    sent = len(proxy.requests)
    for result in (bobbin.run(["dead", "list", job.spool]), retry(job)):
        assert result.returncode == DISK, result.stderr
        assert "dead.ndjson" in result.stderr and "bobbin dead drop" in result.stderr
    assert len(proxy.requests) == sent
    after = job.look("status")
    assert {**after, "updated": None} == {**before, "updated": None}
    assert damaged is None or path.read_bytes() == damaged
    path.write_bytes(good)
    result = retry(job)
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(ROWS)), result.stderr


@pytest.mark.parametrize("name", ["shorter", "gone", "no JSON"])
def test_damaged_letters_can_be_dropped(elasticsearch, make_job, marked, bobbin, name):
    job = make_job(marked, elasticsearch, TYPED)
    run_refused(job)
    path = job.spool / "dead.ndjson"
    damaged = DAMAGE[name](path.read_bytes())
    path.unlink() if damaged is None else path.write_bytes(damaged)
    result = bobbin.run(["dead", "drop", job.spool])
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, Ledger(ROWS, ROWS - 30, 0, 0, 30))
    assert job.run().returncode == FINISHED
