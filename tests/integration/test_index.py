"""The steps of a refresh, each alone: what is changed comes back, wherever it is killed; nothing that is needed is
deleted, and no alias comes to stand for an index that lacks documents."""

import json

import pytest

from jobs import CONFIG, DEAD_LETTERS, DENIED, DIFFERENT, FINISHED, KILLED, NOWHERE, NUMBERS_ONLY, STOPPED, USAGE
from steps import Steps

LOADING = ("-1", "0")
ON_ONE = pytest.mark.parametrize("engine", ["elasticsearch"], indirect=True)  # both answer alike
QUICK = ["--give-up-after", "1s"]
BODY = {"settings": {"index": {"refresh_interval": "30s", "number_of_shards": 1}, "number_of_replicas": 0},
        "mappings": {"dynamic": False, "_meta": {"theirs": [1]}, "properties": {"id": {"type": "long"}}}}


@pytest.fixture
def steps(bobbin, engine):
    steps = Steps(bobbin, engine)
    yield steps
    steps.remove()


@pytest.fixture
def body(tmp_path):
    """A file for --create-index."""
    def write(content):
        path = tmp_path / "body.json"
        path.write_text(json.dumps(content))
        return ["--create-index", path]

    return write


def refused(result, status, words):
    assert (result.returncode, result.stdout) == (status, ""), result.stderr
    assert words in result.stderr, result.stderr
    assert len(result.stderr.splitlines()) == 1 or status == STOPPED


# --- create, tune, restore ---

def test_an_index_is_created_for_loading_and_gets_its_own_settings_back(steps, body):
    index = steps.name()
    steps.do("create", index, *body(BODY))
    assert steps.loading(index) == LOADING
    assert steps.meta(index)["theirs"] == [1]
    again = steps.do("create", index, *body(BODY))
    assert "is there already, with its settings for loading" in again.stderr
    for words in ("has its own settings again", "nothing to restore"):
        assert words in steps.do("restore", index).stderr
        assert steps.loading(index) == ("30s", "0")
        assert steps.meta(index) == {"theirs": [1]}


def test_what_the_body_does_not_set_becomes_the_default_again(steps, body):
    index = steps.name()
    steps.do("create", index, *body({}), "--async-translog")
    assert steps.loading(index) == LOADING
    assert steps.settings(index)["index.translog.durability"] == "async"
    steps.do("restore", index, "--wait-for", "yellow")
    assert steps.loading(index) == (None, "1")
    assert steps.settings(index).get("index.translog.durability", "request") == "request"
    assert not steps.meta(index)


def test_what_a_template_sets_comes_back(steps, body):
    index = steps.name()
    template = {"index_patterns": [index], "template": {"settings": {"number_of_replicas": 2, "refresh_interval": "7s"}}}
    steps.engine.must("PUT", "_index_template/of-a-test", template)
    try:
        steps.do("create", index, *body(BODY | {"settings": {"refresh_interval": "9s"}}))
        steps.do("restore", index, "--wait-for", "none")
    finally:
        steps.engine.must("DELETE", "_index_template/of-a-test")
    assert steps.loading(index) == ("9s", "2")


@ON_ONE
def test_a_second_tune_keeps_what_the_first_noted(steps):
    index = steps.make(BODY)
    steps.do("tune", index)
    steps.do("tune", index)
    assert steps.loading(index) == LOADING
    steps.do("tune", index, "--async-translog")
    steps.do("restore", index)
    assert steps.loading(index) == ("30s", "0")
    assert steps.meta(index) == {"theirs": [1]}


@pytest.mark.parametrize("point", ["step-created", "step-noted", "step-restored"])
def test_killed_at_any_moment_the_settings_come_back(steps, body, point):
    index = steps.name()
    commands = [("create", body(BODY)), ("tune", []), ("restore", [])]
    kills = 0
    for command, options in commands:
        killed = steps.run(command, index, *options, env={"BOBBIN_CRASH_AT": point})
        if killed.returncode == KILLED:
            kills += 1
            assert steps.note(index, "restore")["index.refresh_interval"] == "30s"
            steps.do(command, index, *options)
    assert kills == 1
    assert (steps.loading(index), steps.meta(index)) == (("30s", "0"), {"theirs": [1]})


@ON_ONE
def test_a_tune_that_is_killed_has_noted_what_it_did_not_change_yet(steps):
    index = steps.make(BODY)
    assert steps.run("tune", index, env={"BOBBIN_CRASH_AT": "step-noted"}).returncode == KILLED
    assert (steps.loading(index), steps.note(index, "restore")["index.refresh_interval"]) == (("30s", "0"), "30s")
    steps.do("tune", index)
    steps.do("restore", index)
    assert (steps.loading(index), steps.meta(index)) == (("30s", "0"), {"theirs": [1]})


