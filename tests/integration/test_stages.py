"""The stages alone, at the same time, in two processes, and while what they need goes away."""

import json
import subprocess
import threading
import time

import pytest

from jobs import FINISHED, STOPPED, Ledger, all_in, ledger, wait_for

ROWS = 600
WINDOWS = ["--window-rows", 50, "--frame-size", "4K", "--segment-size", "16K"]
HALF_WAY = "WHERE gate(id = 325)"  # the windows before it are complete


def gated(table, where=HALF_WAY):
    return f"SELECT id, body FROM {table} {where}"


def dump_to_the_gate(job, gate, stage="dump"):
    gate.shut()
    process = job.start(*WINDOWS, stage=stage)
    gate.wait_until_reached()
    return process


def rows_read(job):
    return job.look("status")["rows_read"]


# -- one after the other, and overlapping ----------------------------------------------------------


@pytest.mark.sanitizers
def test_a_finished_dump_is_replayed_without_postgresql(engine, make_job, database, postgres):
    job = make_job(database.make_numbers(ROWS), engine)
    expected = job.expected()
    dumped = job.run(*WINDOWS, stage="dump")
    assert (dumped.returncode, ledger(dumped.stdout)) == (FINISHED, Ledger(ROWS, 0, 0, ROWS))
    postgres.stop()
    try:
        result = job.run(stage="replay")
    finally:
        postgres.start()
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(ROWS)), result.stderr
    assert job.documents() == expected
    assert job.segments() == []


def test_compressed_requests_make_the_same_index(engine, make_job, make_proxy, database):
    proxy = make_proxy(engine)
    job = make_job(database.make_numbers(ROWS), engine, url=proxy.url)
    result = job.run(*WINDOWS, "--gzip")
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(ROWS)), result.stderr
    assert job.documents() == job.expected()
    assert {request.headers["Content-Encoding"] for request in proxy.requests} == {"gzip"}
    assert sum(request.documents for request in proxy.requests) == ROWS


def test_a_replay_sends_while_the_dump_still_writes(elasticsearch, make_job, database, gate):
    job = make_job(gated(database.make_numbers(ROWS)), elasticsearch)
    dump = dump_to_the_gate(job, gate)
    replay = job.start(stage="replay")
    wait_for(lambda: 300 <= len(job.documents()) <= 325, "documents while the dump waits")
    assert (dump.poll(), replay.poll()) == (None, None)
    gate.open()
    assert (job.finish(dump), job.finish(replay)) == (FINISHED, FINISHED)
    assert ledger(replay.stdout_text()) == all_in(ROWS)
    assert job.documents() == job.expected()


def test_run_sends_while_it_still_dumps(elasticsearch, make_job, database, gate):
    job = make_job(gated(database.make_numbers(ROWS)), elasticsearch)
    process = dump_to_the_gate(job, gate, "run")
    wait_for(lambda: 300 <= len(job.documents()) <= 325, "documents while the dump waits")
    assert job.look("status")["state"] == "running"
    gate.open()
    assert job.finish(process) == FINISHED
    assert ledger(process.stdout_text()) == all_in(ROWS)
    assert job.documents() == job.expected()


def test_a_replay_that_comes_before_the_dumps_end_says_so(elasticsearch, make_job, database, gate):
    job = make_job(gated(database.make_numbers(ROWS)), elasticsearch)
    dump = dump_to_the_gate(job, gate)
    wait_for(lambda: rows_read(job) >= 300, "rows in the spool")
    dump.kill()
    job.finish(dump)
    result = job.run(stage="replay")
    sent = len(job.documents())
    assert (result.returncode, ledger(result.stdout)) == (STOPPED, all_in(sent))
    assert "its dump is not finished" in result.stderr
    gate.open()
    assert (job.run(stage="dump").returncode, job.run(stage="replay").returncode) == (0, 0)
    assert job.documents() == job.expected()


# -- servers that go away --------------------------------------------------------------------------


def restart_postgresql(postgres, _pid):
    postgres.restart()


