"""The index is deleted, replaced or moved while a job fills it: what was acknowledged is gone, so the
job never ends well, and begins anew only when told to. A rollover is no loss."""

import json
import signal

import pytest

from jobs import CONFIG, FINISHED, NO_MAPPING, STOPPED, Halfway, all_in, ledger, next_name

GONE = "is gone, and with it what was acknowledged"
REPLACED = "is not the one that this job began to fill"
REMEDY = "begin anew: bobbin run --again"


def refused(halfway, returncode, log, words):
    """One error, the remedy in it; nothing was sent that would look like success."""
    assert returncode == CONFIG, log
    last = log.splitlines()[-1]
    assert words in last and REMEDY in last and halfway.job.index in last
    assert log.count(" error: ") == 1


def refuses(halfway, words):
    """The started run ends itself."""
    refused(halfway, halfway.job.finish(halfway.process), halfway.log(), words)


def refuses_again(halfway, words, *options):
    result = halfway.job.run(*halfway.SMALL, *options)
    refused(halfway, result.returncode, result.stderr, words)


@pytest.fixture
def create_index(tmp_path):
    body = tmp_path / "index.json"
    body.write_text(json.dumps(NO_MAPPING))
    return ["--create-index", body]


def test_an_index_that_is_deleted_ends_the_run(halfway, create_index):
    halfway.start()
    halfway.engine.delete_index(halfway.job.index)
    refuses(halfway, GONE)  # while the dump waits and nothing is sent
    halfway.gate.open()
    refuses_again(halfway, GONE)
    refuses_again(halfway, GONE, *create_index)
    assert halfway.engine.request("GET", halfway.job.index)[0] == 404  # not made in vain
    halfway.run_to_the_end("--again", *create_index)


def test_an_index_that_the_cluster_invents_is_no_success(halfway):
    halfway.start()
    halfway.engine.delete_index(halfway.job.index)
    halfway.gate.open()
    refuses(halfway, REPLACED)
    assert "the cluster has invented it: delete it" in halfway.log()
    assert ledger(halfway.process.stdout_text()) == all_in(halfway.ROWS)  # as far as it was told
    assert len(halfway.job.documents()) < halfway.ROWS
    refuses_again(halfway, REPLACED)
    halfway.engine.delete_index(halfway.job.index)
    halfway.engine.create_index(halfway.job.index, NO_MAPPING)
    refuses_again(halfway, REPLACED)
    halfway.run_to_the_end("--again")


def test_a_cluster_that_invents_no_index_says_that_it_is_gone(halfway):
    setting = "action.auto_create_index"
    halfway.engine.must("PUT", "_cluster/settings", {"persistent": {setting: "false"}})
    try:
        halfway.start()
        halfway.engine.delete_index(halfway.job.index)
        halfway.gate.open()
        refuses(halfway, GONE)
    finally:
        halfway.engine.must("PUT", "_cluster/settings", {"persistent": {setting: None}})
    assert halfway.engine.request("GET", halfway.job.index)[0] == 404


def test_an_index_that_was_replaced_between_two_runs_gets_nothing(halfway):
    halfway.start()
    halfway.process.send_signal(signal.SIGTERM)
    assert halfway.job.finish(halfway.process) == STOPPED
    halfway.gate.open()
    halfway.engine.delete_index(halfway.job.index)
    halfway.engine.create_index(halfway.job.index, NO_MAPPING)
    refuses_again(halfway, REPLACED)
    result = halfway.job.run(stage="replay")
    refused(halfway, result.returncode, result.stderr, REPLACED)
    assert halfway.job.documents() == {}
    halfway.run_to_the_end("--again")


def test_an_index_that_is_replaced_before_anything_is_in_is_filled(engine, make_job, database):
    job = make_job(database.make_numbers(9), engine)
    engine.must("PUT", f"{job.index}/_settings", {"index.blocks.write": True})
    assert job.run("--give-up-after", "1s").returncode == STOPPED
    engine.delete_index(job.index)
    engine.create_index(job.index, NO_MAPPING)
    result = job.run()
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(9)), result.stderr
    assert job.documents() == job.expected()


def test_a_repair_of_an_index_that_was_replaced_sends_nothing(engine, make_job, database):
    job = make_job(database.make_numbers(9), engine)
    assert job.run().returncode == FINISHED
    engine.delete_index(job.index)
    result = job.run("--deep", "--repair", stage="verify")
    assert result.returncode == CONFIG and "does not exist" in result.stderr, result.stdout + result.stderr
    assert engine.request("GET", job.index)[0] == 404
    engine.create_index(job.index, NO_MAPPING)
    result = job.run("--deep", "--repair", stage="verify")
    assert result.returncode == CONFIG and REPLACED in result.stderr, result.stdout + result.stderr
    assert job.documents() == {}


