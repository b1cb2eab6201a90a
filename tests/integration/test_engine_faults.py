"""Faults of the real engines: blocks, shards that are away, restarts, overload. No document is lost
or becomes a dead letter for a state of the cluster."""

import contextlib
import json
import re

import pytest

from jobs import (CONFIG, DEAD_LETTERS, FINISHED, NO_MAPPING, STOPPED, Halfway, Ledger, all_in,
                  ledger, wait_for)

ROWS = Halfway.ROWS
HALF = Halfway.HALF
SMALL = Halfway.SMALL

# -- blocks ----------------------------------------------------------------------------------------


def index_block(name):
    """Sets a block of the job's index, or lifts it."""
    def change(job, value):
        job.engine.must("PUT", f"{job.index}/_settings", {f"index.blocks.{name}": value})
    return change


def cluster_block(name):
    def change(job, value):
        job.engine.must("PUT", "_cluster/settings", {"persistent": {f"cluster.blocks.{name}": value}})
    return change


def closed(job, value):
    job.engine.must("POST", f"{job.index}/{'_close' if value else '_open'}")


BLOCKS = {
    "a full disk": index_block("read_only_allow_delete"),
    "no writes": index_block("write"),
    "read only": index_block("read_only"),
    "the cluster is read only": cluster_block("read_only"),
    "the cluster has a full disk": cluster_block("read_only_allow_delete"),
    "closed": closed,
}


@contextlib.contextmanager
def blocked(job, name):
    BLOCKS[name](job, True)
    try:
        yield
    finally:
        BLOCKS[name](job, None)


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_is_waited_out(halfway, name):
    halfway.start()
    with blocked(halfway.job, name):
        halfway.gate.open()
        halfway.wait_for_log(f"index {halfway.job.index} takes no writes now: ")
        assert halfway.job.look("status")["dead"] == 0
    halfway.finish()
    assert halfway.log().count("takes no writes now") == 1
    assert halfway.log().count("takes writes again") == 1


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_that_stays_ends_the_run_with_all_kept(halfway, name):
    halfway.start("--give-up-after", "3s")
    with blocked(halfway.job, name):
        halfway.gate.open()
        assert halfway.job.finish(halfway.process) == STOPPED, halfway.log()
        done = ledger(halfway.process.stdout_text())
        assert done.dead == 0 and done.acknowledged >= HALF and done.rows > done.acknowledged
        last = halfway.log().splitlines()[-1]
        assert "--give-up-after" in last and "takes no writes now" in last
    halfway.run_to_the_end()


def test_a_job_that_can_not_look_at_its_index_waits_to_be_called_finished(halfway):
    block = index_block("metadata")
    halfway.start()
    block(halfway.job, True)
    halfway.gate.open()
    halfway.wait_for_log("a last look at index")
    assert "is tried again" in halfway.log()
    block(halfway.job, None)
    halfway.finish()


def test_a_cluster_that_is_read_only_makes_no_index_now(engine, make_job, database, tmp_path):
    job = make_job(database.make_numbers(9), engine, body=None)
    body = tmp_path / "index.json"
    body.write_text(json.dumps(NO_MAPPING))
    with blocked(job, "the cluster is read only"):
        result = job.run("--create-index", body)
        assert (result.returncode, job.spool.exists()) == (STOPPED, False), result.stderr
        assert "cluster_block_exception" in result.stderr
    result = job.run("--create-index", body)
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(9)), result.stderr


# -- shards and nodes ------------------------------------------------------------------------------

IMPATIENT = ["--request-timeout", "4s"]  # the cluster then waits 2 s for the shard


@pytest.fixture
def shardless(engine, make_job, database):
    """A job whose index has no node to be on."""
    job = make_job(database.make_numbers(ROWS), engine, body=None)
    nobody = {"number_of_replicas": 0, "routing.allocation.require._name": "nobody"}
    engine.must("PUT", f"{job.index}?wait_for_active_shards=0", {**NO_MAPPING, "settings": nobody})
    return job


def bring_shard(job):
    job.engine.must("PUT", f"{job.index}/_settings", {"index.routing.allocation.require._name": None})


def test_a_shard_that_is_away_is_waited_for(shardless):
    process = shardless.start(*SMALL, *IMPATIENT)
    wait_for(lambda: "unavailable_shards_exception" in process.stderr_text(), "no shard")
    assert process.poll() is None
    bring_shard(shardless)
    assert shardless.finish(process) == FINISHED, process.stderr_text()
    assert ledger(process.stdout_text()) == all_in(ROWS)
    assert shardless.documents() == shardless.expected()


def test_a_shard_that_stays_away_ends_the_run_with_all_kept(shardless):
    result = shardless.run(*SMALL, *IMPATIENT, "--give-up-after", "5s")
    done = ledger(result.stdout)
    assert (result.returncode, done) == (STOPPED, Ledger(done.rows, 0, 0, done.rows)), result.stderr
    assert "unavailable_shards_exception" in result.stderr.splitlines()[-1]
    bring_shard(shardless)
    result = shardless.run(*SMALL)
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(ROWS)), result.stderr
    assert shardless.documents() == shardless.expected()


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_node_that_goes_and_comes_back_loses_nothing(halfway, end):
    halfway.start()
    getattr(halfway.engine, end)()
    halfway.gate.open()
    halfway.wait_for_log("is sent again")
    halfway.engine.start()
    halfway.finish()