def terminate_backend(postgres, pid):
    postgres.execute("SELECT pg_terminate_backend(%s)", (pid,))


def cancel_statement(postgres, pid):
    postgres.execute("SELECT pg_cancel_backend(%s)", (pid,))


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("disturb", [restart_postgresql, terminate_backend, cancel_statement])
def test_a_dump_goes_on_at_its_last_key(make_job, database, postgres, gate, disturb, jobs):
    job = make_job(gated(database.make_numbers(ROWS)))
    gate.shut()
    process = job.start(*WINDOWS, "--jobs", jobs, stage="dump")
    pid, = gate.wait_until_reached()
    disturb(postgres, pid)
    wait_for(lambda: "going on at the last key" in process.stderr_text(), "the dump's complaint")
    gate.open()
    assert job.finish(process) == FINISHED, process.stderr_text()
    spooled = job.spooled()
    assert len(spooled) == ROWS
    assert {action["_id"]: source for action, source in spooled} == job.expected()
    assert job.look("status")["rows_read"] == ROWS


def test_run_waits_for_elasticsearch_to_come_back(elasticsearch, make_job, database, gate):
    job = make_job(gated(database.make_numbers(ROWS)), elasticsearch)
    process = dump_to_the_gate(job, gate, "run")
    wait_for(lambda: len(job.documents()) >= 300, "documents while the dump waits")
    elasticsearch.stop()
    gate.open()
    wait_for(lambda: "is sent again" in process.stderr_text(), "the replay's complaint")
    elasticsearch.start()
    assert job.finish(process) == FINISHED, process.stderr_text()
    assert ledger(process.stdout_text()) == all_in(ROWS)
    assert job.documents() == job.expected()


def test_it_gives_up_after_a_while_and_goes_on_when_run_again(elasticsearch, make_job, make_proxy,
                                                             database):
    proxy = make_proxy(elasticsearch)
    proxy.answer = lambda _: (503, b'{"error":{"type":"unavailable"},"status":503}')
    job = make_job(database.make_numbers(ROWS), elasticsearch, url=proxy.url)
    result = job.run(*WINDOWS, "--give-up-after", "2s")
    assert (result.returncode, ledger(result.stdout).acknowledged) == (STOPPED, 0)
    assert "nothing was acknowledged for 2 s (--give-up-after)" in result.stderr
    assert "503" in result.stderr
    proxy.answer = None
    result = job.run(*WINDOWS)
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(ROWS))
    assert job.documents() == job.expected()


# -- the spool without bobbin ----------------------------------------------------------------------


