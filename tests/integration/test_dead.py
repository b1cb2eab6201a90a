"""Dead letters: counted, listed, sent again after a repair, given up; a job that makes too many stops."""

import json

import pytest

from jobs import (CONFIG, DEAD_LETTERS, FINISHED, KILLED, STOPPED, USAGE, Ledger, all_in, ledger,
                  wait_for)
from letters import ROWS, SMALL, STILL, TYPED, assert_letters, refused, repair, retry, run_refused


# -- looking ---------------------------------------------------------------------------------------


def test_refused_documents_are_summed_up_listed_and_shown(engine, make_job, marked, bobbin):
    job = make_job(marked, engine, TYPED)
    result = run_refused(job)
    ids = refused(job)
    summary, = [line for line in result.stderr.splitlines() if "(first: id " in line]
    assert " 30 " in summary and "parsing_exception: " in summary and "[mark]" in summary
    assert "bobbin dead list" in result.stderr and "bobbin dead retry" in result.stderr

    listed = bobbin.run(["dead", "list", job.spool])
    lines = [line.split("\t") for line in listed.stdout.split("\n\n")[0].splitlines()]
    assert listed.returncode == FINISHED
    assert {key for key, _, _ in lines} == ids and len(lines) == len(ids)
    assert all(status == "400" and "parsing_exception" in why for _, status, why in lines)
    assert "30 dead letters" in listed.stdout and summary.split("warning: ")[-1].strip() in listed.stdout

    found = job.look("dead list")
    assert {letter["id"] for letter in found["letters"]} == ids
    assert (found["count"], found["groups"][0]["count"], found["others"]) == (30, 30, 0)

    shown = bobbin.run(["dead", "show", job.spool, "27"])
    letter, = [letter for letter in job.dead_letters() if letter["id"] == "27"]
    assert json.loads(shown.stdout) == letter and len(shown.stdout.splitlines()) > 10
    absent = bobbin.run(["dead", "show", job.spool, "28"])
    assert absent.returncode == USAGE and "no dead letter of id 28" in absent.stderr


def test_what_is_not_durable_yet_is_not_listed(elasticsearch, make_job, database, marked, gate, bobbin):
    gate.shut()
    job = make_job(f"SELECT * FROM {marked} WHERE gate(id = 200)", elasticsearch, TYPED)
    process = job.start("--window-rows", 50, *SMALL)
    gate.wait_until_reached()
    wait_for(lambda: job.look("status")["dead"] >= 10, "the first dead letters")
    before = job.look("dead list")
    with open(job.spool / "dead.ndjson", "ab") as file:
        file.write(b'{"torn')
    after = job.look("dead list")
    assert before["count"] == job.look("status")["dead"]
    assert after == before
    gate.open()
    assert job.finish(process) == DEAD_LETTERS
    assert_letters(job, refused(job))
    assert job.look("dead list")["count"] == 30


# -- again -----------------------------------------------------------------------------------------


def test_after_a_repair_a_retry_sends_them_and_empties_the_file(engine, make_job, marked):
    job = make_job(marked, engine, TYPED)
    run_refused(job)
    repair(job)
    result = retry(job)
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(ROWS)), result.stderr
    assert "30 dead letters are sent again" in result.stderr
    assert_letters(job, [])
    assert (job.spool / "dead.ndjson").stat().st_size == 0
    assert job.segments() == []
    for again in (job.run(*SMALL), retry(job)):
        assert (again.returncode, ledger(again.stdout)) == (FINISHED, all_in(ROWS)), again.stderr


def test_what_is_refused_again_stays(engine, make_job, stubborn):
    job = make_job(stubborn, engine, TYPED)
    run_refused(job)
    repair(job)
    for _ in range(2):
        result = retry(job)
        assert result.returncode == DEAD_LETTERS, result.stderr
        assert ledger(result.stdout) == Ledger(ROWS, ROWS - STILL, STILL, 0)
        assert_letters(job, refused(job, "day"))
        assert all("[day]" in letter["error"]["reason"] for letter in job.dead_letters())


def test_without_a_repair_a_retry_changes_nothing(elasticsearch, make_job, marked):
    job = make_job(marked, elasticsearch, TYPED)
    run_refused(job)
    result = retry(job)
    assert result.returncode == DEAD_LETTERS, result.stderr
    assert_letters(job, refused(job))


def test_a_retry_goes_on_with_an_unfinished_job(elasticsearch, make_job, marked):
    """As --max-dead leaves it. Without the source it ends where the spool does."""
    job = make_job(marked, elasticsearch, TYPED)
    assert job.run(*SMALL, "--window-rows", 60, env={"BOBBIN_CRASH_AT": "index-committed:3"}
                   ).returncode == KILLED
    repair(job)
    partly = retry(job)
    assert partly.returncode == STOPPED and "run the command that began it" in partly.stderr
    result = retry(job, *job.reading())
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(ROWS)), result.stderr
    assert_letters(job, [])


def test_a_dead_delete_is_sent_again(engine, make_job, database):
    """The mapping wants a routing, which the deletes lack, until the index is made anew."""
    routed = {"settings": TYPED["settings"], "mappings": {"_routing": {"required": True}}}
    job = make_job("SELECT i AS id, 'delete' AS _op FROM generate_series(1, 20) i", engine, routed)
    result = job.run()
    assert (result.returncode, ledger(result.stdout)) == (DEAD_LETTERS, Ledger(20, 0, 20, 0))
    assert all("source" not in letter and letter["action"]["delete"]["_id"] == letter["id"]
               for letter in job.dead_letters())
    engine.delete_index(job.index)
    engine.create_index(job.index, {"settings": TYPED["settings"]})
    for document in ("3", "21"):
        engine.request("PUT", f"{job.index}/_doc/{document}", {"stays": document == "21"})
    result = retry(job)
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(20)), result.stderr
    assert job.documents() == {"21": {"stays": True}}