def test_a_node_that_is_killed_under_load_loses_nothing(engine, make_job, database):
    job = make_job(database.make_numbers(20_000), engine)
    process = job.start("--frame-size", "64K")
    wait_for(lambda: job.has_begun() and job.look("status")["acknowledged"] > 1000, "documents")
    engine.kill()
    assert process.poll() is None
    engine.start()
    assert job.finish(process) == FINISHED, process.stderr_text()
    assert ledger(process.stdout_text()) == all_in(20_000)
    assert job.documents() == job.expected()


# -- overload --------------------------------------------------------------------------------------


def assert_slowed_down(result):
    assert "the cluster asks for patience: at most" in result.stderr
    assert "is sent again" in result.stderr


def test_a_cluster_short_of_memory_gets_fewer_and_smaller_requests(engine, make_job, database):
    rows = 6000
    job = make_job(database.make_numbers(rows, size=2000), engine)
    engine.ensure_up("indexing_pressure.memory.limit=1mb")
    result = job.run("--window-rows", 5000, "--frame-size", "4M")
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(rows)), result.stderr
    assert_slowed_down(result)
    assert "rejected execution of coordinating operation" in result.stderr
    assert "is too large for the cluster now: it is sent in smaller ones" in result.stderr
    assert job.documents() == job.expected()


def test_a_document_that_never_fits_stops_the_run_and_is_kept(engine, make_job, database):
    job = make_job(database.make_numbers(9), engine)
    database.execute(f"UPDATE {job.source[1]} SET body = repeat(body, 20000) WHERE id = 5")
    engine.ensure_up("indexing_pressure.memory.limit=1mb")
    result = job.run("--frame-size", "4K", "--give-up-after", "3s")
    assert result.returncode == STOPPED, result.stderr
    assert ledger(result.stdout).dead == 0 and ledger(result.stdout).pending >= 1
    assert "rejected execution of coordinating operation" in result.stderr.splitlines()[-1]
    engine.ensure_up()
    result = job.run()
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(9)), result.stderr
    assert job.documents() == job.expected()


def test_a_circuit_breaker_that_trips_is_waited_for(engine, make_job, database):
    rows = 10_000
    job = make_job(database.make_numbers(rows, size=2000), engine)
    setting = "network.breaker.inflight_requests.limit"
    engine.must("PUT", "_cluster/settings", {"persistent": {setting: "3mb"}})
    try:
        result = job.run("--frame-size", "1M")
    finally:
        engine.must("PUT", "_cluster/settings", {"persistent": {setting: None}})
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(rows)), result.stderr
    assert_slowed_down(result)
    assert "circuit_breaking_exception" in result.stderr
    assert job.documents() == job.expected()


def test_a_full_queue_is_waited_for(engine, make_job, database):
    rows = 10_000
    shards = {**NO_MAPPING, "settings": {"number_of_replicas": 0, "number_of_shards": 16}}
    job = make_job(database.make_numbers(rows), engine, shards)
    engine.ensure_up("thread_pool.write.queue_size=1 thread_pool.write.size=1")
    result = job.run("--window-rows", 1000, "--frame-size", "32K")
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(rows)), result.stderr
    assert_slowed_down(result)
    assert re.search(r"documents not now: \w*rejected_execution_exception", result.stderr)
    assert job.documents() == job.expected()


# -- what is wrong for good ------------------------------------------------------------------------


def test_a_mapping_without_room_makes_dead_letters(engine, make_job):
    job = make_job("SELECT i AS id, jsonb_build_object('f' || i, 1) AS o "
                   "FROM generate_series(1, 9) i", engine,
                   {"settings": {**NO_MAPPING["settings"], "index.mapping.total_fields.limit": 6}})
    result = job.run()
    done = ledger(result.stdout)
    dead = job.dead_letters()
    assert result.returncode == DEAD_LETTERS and 0 < done.dead < 9, result.stderr
    assert done == Ledger(9, 9 - done.dead, done.dead, 0)
    for letter in dead:
        assert letter["status"] == 400 and "Limit of total fields [6]" in json.dumps(letter["error"])
    assert job.documents().keys() | {letter["id"] for letter in dead} == job.expected().keys()


def test_a_pipeline_that_is_not_there_is_named_before_anything_is_written(engine, make_job,
                                                                         database):
    job = make_job(database.make_numbers(9), engine)
    result = job.run("--pipeline", "nowhere")
    assert (result.returncode, job.spool.exists()) == (CONFIG, False)
    assert "ingest pipeline nowhere does not exist" in result.stderr
    assert job.documents() == {}


def test_a_pipeline_that_goes_away_makes_no_dead_letters(elasticsearch, make_job, database, gate):
    halfway = Halfway(make_job, database, gate, elasticsearch)
    elasticsearch.must("PUT", "_ingest/pipeline/passing", {"processors": []})
    halfway.start("--pipeline", "passing")
    elasticsearch.must("DELETE", "_ingest/pipeline/passing")
    gate.open()
    assert halfway.job.finish(halfway.process) == CONFIG, halfway.log()
    assert "pipeline with id [passing] does not exist" in halfway.log().splitlines()[-1]
    assert ledger(halfway.process.stdout_text()).dead == 0
    elasticsearch.must("PUT", "_ingest/pipeline/passing", {"processors": []})
    halfway.run_to_the_end("--pipeline", "passing")
    elasticsearch.must("DELETE", "_ingest/pipeline/passing")
