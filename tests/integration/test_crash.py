"""A job is killed with SIGKILL at each named point: nothing is lost, nothing is doubled. Random
moments are test_kill_loop.py's.

All go through a recording proxy, which knows which frame each bulk request carried.
"""

import pytest

from jobs import DEAD_LETTERS, FINISHED, KILLED, NUMBERS_ONLY, assert_complete, crash_points

IN_FLIGHT = 8
# Many frames, segments, windows and commits of few rows.
SMALL = ["--window-rows", 60, "--frame-size", "4K", "--segment-size", "8K", "--in-flight", IN_FLIGHT]
# Those of dead retry, verify --repair and verify --rebuild are for test_dead.py, test_verify.py and test_rebuild.py.
POINTS = crash_points(but=("letters-", "refresh-", "repair-"))


@pytest.fixture
def marked(database):
    """A table of which every 50th row is refused by NUMBERS_ONLY."""
    return database.make_marked(500)


@pytest.mark.parametrize("passage, times", [(1, 1), (1, 3), (2, 1), (4, 1)])
@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_named_point_it_ends_complete(opensearch, make_job, make_proxy, marked, point,
                                                  passage, times):
    proxy = make_proxy(opensearch)
    job = make_job(marked, opensearch, NUMBERS_ONLY, url=proxy.url)
    for _ in range(times):
        result = job.run(*SMALL, env={"BOBBIN_CRASH_AT": f"{point}:{passage}"})
        assert result.returncode == KILLED, result.stderr
    assert_complete(job, job.run(*SMALL))
    assert proxy.sent_again() <= times * IN_FLIGHT


@pytest.mark.sanitizers
@pytest.mark.parametrize("point", POINTS)
def test_killed_in_a_stage_alone_it_ends_complete(opensearch, make_job, make_proxy, marked, point):
    proxy = make_proxy(opensearch)
    job = make_job(marked, opensearch, NUMBERS_ONLY, url=proxy.url)
    env = {"BOBBIN_CRASH_AT": point}
    stages = {"dump": SMALL[:-2], "replay": SMALL[-2:]}
    killed = [stage for stage, options in stages.items()
              if job.run(*options, stage=stage, env=env).returncode == KILLED
              and job.run(*options, stage=stage).returncode in (FINISHED, DEAD_LETTERS)]
    assert killed
    assert_complete(job, job.run(*SMALL))
    assert proxy.sent_again() <= IN_FLIGHT


def test_without_a_kill_no_frame_is_sent_twice(opensearch, make_job, make_proxy, marked):
    proxy = make_proxy(opensearch)
    job = make_job(marked, opensearch, NUMBERS_ONLY, url=proxy.url)
    assert_complete(job, job.run(*SMALL))
    assert proxy.sent_again() == 0