@ON_ONE
def test_an_index_that_does_not_become_whole_is_waited_for_and_keeps_its_note(steps):
    index = steps.make({"settings": {"number_of_replicas": 1}})
    steps.do("tune", index)
    refused(steps.run("restore", index, *QUICK, "--quiet"), STOPPED,
            f"index {index} is yellow and not green: 1 of its shards are on no node")
    assert steps.note(index, "restore")
    steps.do("restore", index, "--wait-for", "yellow")
    assert steps.loading(index) == (None, "1") and not steps.meta(index)


@ON_ONE
def test_what_is_no_index_is_neither_created_nor_tuned(steps, body, tmp_path):
    index = steps.make(BODY)
    alias = steps.name("alias")
    steps.engine.must("PUT", f"{index}/_alias/{alias}")
    missing = steps.name()
    broken = tmp_path / "broken.json"
    broken.write_text("{\n,")
    refused(steps.run("create", index, *body(BODY)), CONFIG, "is there already, and not for loading")
    refused(steps.run("create", alias, *body(BODY)), CONFIG, "as alias")
    refused(steps.run("create", missing, *body({"settings": {"no_such": 1}})), CONFIG, "no_such")
    refused(steps.run("create", missing, "--create-index", broken), CONFIG, "broken.json is no JSON: line 2")
    for command in ("tune", "restore"):
        refused(steps.run(command, missing), CONFIG, f"index {missing} does not exist")
        refused(steps.run(command, alias), CONFIG, "name the index itself")
        refused(steps.run(command, "images-*"), CONFIG, "name one index")
    assert not steps.exists(missing) and steps.loading(index) == ("30s", "0")


# --- count ---

@pytest.fixture
def loaded(steps, body, database, make_job):
    """A job of nine rows, loaded into an index that is created for loading."""
    job = make_job(database.make_numbers(9), steps.engine, None)
    job.index = steps.name()
    steps.do("create", job.index, *body(BODY))
    assert job.run().returncode == FINISHED
    return job


def counting(job, *options):
    return ["--dsn", job.database.conninfo, *job.source, *options]


@ON_ONE
def test_the_numbers_of_rows_and_documents_are_compared(steps, loaded):
    unseen = steps.run("count", loaded.index, *counting(loaded, "--no-refresh"))
    assert (unseen.returncode, unseen.stdout) == (DIFFERENT, "query 9 documents, index 0, left out 0\n")
    equal = steps.do("count", loaded.index, *counting(loaded, "--json"))
    assert json.loads(equal.stdout) == {"query": 9, "index": 9, "left_out": 0}
    part = steps.run("count", loaded.index, *counting(loaded, "--from", 2))
    assert (part.returncode, part.stdout) == (DIFFERENT, "query 8 documents, index 9, left out 0\n")
    assert f"the query gives 8 documents, and index {loaded.index} has 9" in part.stderr
    refused(steps.run("count", loaded.index), USAGE, "give either --table NAME or --query FILE")
    refused(steps.run("count", steps.name(), *counting(loaded)), CONFIG, "does not exist")


# --- promote ---

def test_an_alias_moves_when_all_documents_are_there(steps, loaded):
    old = [steps.make(BODY), steps.make(BODY)]
    alias = steps.name("alias")
    steps.engine.must("PUT", f"{old[0]}/_alias/{alias}", {"is_write_index": False})
    steps.engine.must("PUT", f"{old[1]}/_alias/{alias}", {"is_write_index": True, "filter": {"term": {"id": 7}}})
    options = ["--alias", alias, *counting(loaded)]
    refused(steps.run("promote", loaded.index, *options), DIFFERENT, "has still its settings for loading")
    assert set(steps.behind(alias)) == set(old)
    steps.do("restore", loaded.index)
    assert "stands for index" in steps.do("promote", loaded.index, *options).stderr
    expected = {loaded.index: {"is_write_index": True, "filter": {"term": {"id": 7}}}}
    assert steps.behind(alias) == expected
    assert "already" in steps.do("promote", loaded.index, *options).stderr
    assert steps.behind(alias) == expected