def test_rows_that_were_no_documents_are_read_again_when_the_source_is_given(elasticsearch, make_job,
                                                                             database):
    table = database.make_table("id int PRIMARY KEY, _id text, body text",
                                "SELECT i, CASE WHEN i % 7 = 0 THEN '' ELSE 'd' || i END, 'x'"
                                " FROM generate_series(1, 50) i")
    job = make_job(table, elasticsearch)
    result = job.run()
    assert (result.returncode, ledger(result.stdout)) == (DEAD_LETTERS, Ledger(50, 43, 7, 0))
    letters = job.dead_letters()
    kept = retry(job)
    assert (kept.returncode, ledger(kept.stdout)) == (DEAD_LETTERS, Ledger(50, 43, 7, 0))
    assert "7 rows that could not become documents stay dead letters" in kept.stderr
    assert sorted(job.dead_letters(), key=str) == sorted(letters, key=str)
    database.execute(f"UPDATE {table} SET _id = 'd' || id WHERE id > 7 AND _id = ''")
    read = retry(job, *job.reading())
    assert (read.returncode, ledger(read.stdout)) == (DEAD_LETTERS, Ledger(50, 49, 1, 0)), read.stderr
    assert job.documents().keys() == {f"d{i}" for i in range(1, 51) if i != 7}
    assert [letter["keys"] for letter in job.dead_letters()] == [["7", "7"]]


# -- too many --------------------------------------------------------------------------------------


@pytest.mark.parametrize("most", [0, 4])
def test_too_many_stop_the_job_which_goes_on_after_the_repair(engine, make_job, make_proxy, marked, most):
    proxy = make_proxy(engine)
    job = make_job(marked, engine, TYPED, url=proxy.url)
    result = job.run(*SMALL, "--max-dead", most)
    done = ledger(result.stdout)
    assert result.returncode == DEAD_LETTERS, result.stderr
    assert f"--max-dead allows {most}: most were " in result.stderr
    assert "parsing_exception: " in result.stderr and "bobbin dead retry" in result.stderr
    assert 0 <= done.dead <= most + 4 * 10 and done.acknowledged < ROWS - 30
    assert job.look("dead list")["count"] == done.dead

    sent = len(proxy.requests)
    again = job.run(*SMALL, "--max-dead", 0)
    assert again.returncode == DEAD_LETTERS
    if done.dead > 0:
        assert len(proxy.requests) == sent, "nothing is sent when it is plain from the start"
    repair(job)
    result = retry(job, *job.reading(), "--max-dead", most)
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(ROWS)), result.stderr
    assert_letters(job, [])


def test_a_higher_bound_lets_it_go_on(elasticsearch, make_job, marked):
    job = make_job(marked, elasticsearch, TYPED)
    assert job.run(*SMALL, "--max-dead", 3).returncode == DEAD_LETTERS
    run_refused(job, "--max-dead", 30)
    assert_letters(job, refused(job))


def test_a_wrong_pipeline_stops_in_the_middle_of_a_frame(elasticsearch, make_job, make_proxy, database):
    """Each document is refused alone, by halving: one frame of all rows would be 2 requests for each."""
    proxy = make_proxy(elasticsearch)
    job = make_job(database.make_numbers(2000), elasticsearch, url=proxy.url)
    proxy.answer = lambda request: (400, json.dumps({"error": {
        "type": "illegal_argument_exception", "reason": "pipeline [none] missing"}}).encode())
    result = job.run("--max-dead", 10)
    assert result.returncode == DEAD_LETTERS, result.stderr
    assert "pipeline [none] missing" in result.stderr
    assert ledger(result.stdout) == Ledger(2000, 0, 0, 2000)
    assert len(proxy.requests) < 60
    proxy.answer = None
    result = job.run("--max-dead", 10)
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(2000)), result.stderr
    assert job.documents() == job.expected()


def test_without_a_spool_there_is_nothing_to_do(bobbin, tmp_path):
    for command in (["list"], ["retry", "--url", "http://127.0.0.1:1"], ["drop"]):
        result = bobbin.run(["dead", *command, tmp_path / "none"])
        assert result.returncode == CONFIG and "there is none" in result.stderr
    assert not (tmp_path / "none").exists()


# -- many ------------------------------------------------------------------------------------------

MANY = 100_000
MOST_KIB = 32 << 10


@pytest.mark.memory
def test_a_hundred_thousand_letters_take_little_memory(elasticsearch, make_job, database, bobbin):
    table = database.make_numbers(MANY)
    job = make_job(f"SELECT *, 'word' AS mark FROM {table}", elasticsearch, TYPED)
    result = job.run("--max-dead", MANY, timeout=600)
    assert result.returncode == DEAD_LETTERS, result.stderr[-2000:]
    assert ledger(result.stdout) == Ledger(MANY, 0, MANY, 0)
    peaks = {"run": result.maxrss_kib}
    for command, more in (("list", []), ("show", ["77777"])):
        result = bobbin.run(["dead", command, job.spool, *more])
        assert result.returncode == FINISHED
        peaks[command] = result.maxrss_kib
    repair(job)
    result = retry(job, timeout=600)
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(MANY)), result.stderr[-2000:]
    peaks["retry"] = result.maxrss_kib
    assert max(peaks.values()) < MOST_KIB, peaks
    elasticsearch.refresh(job.index)
    assert elasticsearch.count(job.index) == MANY
