"""What bobbin tells of a job, and of its spool: status, inspect, verify, the ledger, --dry-run."""

import json
import re
import signal

import pytest

from jobs import (CONFIG, DISK, FINISHED, NOWHERE, STOPPED, USAGE, Ledger, all_in, ledger, operations,
                  wait_for)

ROWS = 600
SMALL = ["--window-rows", 50, "--frame-size", "4K", "--segment-size", "16K"]
LEDGER_FIELDS = "rows_read", "acknowledged", "dead", "pending"


def status_text(job):
    result = job.bobbin.run(["status", job.spool])
    assert result.returncode == FINISHED, result.stderr
    return result.stdout


def assert_state(job, state):
    """status in both forms says STATE, and the same ledger; the JSON."""
    text, found = status_text(job), job.look("status")
    assert found["state"] == state
    assert f"state     {state}\n" in text
    assert ledger(text) == Ledger(*(found[name] for name in LEDGER_FIELDS))
    return found


# -- status ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage, state", [("run", "running"), ("dump", "dumping")])
def test_status_tells_of_a_job_from_its_first_row_to_its_end(held, gate, stage, state):
    process = held.start(*SMALL, stage=stage)
    gate.wait_until_reached()
    settled = "acknowledged" if stage == "run" else "rows_read"  # then the ledger stands still
    wait_for(lambda: held.look("status")[settled] >= 300, "rows in the spool, and sent")
    found = assert_state(held, state)
    assert (found["parts"], found["parts_finished"]) == (1, 0)
    assert found["dumped"] is found["finished"] is None
    process.kill()
    held.finish(process)
    gate.open()
    assert_state(held, "stopped")
    assert held.run(*SMALL, stage="dump").returncode == FINISHED
    found = assert_state(held, "dumped")
    assert (found["rows_read"], found["parts_finished"]) == (ROWS, 1)
    assert held.run().returncode == FINISHED
    found = assert_state(held, "finished")
    assert (found["acknowledged"], found["spool_bytes"], found["in_flight"]) == (ROWS, 0, 0)
    assert found["started"] < found["dumped"] <= found["finished"] <= found["updated"]


def test_status_says_what_the_job_is(held):
    held.run(*SMALL, "--from", 1, "--to", 5, "--dry-run")
    assert not held.spool.exists()
    assert held.run(*SMALL, "--from", 1, "--to", 5, stage="dump").returncode == FINISHED
    found = held.look("status")
    expected = {"query": held.query, "key": "id", "from": "1", "to": "5", "index": held.index,
                "op": "index", "keeps_nulls": False}
    assert found["job"] == expected
    assert json.loads((held.spool / "job.json").read_text()) == expected
    assert f"index     {held.index}\n" in status_text(held)


def test_watch_ends_with_the_job(held, gate):
    process = held.start(*SMALL)
    gate.wait_until_reached()
    watch = held.bobbin.start(["status", "--watch", held.spool])
    wait_for(lambda: watch.stdout_text().count("state     running") >= 2, "two looks")
    gate.open()
    assert held.finish(process) == FINISHED
    assert held.finish(watch) == FINISHED
    assert "state     finished" in watch.stdout_text()
    assert ledger(watch.stdout_text()) == all_in(ROWS)


def test_every_run_ends_with_its_ledger(held, gate):
    """Each ends in another way: its stage alone, a signal, giving up, done, done before."""
    process = held.start(*SMALL, stage="dump")
    gate.wait_until_reached()
    process.send_signal(signal.SIGTERM)
    assert held.finish(process) == STOPPED
    assert ledger(process.stdout_text()).acknowledged == 0
    gate.open()
    held.url, url = NOWHERE, held.url
    result = held.run(*SMALL, "--give-up-after", "1s")
    assert result.returncode == STOPPED
    held.url = url
    for options, expected in ((["--quiet"], all_in(ROWS)), ([], all_in(ROWS))):
        result = held.run(*SMALL, *options)
        assert (result.returncode, ledger(result.stdout)) == (FINISHED, expected)
    assert result.stdout.count("\n") == 1


# -- inspect and verify ----------------------------------------------------------------------------


@pytest.fixture
def dumped(make_job, database):
    job = make_job(database.make_numbers(ROWS))
    assert job.run(*SMALL, stage="dump").returncode == FINISHED
    return job


def test_inspect_lists_what_lies_in_the_spool(dumped):
    listing = dumped.look("inspect")
    segments, frames = listing["segments"], listing["frames"]
    assert [segment["name"] for segment in segments] == [path.name for path in dumped.segments()]
    assert [segment["bytes"] for segment in segments] == [
        path.stat().st_size for path in dumped.segments()]
    assert sum(frame["bytes"] for frame in frames) == sum(segment["bytes"] for segment in segments)
    assert sum(frame["documents"] for frame in frames) == ROWS
    assert [frame["number"] for frame in frames] == list(range(1, len(frames) + 1))
    assert (frames[0]["first_key"], frames[-1]["last_key"]) == ("1", str(ROWS))
    text = dumped.bobbin.run(["inspect", dumped.spool]).stdout
    assert text.count("\n") == len(segments) + len(frames)
    assert f"keys {frames[1]['first_key']} .. {frames[1]['last_key']}" in text


