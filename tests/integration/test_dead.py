"""Dead letters: counted, listed, sent again after a repair, given up; a job that makes too many stops."""

import json
import random

import pytest

from engines import ROOT
from jobs import (CONFIG, DEAD_LETTERS, DISK, FINISHED, KILLED, STOPPED, USAGE, Ledger, all_in, ledger,
                  wait_for)

ROWS = 300
SMALL = ["--frame-size", "4K", "--segment-size", "8K", "--in-flight", 4]
STILL = 5  # documents that no repair helps
# Words in `mark` are refused until ignore_malformed comes; those in `day` for good.
TYPED = {"settings": {"number_of_replicas": 0, "number_of_shards": 1},
         "mappings": {"dynamic": False, "properties": {"mark": {"type": "integer"},
                                                       "day": {"type": "date"}}}}


def repair(job):
    """The mapping takes words in `mark`."""
    status, answer = job.engine.request("PUT", f"{job.index}/_mapping", {"properties": {
        "mark": {"type": "integer", "ignore_malformed": True}}})
    assert status == 200, answer


@pytest.fixture
def marked(database):
    """A table of ROWS rows: every 10th has a word in `mark`, of those STILL one in `day` too."""
    table = database.make_numbers(ROWS)
    database.execute(f"ALTER TABLE {table} ADD mark text, ADD day text")
    database.execute(f"UPDATE {table} SET mark = 'a word' WHERE id % 10 = 7")
    return table


@pytest.fixture
def stubborn(database, marked):
    database.execute(f"UPDATE {marked} SET day = 'no day' WHERE id % 50 = 7 AND id < 250")
    return marked


def refused(job, field="mark"):
    return {key for key, document in job.expected().items() if document.get(field)}


def assert_letters(job, ids):
    """Each of IDS has one letter, whose source is the query's document; the index has all others."""
    expected = job.expected()
    letters = job.dead_letters()
    assert sorted(letter["id"] for letter in letters) == sorted(ids)
    assert all(letter["source"] == expected[letter["id"]] for letter in letters)
    assert job.documents() == {key: expected[key] for key in expected.keys() - set(ids)}


def run_refused(job, *options, dead=ROWS // 10):
    result = job.run(*SMALL, *options)
    assert result.returncode == DEAD_LETTERS, result.stderr
    assert ledger(result.stdout) == Ledger(ROWS, ROWS - dead, dead, 0)
    return result


def retry(job, *options, **how):
    return job.run(*options, stage="dead retry", **how)


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
    assert partly.returncode == STOPPED and "bobbin run" in partly.stderr
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
        except Exception:
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
    assert alone.returncode == STOPPED, alone.stderr
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


def test_a_pipeline_that_is_absent_stops_the_job(engine, make_job, database):
    job = make_job(database.make_numbers(200), engine)
    result = job.run("--pipeline", "none", "--max-dead", 20, *SMALL)
    assert result.returncode == DEAD_LETTERS, result.stderr
    assert "pipeline with id [none] does not exist" in result.stderr
    assert job.documents() == {}
    result = retry(job, *job.reading())
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(200)), result.stderr
    assert job.documents() == job.expected()


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


def test_without_a_spool_there_is_nothing_to_do(bobbin, tmp_path):
    for command in (["list"], ["retry", "--url", "http://127.0.0.1:1"], ["drop"]):
        result = bobbin.run(["dead", *command, tmp_path / "none"])
        assert result.returncode == CONFIG and "there is none" in result.stderr
    assert not (tmp_path / "none").exists()


# -- many ------------------------------------------------------------------------------------------

MANY = 100_000
MOST_KIB = 32 << 10


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
