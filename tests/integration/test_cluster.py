"""A cluster of three nodes of which one is killed, is silent, or is restarted, as in an upgrade: jobs and workers go on with
the others, and nothing that was acknowledged is missing."""

import contextlib

import pytest

from fleet import SLOW, Crew
from jobs import NO_MAPPING, Halfway, wait_for

SHARDS = 3
COPIED = {**NO_MAPPING, "settings": {"number_of_shards": SHARDS, "number_of_replicas": 1}}
ALONE = {**NO_MAPPING, "settings": {"number_of_shards": SHARDS, "number_of_replicas": 0}}


@pytest.fixture
def start_half(three_nodes, make_job, database, gate):
    """A job that has half of its documents in an index with this body, and knows all nodes."""
    def start(body, *options):
        half = Halfway(make_job, database, gate, three_nodes, body=body)
        half.start(*three_nodes.urls(), *options)
        return half
    return start


@contextlib.contextmanager
def frozen(node):
    node.freeze()
    try:
        yield
    finally:
        node.go_on()


@contextlib.contextmanager
def killed(node):
    node.kill()
    yield


@pytest.mark.parametrize("who", ["holder", "master"])
def test_a_killed_node_takes_nothing_with_it_that_has_a_copy(three_nodes, start_half, who):
    half = start_half(COPIED)
    victim = three_nodes.master() if who == "master" else three_nodes.holder(half.job.index)
    victim.kill()
    half.gate.open()
    half.finish()
    three_nodes.start()
    three_nodes.wait_until(lambda health: health["status"] == "green")
    assert half.job.documents() == half.job.expected()


def test_shards_without_a_copy_are_waited_for(three_nodes, start_half):
    half = start_half(ALONE, "--request-timeout", "4s")
    three_nodes.holder(half.job.index).kill()
    half.gate.open()
    half.wait_for_log("unavailable_shards_exception")
    three_nodes.start()
    half.finish()


def test_a_silent_node_is_done_without(three_nodes, start_half):
    half = start_half(COPIED, "--request-timeout", "5s")
    with frozen(three_nodes.holder(half.job.index)):
        half.gate.open()
        half.finish()
    three_nodes.wait_until(lambda health: health["number_of_nodes"] == len(three_nodes.nodes))


def test_nodes_that_are_restarted_one_after_the_other_are_not_noticed(three_nodes, start_half):
    half = start_half(COPIED)
    for node in three_nodes.nodes:
        three_nodes.wait_until(lambda health: health["status"] == "green")
        node.stop()
        three_nodes.start()
    half.gate.open()
    half.finish()


@pytest.mark.parametrize("lost", [killed, frozen])
def test_workers_share_a_job_though_the_master_is_lost(three_nodes, bobbin, database, tmp_path, lost):
    table = database.make_numbers(1200)
    database.execute(SLOW)
    crew = Crew(bobbin, database, three_nodes, tmp_path, f"SELECT id, body FROM {table} WHERE slowly(0.005)")
    three_nodes.create_index(crew.index, COPIED)
    crew.plan(6)
    three_nodes.wait_until(lambda health: health["status"] == "green")
    workers = [crew.start(*three_nodes.urls(), "--request-timeout", "20s", lease="10s") for _ in range(2)]
    wait_for(lambda: any(shard["state"] == "done" for shard in crew.shards()), "a shard that is done")
    with lost(three_nodes.master()):
        crew.url = three_nodes.address
        for worker in workers:
            crew.finish(worker, seconds=120)
        crew.assert_complete()