def test_inspect_prints_a_frames_documents_as_they_are_sent(dumped):
    frames = dumped.look("inspect")["frames"]
    bodies = [dumped.bobbin.run(["inspect", "--frame", frame["number"], dumped.spool])
              for frame in frames]
    assert {body.returncode for body in bodies} == {FINISHED}
    printed = [body.stdout for body in bodies]
    assert [len(body) for body in printed] == [frame["raw_bytes"] for frame in frames]
    assert list(operations("".join(printed).encode())) == dumped.spooled()
    result = dumped.bobbin.run(["inspect", "--frame", len(frames) + 1, dumped.spool])
    assert (result.returncode, result.stdout) == (USAGE, "")
    assert f"no frame {len(frames) + 1}" in result.stderr


def test_verify_finds_nothing_in_a_sound_spool(dumped):
    listing = dumped.look("inspect")
    counts = {"segments": len(listing["segments"]), "frames": len(listing["frames"]),
              "documents": ROWS}
    assert dumped.look("verify") == {**counts, "problems": []}
    text = dumped.bobbin.run(["verify", dumped.spool]).stdout
    assert text == "{segments} segments, {frames} frames, {documents} documents: 0 problems\n".format(
        **counts)


@pytest.mark.parametrize("place", ["header", "body"])
def test_verify_finds_one_changed_bit(dumped, place):
    frame = dumped.look("inspect")["frames"][3]
    path = dumped.spool / f"{frame['segment']:08}.seg.zst"
    content = bytearray(path.read_bytes())
    content[frame["offset"] + (70 if place == "header" else frame["bytes"] - 30)] ^= 4
    path.write_bytes(content)
    result = dumped.bobbin.run(["verify", dumped.spool])
    assert result.returncode == DISK
    assert f"segment {frame['segment']}, frame {frame['number']}: " in result.stdout
    assert result.stdout.splitlines()[-1].endswith(": 1 problems")
    assert result.stderr.count("\n") == 1
    assert dumped.run(*SMALL, stage="dump").returncode == FINISHED


def test_verify_finds_a_segment_that_is_gone_or_cut(dumped):
    first, second = dumped.segments()[:2]
    first.unlink()
    second.write_bytes(second.read_bytes()[:-1])
    result = dumped.bobbin.run(["verify", "--json", dumped.spool])
    problems = "\n".join(json.loads(result.stdout)["problems"])
    assert result.returncode == DISK
    assert "segment 1: 0 bytes, and the index says" in problems
    assert f"segment 2: {second.stat().st_size} bytes, and the index says" in problems


# -- --dry-run -------------------------------------------------------------------------------------


def test_a_dry_run_shows_the_plan_and_three_documents_and_does_nothing(elasticsearch, make_job,
                                                                      make_proxy, database):
    table = database.make_table(
        "id int PRIMARY KEY, _routing text, day date, at timestamptz, tags text[], more jsonb",
        """SELECT i, 'r', '2024-02-29', '2024-02-29 12:00+00', ARRAY['a'], '{"b": 1}'
           FROM generate_series(1, 40) i""")
    proxy = make_proxy(elasticsearch)
    job = make_job(table, elasticsearch, url=proxy.url)
    result = job.run("--from", 11, "--window-rows", 20, "--dry-run")
    assert (result.returncode, result.stderr) == (FINISHED, "")
    plan, documents = result.stdout.split("first window: 20 rows; its first documents:\n")
    for line in (f"^source: .*{job.database.conninfo.split()[0][5:]}.*/tests$", "^key: .*id .integer.*unique",
                 "^range: .*from 11", "^rows: .*20", f"^spool: .*{job.spool}$", f"^index: .*{job.index}$",
                 "^ *id +integer +-> number$", "^ *_routing +text +-> bulk metadata$",
                 "^ *day +date +-> date$", "^ *at +timestamp with time zone +-> date with offset$",
                 r"^ *tags +text\[\] by to_jsonb\(\) +-> JSON as it is$", "^ *more +jsonb +-> JSON"):
        assert re.search(line, plan, re.MULTILINE), (line, plan)
    assert list(operations(documents.encode())) == [
        ({"_id": str(i), "routing": "r"}, {"id": i, "day": "2024-02-29",
         "at": "2024-02-29T12:00:00+00:00", "tags": ["a"], "more": {"b": 1}}) for i in (11, 12, 13)]
    assert not job.spool.exists() and proxy.requests == [] and job.documents() == {}


def test_a_dry_run_needs_no_cluster_and_no_spool(make_job, database):
    job = make_job(database.make_table("id int PRIMARY KEY"))
    result = job.bobbin.run(["run", "--dry-run", "--dsn", database.conninfo, *job.source, "--index", "x"])
    assert result.returncode == FINISHED, result.stderr
    assert "first window: 0 rows, which are all" in result.stdout


def test_a_dry_run_refuses_what_the_run_would(make_job, database):
    job = make_job(database.make_table("id int", "VALUES (1), (1)"))
    result = job.run("--dry-run")
    assert (result.returncode, result.stdout) == (CONFIG, "")
    assert "the key is not unique" in result.stderr