@ON_ONE
def test_an_index_that_lacks_documents_is_promoted_only_when_told(steps, loaded):
    alias = steps.name("alias")
    steps.do("restore", loaded.index)
    options = ["--alias", alias]
    refused(steps.run("promote", loaded.index, *options), USAGE, "Give --dsn with --table or --query, or --spool")
    steps.engine.must("DELETE", f"{loaded.index}/_doc/7")
    for words in (counting(loaded), counting(loaded, "--spool", loaded.spool)):
        refused(steps.run("promote", loaded.index, *options, *words), DIFFERENT,
                "the query gives 9 documents, and index")
    assert steps.behind(alias) == {}
    steps.do("promote", loaded.index, *options, *counting(loaded), "--even-if-incomplete")
    assert list(steps.behind(alias)) == [loaded.index]


@ON_ONE
def test_dead_letters_keep_an_index_from_being_promoted(steps, database, make_job):
    job = make_job(database.make_marked(60), steps.engine, NUMBERS_ONLY)
    alias = steps.name("alias")
    assert job.run().returncode == DEAD_LETTERS
    options = ["--alias", alias, "--spool", job.spool]
    refused(steps.run("promote", job.index, *options), DEAD_LETTERS, "2 documents of index")
    assert steps.behind(alias) == {}
    other = steps.make(BODY)
    steps.put(other, {"1": {"id": 1}})
    refused(steps.run("promote", other, *options), CONFIG, f"its job is for index {job.index}, not {other}")


@ON_ONE
def test_a_finished_spool_shows_that_an_index_is_complete(steps, loaded):
    alias = steps.name("alias")
    steps.do("restore", loaded.index)
    killed = steps.run("promote", loaded.index, "--alias", alias, "--spool", loaded.spool,
                       env={"BOBBIN_CRASH_AT": "step-promoted"})
    assert killed.returncode == KILLED
    assert "already" in steps.do("promote", loaded.index, "--alias", alias, "--spool", loaded.spool).stderr
    assert list(steps.behind(alias)) == [loaded.index]


def test_what_can_not_be_promoted_stays_as_it_is(steps):
    index, alias = steps.make(BODY), steps.name("alias")
    options = ["--alias", alias, "--even-if-incomplete"]
    refused(steps.run("promote", index, *options), DIFFERENT, "has no documents; --even-if-empty")
    refused(steps.run("promote", steps.name(), *options), CONFIG, "does not exist")
    refused(steps.run("promote", index, "--alias", index, "--even-if-empty", "--even-if-incomplete"), CONFIG,
            f"{index} is an index, and no alias")
    refused(steps.run("promote", index), USAGE, "--alias is missing")
    ill = steps.make({"settings": {"number_of_replicas": 1}})
    steps.put(ill, {"1": {}})
    refused(steps.run("promote", ill, *options, *QUICK, "--quiet"), STOPPED, "is yellow and not green")
    assert steps.behind(alias) == {}
    steps.do("promote", ill, *options, "--wait-for", "yellow")
    steps.do("promote", index, *options, "--even-if-empty")
    assert list(steps.behind(alias)) == [index]


# --- delete ---

def test_only_an_index_that_nothing_points_to_is_deleted(steps):
    index, alias = steps.make(BODY), steps.name("alias")
    steps.engine.must("PUT", f"{index}/_alias/{alias}")
    refused(steps.run("delete", index), CONFIG, f"alias {alias} points to index {index}")
    refused(steps.run("delete", alias), CONFIG, "name the index itself")
    for name in ("images-*", "_all", f"{index},{index}"):
        refused(steps.run("delete", name), CONFIG, "name one index")
    refused(steps.run("delete", ".security-7"), CONFIG, "the cluster's own")
    assert steps.exists(index)
    steps.engine.must("DELETE", f"{index}/_alias/{alias}")
    assert "deleted index" in steps.do("delete", index).stderr
    assert not steps.exists(index)
    assert "is gone already" in steps.do("delete", index).stderr


def test_what_an_index_has_replaced_is_deleted(steps):
    old, index, alias = [steps.make(BODY), steps.make(BODY)], steps.make(BODY), steps.name("alias")
    for name in old:
        steps.engine.must("PUT", f"{name}/_alias/{alias}")
    promote = ["--alias", alias, "--even-if-incomplete", "--even-if-empty"]
    killed = steps.run("promote", index, *promote, env={"BOBBIN_CRASH_AT": "step-promoted"})
    assert killed.returncode == KILLED
    steps.do("promote", index, *promote)
    first, second = steps.note(index, "replaced")[alias]
    assert {first, second} == set(old)
    delete = ["index", "delete", "--url", steps.engine.url, "--replaced-by", index]
    steps.engine.must("PUT", f"{first}/_alias/{alias}-again")
    refused(steps.bobbin.run(delete), CONFIG, f"alias {alias}-again points to index {first}")
    steps.engine.must("DELETE", f"{first}/_alias/{alias}-again")
    for words in (f"deleted index {second}", "has taken no other's place"):
        done = steps.bobbin.run(delete)
        assert done.returncode == FINISHED and words in done.stderr
    assert [steps.exists(name) for name in (*old, index)] == [False, False, True]