# -- aliases and data streams ----------------------------------------------------------------------


@pytest.fixture
def aliased(make_job, database, gate, engine):
    """A job that writes to an alias; `first` and `second` are the indices."""
    halfway = Halfway(make_job, database, gate, engine)
    halfway.first = halfway.job.index
    halfway.second, halfway.job.index = next_name("second"), next_name("alias")
    engine.create_index(halfway.second, NO_MAPPING)
    change_alias(halfway, add(halfway, halfway.first))
    yield halfway
    halfway.job.index = halfway.first
    engine.delete_index(halfway.second)


def add(halfway, index, **options):
    return {"add": {"index": index, "alias": halfway.job.index, **options}}


def change_alias(halfway, *actions):
    halfway.engine.must("POST", "_aliases", {"actions": actions})


def test_an_alias_that_moves_ends_the_run(aliased):
    aliased.start()
    change_alias(aliased, {"remove": {"index": aliased.first, "alias": aliased.job.index}},
                 add(aliased, aliased.second))
    refuses(aliased, REPLACED)
    aliased.gate.open()
    refuses_again(aliased, REPLACED)
    assert aliased.engine.documents(aliased.second) == {}
    aliased.run_to_the_end("--again")


def test_an_alias_that_rolls_over_goes_on(aliased):
    aliased.start()
    change_alias(aliased, add(aliased, aliased.first, is_write_index=False),
                 add(aliased, aliased.second, is_write_index=True))
    aliased.gate.open()
    aliased.finish()
    first = aliased.engine.documents(aliased.first)
    second = aliased.engine.documents(aliased.second)
    assert len(first) >= aliased.HALF and len(first) + len(second) == aliased.ROWS


def test_an_alias_without_a_write_index_makes_no_dead_letters(aliased):
    no_write_index = [add(aliased, index, is_write_index=False)
                      for index in (aliased.first, aliased.second)]
    aliased.start()
    change_alias(aliased, *no_write_index)
    aliased.gate.open()
    assert aliased.job.finish(aliased.process) == CONFIG, aliased.log()
    assert "no write index is defined for alias" in aliased.log().splitlines()[-1]
    assert ledger(aliased.process.stdout_text()).dead == 0
    result = aliased.job.run(*aliased.SMALL)
    assert result.returncode == CONFIG and "has no index to write to" in result.stderr
    change_alias(aliased, add(aliased, aliased.first, is_write_index=True))
    aliased.run_to_the_end()


@pytest.fixture
def stream(make_job, database, gate, opensearch):
    """A job that writes to a data stream (our Elasticsearch has none)."""
    name = next_name("stream")
    opensearch.must("PUT", f"_index_template/{name}", {
        "index_patterns": [name], "data_stream": {}, "priority": 500, "template": {
            "settings": NO_MAPPING["settings"], "mappings": {
                "dynamic": False, "properties": {"@timestamp": {"type": "date"}}}}})
    opensearch.must("PUT", f"_data_stream/{name}")
    halfway = Halfway(make_job, database, gate, opensearch, body=None,
                      columns="id, body, timestamptz '2024-02-29 00:00Z' AS \"@timestamp\"")
    mine, halfway.job.index = halfway.job.index, name
    yield halfway
    halfway.job.index = mine
    opensearch.request("DELETE", f"_data_stream/{name}")
    opensearch.must("DELETE", f"_index_template/{name}")


def test_a_data_stream_that_rolls_over_goes_on(stream):
    stream.start("--op", "create")
    stream.engine.must("POST", f"{stream.job.index}/_rollover")
    stream.gate.open()
    assert stream.job.finish(stream.process) == FINISHED, stream.log()
    assert ledger(stream.process.stdout_text()) == all_in(stream.ROWS)
    assert stream.job.documents().keys() == stream.job.expected().keys()
    behind = stream.engine.must("GET", f"_data_stream/{stream.job.index}")["data_streams"][0]
    assert len(behind["indices"]) == 2
    assert 0 < len(stream.engine.documents(behind["indices"][1]["index_name"])) < stream.ROWS


def test_a_data_stream_that_is_made_anew_is_no_success(stream):
    stream.start("--op", "create")
    stream.engine.must("DELETE", f"_data_stream/{stream.job.index}")
    stream.gate.open()  # its template makes it again
    refuses(stream, REPLACED)
    assert len(stream.job.documents()) < stream.ROWS
