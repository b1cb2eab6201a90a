"""A job is killed with SIGKILL, wherever and however often: nothing is lost, nothing is doubled.

All go through a recording proxy, which knows which frame each bulk request carried.
"""

import contextlib
import random
import re
import subprocess
from collections import Counter

import pytest

from engines import ROOT
from jobs import DEAD_LETTERS, FINISHED, KILLED, Ledger, ledger

KILLS = 40
IN_FLIGHT = 8
MANY_FRAMES = 100
# Many frames, segments, windows and commits of few rows.
SMALL = ["--window-rows", 60, "--frame-size", "4K", "--segment-size", "8K", "--in-flight", IN_FLIGHT]
POINTS = sorted({name for path in (ROOT / "src").rglob("*.c")
                 for name in re.findall(r'fault_point\("([a-z-]+)"\)', path.read_text())
                 if not name.startswith("repair-")})  # test_verify.py has those
# The mapping takes no words: every row with one is a dead letter.
NUMBERS_ONLY = {"settings": {"number_of_replicas": 0, "number_of_shards": 1},
                "mappings": {"dynamic": False, "properties": {"mark": {"type": "integer"}}}}


@pytest.fixture
def marked(database):
    """A table of which every 50th row is refused by NUMBERS_ONLY."""
    table = database.make_numbers(500)
    database.execute(f"ALTER TABLE {table} ADD mark text")
    database.execute(f"UPDATE {table} SET mark = 'word' WHERE id % 50 = 7")
    return table


def sent_again(proxy):
    """How many bulk requests carried a frame that an earlier one carried."""
    frames = Counter(request.first_id for request in proxy.requests)
    return sum(frames.values()) - len(frames)


def assert_complete(job, result):
    """Exactly the query's ids and documents are in the index and the dead letters, each once."""
    expected = job.expected()
    refused = {key: document for key, document in expected.items() if document.get("mark")}
    dead = job.dead_letters()
    assert result.returncode == (DEAD_LETTERS if refused else FINISHED), result.stderr
    assert ledger(result.stdout) == Ledger(len(expected), len(expected) - len(refused),
                                           len(refused), 0)
    assert job.documents() == {key: document for key, document in expected.items()
                               if key not in refused}
    assert len(dead) == len(refused)
    assert {letter["id"]: letter["source"].get("id") for letter in dead} == {
        key: int(key) for key in refused}
    assert job.look("status")["state"] == "finished"
    assert job.segments() == []


def killed_run(job, seconds):
    """Run the job, kill it after SECONDS unless it has ended by then; its exit code."""
    process = job.start(*SMALL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    process.kill()
    return job.finish(process)


def test_killed_at_40_random_moments_it_ends_complete(elasticsearch, database, make_job, make_proxy):
    """Job after job: each is run and killed until it ends by itself, before its moment came."""
    table = database.make_numbers(1000, size=400)
    draw = random.Random(3)
    duration = make_job(table, elasticsearch).run(*SMALL).seconds
    kills = 0
    while kills < KILLS:
        proxy = make_proxy(elasticsearch)
        job = make_job(table, elasticsearch, url=proxy.url)
        killed = 0
        while kills + killed < KILLS and killed_run(job, draw.uniform(0, duration)) == KILLED:
            killed += 1
        duration *= 0.9  # it was faster than that
        assert_complete(job, job.run(*SMALL))
        assert len(proxy.requests) > MANY_FRAMES
        assert sent_again(proxy) <= killed * IN_FLIGHT
        kills += killed


@pytest.mark.parametrize("passage, times", [(1, 1), (1, 3), (2, 1), (4, 1)])
@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_named_point_it_ends_complete(elasticsearch, make_job, make_proxy, marked, point,
                                                  passage, times):
    proxy = make_proxy(elasticsearch)
    job = make_job(marked, elasticsearch, NUMBERS_ONLY, url=proxy.url)
    for _ in range(times):
        result = job.run(*SMALL, env={"BOBBIN_CRASH_AT": f"{point}:{passage}"})
        assert result.returncode == KILLED, result.stderr
    assert_complete(job, job.run(*SMALL))
    assert sent_again(proxy) <= times * IN_FLIGHT


@pytest.mark.sanitizers
@pytest.mark.parametrize("point", POINTS)
def test_killed_in_a_stage_alone_it_ends_complete(elasticsearch, make_job, make_proxy, marked, point):
    proxy = make_proxy(elasticsearch)
    job = make_job(marked, elasticsearch, NUMBERS_ONLY, url=proxy.url)
    env = {"BOBBIN_CRASH_AT": point}
    stages = {"dump": SMALL[:-2], "replay": SMALL[-2:]}
    killed = [stage for stage, options in stages.items()
              if job.run(*options, stage=stage, env=env).returncode == KILLED
              and job.run(*options, stage=stage).returncode in (FINISHED, DEAD_LETTERS)]
    assert killed
    assert_complete(job, job.run(*SMALL))
    assert sent_again(proxy) <= IN_FLIGHT


def test_without_a_kill_no_frame_is_sent_twice(elasticsearch, make_job, make_proxy, marked):
    proxy = make_proxy(elasticsearch)
    job = make_job(marked, elasticsearch, NUMBERS_ONLY, url=proxy.url)
    assert_complete(job, job.run(*SMALL))
    assert sent_again(proxy) == 0