def test_a_data_stream_stays(bobbin, opensearch):
    steps = Steps(bobbin, opensearch)
    stream = steps.name("stream")
    opensearch.must("PUT", "_index_template/of-a-test", {"index_patterns": [stream], "data_stream": {}})
    try:
        opensearch.must("PUT", f"_data_stream/{stream}")
        refused(steps.run("delete", stream), CONFIG, f"such as of .ds-{stream}-000001: name the index itself")
        refused(steps.run("delete", f".ds-{stream}-000001"), CONFIG, "the cluster's own")
        refused(steps.run("tune", f".ds-{stream}-000001"), CONFIG, f"belongs to data stream {stream}")
        refused(steps.run("promote", steps.make(BODY), "--alias", stream), CONFIG, f"{stream} is a data stream")
        assert steps.exists(stream)
    finally:
        opensearch.must("DELETE", f"_data_stream/{stream}")
        opensearch.must("DELETE", "_index_template/of-a-test")
    steps.remove()


# --- the cluster ---

@ON_ONE
def test_another_host_is_asked_when_one_does_not_answer(steps):
    index = steps.make(BODY)
    result = steps.bobbin.run(["index", "refresh", index, "--url", NOWHERE, "--url", steps.engine.url])
    assert result.returncode == FINISHED and "it is tried again" in result.stderr
    refused(steps.bobbin.run(["index", "refresh", index, "--url", NOWHERE, *QUICK, "--quiet"]), STOPPED, "no answer")


def test_a_cluster_without_reindex_is_named(bobbin, elasticsearch, tmp_path):
    steps = Steps(bobbin, elasticsearch)
    terms = tmp_path / "terms.txt"
    terms.write_text("word\n")
    index, into = steps.make(BODY), steps.name()
    refused(steps.run("filter", index, "--into", into, "--fields", "id", "--terms", terms), CONFIG,
            "this cluster has no _reindex")
    assert not steps.exists(into)
    steps.remove()


class Secured(Steps):
    """Each command as one of the users of script/lib/secure-elasticsearch."""

    def words(self, command, index, *options):
        return super().words(command, index, "--ca", self.engine.tls("ca.crt"), *options)

    def run_as(self, user, command, index, *options):
        env = {"BOBBIN_USER": user, "BOBBIN_PASSWORD": f"{user}-s3cret"}
        return self.run(command, index, *options, env=env)


def test_a_privilege_that_is_missing_is_named(bobbin, secured, body):
    steps = Secured(bobbin, secured)
    index, other = steps.make(BODY), steps.name()
    promote = ["--alias", steps.name("alias"), "--even-if-incomplete"]
    for user, command, name, options, privilege in (
            ("reader", "create", other, body(BODY), "create_index"), ("writer", "tune", index, [], "manage"),
            ("stranger", "restore", index, [], "view_index_metadata"), ("writer", "promote", index, promote, "read"),
            ("writer", "delete", index, [], "delete_index")):
        result = steps.run_as(user, command, name, *options)
        assert result.returncode == DENIED and f"needed on index {name}: {privilege}" in result.stderr, result.stderr
    assert steps.exists(index) and not steps.exists(other)
    steps.remove()


def test_the_privileges_that_the_manual_names_are_enough(bobbin, secured, body):
    steps = Secured(bobbin, secured)
    index, old, alias = steps.name(), steps.make(BODY), steps.name("alias")
    steps.engine.must("PUT", f"{old}/_alias/{alias}")
    created = steps.run_as("operator", "create", index, *body(BODY), "--async-translog")
    assert "may not ask for index templates" in created.stderr
    steps.put(index, {"1": {"id": 1}})
    for command, name, options in (("tune", index, []), ("refresh", index, []), ("restore", index, []),
                                   ("promote", index, ["--alias", alias, "--even-if-incomplete"]), ("delete", old, [])):
        assert (command, steps.run_as("operator", command, name, *options).returncode) == (command, FINISHED)
    assert list(steps.behind(alias)) == [index] and not steps.exists(old)
    steps.remove()