def test_a_spool_can_be_sent_by_zstd_and_curl(engine, make_job, database, tmp_path):
    job = make_job(database.make_numbers(ROWS), engine)
    assert job.run(*WINDOWS, "--keep", "--jobs", 2, stage="dump").returncode == FINISHED
    subprocess.run(["zstd", "-tq", *job.segments()], check=True)
    script = f"""set -e
        zstdcat {job.spool}/*.seg.zst | split -l 200 - {tmp_path}/body-
        for body in {tmp_path}/body-*; do
            curl -sf --noproxy '*' -H 'Content-Type: application/x-ndjson' \\
                --data-binary @$body '{engine.url}/{job.index}/_bulk?filter_path=errors'
        done"""
    answers = subprocess.run(["sh", "-c", script], check=True, capture_output=True, text=True).stdout
    assert len(job.segments()) > 1
    assert answers == '{"errors":false}' * (ROWS * 2 // 200)
    assert job.documents() == job.expected()


# -- --spool-max, --keep, --again ------------------------------------------------------------------


class LargestSize(threading.Thread):
    """The most that a spool's segments took at one time."""

    def __init__(self, job):
        super().__init__(daemon=True)
        self.job = job
        self.bytes = 0
        self.is_over = threading.Event()

    def run(self):
        while not self.is_over.wait(0.002):
            self.bytes = max(self.bytes, sum(map(size_of, self.job.segments())))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.join()


def size_of(path):
    try:
        return path.stat().st_size
    except FileNotFoundError:  # it was just deleted
        return 0


def test_a_full_spool_makes_the_dump_wait_until_a_replay_makes_room(elasticsearch, make_job, database):
    frame, most = 4096, 64 << 10
    job = make_job(database.make_numbers(2000, size=300), elasticsearch)
    with LargestSize(job) as largest:
        dump = job.start("--spool-max", most, "--frame-size", frame, stage="dump")
        wait_for(lambda: "(--spool-max): the dump waits" in dump.stderr_text(), "a full spool")
        waiting = job.look("status")
        time.sleep(1)
        assert (dump.poll(), rows_read(job)) == (None, waiting["rows_read"])
        replay = job.start(stage="replay")
        assert (job.finish(dump), job.finish(replay)) == (FINISHED, FINISHED)
    assert most - frame <= largest.bytes <= most + 2 * frame
    assert ledger(replay.stdout_text()) == all_in(2000)
    assert job.documents() == job.expected()


def test_run_stays_below_the_maximum(elasticsearch, make_job, make_proxy, database):
    frame, most = 4096, 64 << 10
    proxy = make_proxy(elasticsearch)
    proxy.answer = lambda _: time.sleep(0.02)
    job = make_job(database.make_numbers(2000, size=300), elasticsearch, url=proxy.url)
    with LargestSize(job) as largest:
        result = job.run("--spool-max", most, "--frame-size", frame, "--jobs", 2)
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(2000))
    assert largest.bytes <= most + 2 * frame


@pytest.mark.parametrize("stages", [["run"], ["dump", "replay"]])
@pytest.mark.parametrize("option, are_kept", [([], False), (["--keep"], True)])
def test_segments_go_when_they_are_sent_unless_they_are_kept(elasticsearch, make_job, database, stages,
                                                            option, are_kept):
    job = make_job(database.make_numbers(ROWS), elasticsearch)
    for stage in stages:
        small = WINDOWS if stage != "replay" else []
        assert job.run(*small, *option, stage=stage).returncode == FINISHED
    assert job.spooled_ids() == ([str(i) for i in range(1, ROWS + 1)] if are_kept else [])
    assert job.look("status")["spool_bytes"] == sum(map(size_of, job.segments()))
    assert job.documents() == job.expected()


def test_a_kept_spool_may_be_replayed_again_and_again(elasticsearch, make_job, database):
    job = make_job(database.make_numbers(ROWS), elasticsearch)
    assert job.run(*WINDOWS, "--keep").returncode == FINISHED
    for _ in range(2):
        result = job.run("--keep", stage="replay")
        assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(ROWS))
        assert "finished already" in result.stderr
    assert len(job.spooled_ids()) == ROWS
    assert job.documents() == job.expected()


def test_a_finished_job_is_done_again_only_when_asked(elasticsearch, make_job, database):
    table = database.make_numbers(ROWS)
    job = make_job(table, elasticsearch)
    assert job.run(*WINDOWS).returncode == FINISHED
    database.execute(f"UPDATE {table} SET body = 'new' WHERE id = 5")
    database.execute(f"DELETE FROM {table} WHERE id = 6")
    for stage in ("run", "dump", "replay"):
        result = job.run(stage=stage)
        assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(ROWS))
        assert "finished already" in result.stderr
    assert job.documents()["5"]["body"] != "new"
    result = job.run(*WINDOWS, "--again")
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(ROWS - 1)), result.stderr
    assert job.documents()["5"]["body"] == "new"


def test_again_goes_on_with_an_unfinished_job(elasticsearch, make_job, database):
    job = make_job(database.make_numbers(ROWS), elasticsearch)
    assert job.run(*WINDOWS, stage="dump").returncode == FINISHED
    before = json.loads((job.spool / "job.json").read_text())
    result = job.run("--again")
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(ROWS))
    assert json.loads((job.spool / "job.json").read_text()) == before
