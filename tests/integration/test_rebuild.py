"""An index that is lost is made anew by verify --rebuild, at whatever stage of the job; then the job ends
as it would have: every document of the query is in the index, and no other."""

import pytest

from jobs import DEAD_LETTERS, DISK, FINISHED, KILLED, STOPPED, Ledger, all_in, ledger, wait_for

ROWS = 600
SMALL = ["--window-rows", 50, "--frame-size", "4K", "--segment-size", "8K"]
NUMBERS_ONLY = {"settings": {"number_of_replicas": 0, "number_of_shards": 1},
                "mappings": {"dynamic": False, "properties": {"mark": {"type": "integer"}}}}


def lose_index(job):
    for name in ("index.mdb", "index.mdb-lock"):
        (job.spool / name).unlink()


def rebuild(job, env=None):
    return job.bobbin.run(["verify", "--rebuild", job.spool], env=env)


def lose_and_rebuild(job):
    lose_index(job)
    done = rebuild(job)
    assert done.returncode == FINISHED, done.stderr
    assert "a new index from" in done.stderr and ": 0 problems" in done.stdout


def assert_is_complete(job):
    assert job.documents() == job.expected()
    assert job.look("status")["state"] == "finished"
    assert job.segments() == []


def assert_ends(job):
    """The job ends complete, and no row was read twice."""
    result = job.run(*SMALL)
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(ROWS)), result.stderr
    assert_is_complete(job)


def dump_whole(job):
    assert job.run(*SMALL, stage="dump").returncode == FINISHED


def dump_in_parts(job):
    assert job.run(*SMALL, "--jobs", 4, stage="dump").returncode == FINISHED


def dump_with_a_snapshot(job):
    assert job.run(*SMALL, "--snapshot", "dump", stage="dump").returncode == FINISHED


def die_dumping(job):
    env = {"BOBBIN_CRASH_AT": "index-committed:3"}
    assert job.run(*SMALL, stage="dump", env=env).returncode == KILLED


def die_dumping_in_parts(job):
    env = {"BOBBIN_CRASH_AT": "frame-written:14"}
    assert job.run(*SMALL, "--jobs", 4, stage="dump", env=env).returncode == KILLED


def replay_a_part(job):
    dump_whole(job)
    env = {"BOBBIN_CRASH_AT": "segment-unlinked:2"}
    assert job.run(stage="replay", env=env).returncode == KILLED


def replay_a_part_of_parts(job):
    dump_in_parts(job)
    env = {"BOBBIN_CRASH_AT": "segment-unlinked:2"}
    assert job.run(stage="replay", env=env).returncode == KILLED


def lose_a_segment(job):
    dump_in_parts(job)
    job.segments()[2].unlink()


def damage_a_segment(job):
    dump_whole(job)
    path = job.segments()[1]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


STAGES = [dump_whole, dump_in_parts, dump_with_a_snapshot, die_dumping, die_dumping_in_parts, replay_a_part,
          replay_a_part_of_parts, lose_a_segment, damage_a_segment]


@pytest.mark.parametrize("stage", STAGES)
def test_at_each_stage_a_lost_index_is_made_anew(elasticsearch, make_job, database, stage):
    job = make_job(database.make_numbers(ROWS), elasticsearch)
    stage(job)
    lose_and_rebuild(job)
    assert_ends(job)


@pytest.mark.sanitizers
def test_it_may_be_lost_again_and_again(elasticsearch, make_job, database):
    job = make_job(database.make_numbers(ROWS), elasticsearch)
    env = {"BOBBIN_CRASH_AT": "index-committed:2"}
    for _ in range(4):
        assert job.run(*SMALL, "--jobs", 2, env=env).returncode == KILLED
        lose_and_rebuild(job)
    result = job.run(*SMALL)  # what was dumped in later lives may be dumped again
    assert result.returncode == FINISHED and ledger(result.stdout).pending == 0, result.stderr
    assert_is_complete(job)


KEYS = {
    "uuid": ("uuid", "md5(i::text)::uuid"),
    "text": ('text COLLATE "und-x-icu"',
             "chr(97 + i %% 26) || CASE WHEN i %% 3 = 0 THEN 'Z' ELSE '-\\x' END || i"),
    "timestamptz": ("timestamptz", "'2020-01-01'::timestamptz + i * interval '1.000001 s'"),
    "numeric": ("numeric", "(i - 300) / 7.0"),
}


@pytest.mark.parametrize("key", KEYS)
def test_keys_of_any_type_have_gaps(elasticsearch, make_job, database, key):
    column, value = KEYS[key]
    table = database.make_table(
        f"id {column} PRIMARY KEY, n int, body text",
        f"SELECT {value}, i, md5(i::text) || md5((-i)::text) FROM generate_series(1, %s) i", (ROWS,))
    job = make_job(table, elasticsearch)
    dump_in_parts(job)
    job.segments()[1].unlink()
    lose_and_rebuild(job)
    result = job.run(*SMALL)
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(ROWS)), result.stderr
    assert sorted(source["n"] for source in job.documents().values()) == list(range(1, ROWS + 1))


def test_a_range_keeps_its_bounds(elasticsearch, make_job, database):
    job = make_job(database.make_numbers(ROWS), elasticsearch)
    bounds = ["--from", 101, "--to", 400]
    assert job.run(*SMALL, *bounds, stage="dump").returncode == FINISHED
    job.segments()[0].unlink()
    job.segments()[-1].unlink()
    lose_and_rebuild(job)
    result = job.run(*SMALL, *bounds)
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(300)), result.stderr
    assert sorted(map(int, job.documents())) == list(range(101, 401))


def test_dead_letters_are_made_anew(elasticsearch, make_job, database):
    table = database.make_numbers(ROWS)
    database.execute(f"ALTER TABLE {table} ADD mark text")
    database.execute(f"UPDATE {table} SET mark = 'word' WHERE id % 50 = 7")
    job = make_job(table, elasticsearch, NUMBERS_ONLY)
    assert job.run(*SMALL, stage="dump").returncode == FINISHED
    env = {"BOBBIN_CRASH_AT": "acknowledge-committed:5"}
    assert job.run(stage="replay", env=env).returncode == KILLED
    before = (job.spool / "dead.ndjson").read_text()
    assert before
    lose_and_rebuild(job)
    assert (job.spool / "dead.ndjson.old").read_text() == before
    result = job.run(*SMALL)
    assert (result.returncode, ledger(result.stdout)) == (DEAD_LETTERS, Ledger(ROWS, ROWS - 12, 12, 0))
    assert sorted(int(letter["id"]) for letter in job.dead_letters()) == list(range(7, ROWS, 50))
    assert len(job.documents()) == ROWS - 12


@pytest.fixture
def dumped(elasticsearch, make_job, database):
    job = make_job(database.make_numbers(ROWS), elasticsearch)
    dump_whole(job)
    return job


@pytest.mark.parametrize("point", ["index-rebuilt", "index-aside"])
def test_killed_half_way_it_is_run_again(dumped, point):
    (dumped.spool / "index.mdb").write_bytes(b"no index")
    assert rebuild(dumped, env={"BOBBIN_CRASH_AT": point}).returncode == KILLED
    refused = dumped.run(*SMALL)
    assert refused.returncode == DISK and "verify --rebuild" in refused.stderr
    assert rebuild(dumped).returncode == FINISHED
    assert_ends(dumped)


def test_a_replay_alone_sends_what_is_there_and_names_the_rest(dumped):
    lose_and_rebuild(dumped)
    result = dumped.run(stage="replay")
    assert (result.returncode, ledger(result.stdout)) == (DISK, all_in(ROWS)), result.stderr
    assert "2 key ranges (before 1, after 600 on)" in result.stderr
    assert dumped.documents() == dumped.expected()
    result = dumped.run(*SMALL, stage="dump")
    assert result.returncode == FINISHED, result.stderr
    assert_ends(dumped)


def test_a_spool_at_work_is_left_alone(held, gate):
    process = held.start(*SMALL, "--keep")
    gate.wait_until_reached()
    wait_for(held.segments, "a segment")
    (held.spool / "index.mdb").rename(held.spool / "aside")
    refused = rebuild(held)
    assert refused.returncode == STOPPED and "another bobbin" in refused.stderr
    (held.spool / "aside").rename(held.spool / "index.mdb")
    gate.open()
    assert held.finish(process) == FINISHED


def test_a_sound_index_stays(dumped):
    before = (dumped.spool / "index.mdb").read_bytes()
    done = rebuild(dumped)
    assert done.returncode == FINISHED and "is sound" in done.stderr
    assert (dumped.spool / "index.mdb").read_bytes() == before
