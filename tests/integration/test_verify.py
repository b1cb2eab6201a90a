"""verify --target, --deep and --repair: the index against the query, document by document."""

import json
import re
from collections import Counter

import pytest

from jobs import CONFIG, DEAD_LETTERS, DIFFERENT, FINISHED, KILLED, NO_MAPPING, USAGE, all_in, ledger

DIFFERENCE = re.compile(r"(missing|different|extra|undeleted|double|refused) (.*)")


def verify(job, *options, **more):
    return job.run(*options, stage="verify", **more)


def differences(result):
    """The lines that name differences: {"missing 4", ...}; none is named twice."""
    lines = [line for line in result.stdout.splitlines() if DIFFERENCE.fullmatch(line)]
    assert len(lines) == len(set(lines))
    return set(lines)


def summary(result):
    """The last line that begins with "query"."""
    return [line for line in result.stdout.splitlines() if line.startswith("query ")][-1]


def run(job, *options):
    result = job.run(*options)
    assert result.returncode == FINISHED, result.stderr
    return result


def assert_equal(job, *options):
    result = verify(job, "--deep", *options)
    assert (result.returncode, differences(result)) == (FINISHED, set()), result.stdout + result.stderr


class Tampered:
    """An index that was changed by hand behind the job's back."""

    def __init__(self, job):
        self.job = job

    def _do(self, method, path, body=None):
        status, answer = self.job.engine.request(method, f"{self.job.index}/{path}", body)
        assert status in (200, 201), answer

    def delete(self, document_id, routing=""):
        self._do("DELETE", f"_doc/{document_id}{routing}")

    def put(self, document_id, source, routing=""):
        self._do("PUT", f"_doc/{document_id}{routing}", source)

    def versions(self):
        """id -> how often it was written."""
        self.job.engine.refresh(self.job.index)
        _, answer = self.job.engine.request(
            "POST", f"{self.job.index}/_search", {"size": 10000, "version": True})
        return {hit["_id"]: hit["_version"] for hit in answer["hits"]["hits"]}


@pytest.fixture
def tampered(engine, make_job, database):
    """300 rows: 4, 150 are missing, 5 and 299 are different, "stray" and 301 are extra."""
    job = make_job(database.make_numbers(300), engine)
    run(job)
    index = Tampered(job)
    index.delete(4)
    index.delete(150)
    index.put(5, {"id": 5, "body": "changed"})
    index.put(299, {"id": 299})
    index.put("stray", {"id": 0})
    index.put(301, {"id": 301})
    return index


NAMED = {"missing 4", "missing 150", "different 5", "different 299", "extra stray", "extra 301"}


# --- numbers ---

def test_equal_numbers_are_found_equal_also_without_a_refresh(engine, make_job, database):
    body = {**NO_MAPPING, "settings": {**NO_MAPPING["settings"], "refresh_interval": "-1"}}
    job = make_job(database.make_numbers(300), engine, body)
    run(job)
    result = verify(job, "--target")
    assert result.returncode == FINISHED, result.stderr
    assert summary(result) == "query 300 documents, index 300, dead letters 0"


def test_numbers_that_differ_are_told_with_both(elasticsearch, victim):
    run(victim)
    Tampered(victim).delete(7)
    result = verify(victim, "--target")
    assert result.returncode == DIFFERENT
    assert summary(result) == "query 9 documents, index 8, dead letters 0"
    assert "--deep says which differ" in result.stderr


def test_a_range_counts_its_own_rows_and_takes_more_for_other_ranges(elasticsearch, victim):
    run(victim, "--to", 6)
    assert verify(victim, "--target", "--to", 6).returncode == FINISHED
    Tampered(victim).put(8, {"id": 8})
    result = verify(victim, "--target", "--to", 6)
    assert (result.returncode, summary(result)[:27]) == (FINISHED, "query 6 documents, index 7,")
    Tampered(victim).delete(8)
    Tampered(victim).delete(1)
    assert verify(victim, "--target", "--to", 6).returncode == DIFFERENT


def test_another_jobs_spool_is_refused(elasticsearch, victim, database):
    run(victim)
    result = verify(victim, "--deep", "--to", 5)
    assert result.returncode == CONFIG
    assert "it belongs to another job" in result.stderr


def test_dead_letters_explain_what_the_index_lacks(elasticsearch, make_job, database):
    table = database.make_table("id int PRIMARY KEY, n text",
                                "SELECT i, CASE WHEN i % 3 = 0 THEN 'bad' ELSE i::text END"
                                " FROM generate_series(1, 9) i")
    body = {"settings": NO_MAPPING["settings"], "mappings": {"properties": {"n": {"type": "long"}}}}
    job = make_job(table, elasticsearch, body)
    assert job.run().returncode == DEAD_LETTERS
    result = verify(job, "--target")
    assert result.returncode == DEAD_LETTERS
    assert "lacks 3 documents, as many as there are dead letters" in result.stderr
    result = verify(job, "--deep")
    assert (result.returncode, differences(result)) == (DEAD_LETTERS,
                                                        {"refused 3", "refused 6", "refused 9"})
    Tampered(job).delete(7)
    result = verify(job, "--deep")
    assert result.returncode == DIFFERENT
    assert differences(result) == {"refused 3", "refused 6", "refused 9", "missing 7"}


def test_a_row_that_cannot_be_a_document_is_refused(elasticsearch, make_job, database):
    table = database.make_table("id int PRIMARY KEY, _id text",
                                "VALUES (1, 'one'), (2, ''), (3, repeat('x', 513))")
    job = make_job(table, elasticsearch)
    assert job.run().returncode == DEAD_LETTERS
    result = verify(job, "--deep")
    assert (result.returncode, differences(result)) == (DEAD_LETTERS,
                                                        {"refused ", "refused " + 513 * "x"})


# --- every document ---

def test_an_index_that_is_as_the_query_says_is_found_equal(engine, make_job, database):
    job = make_job(database.make_numbers(300), engine)
    run(job)
    assert_equal(job)


def test_each_difference_is_named_and_no_other(tampered):
    result = verify(tampered.job, "--deep")
    assert result.returncode == DIFFERENT
    assert differences(result) == NAMED
    assert summary(result) == ("query 300 documents, index 300, dead letters 0: 2 missing, 2 different,"
                               " 2 extra, 0 undeleted, 0 double, 0 refused")


def test_differences_are_json_lines_too(elasticsearch, victim):
    run(victim)
    odd = 'a "b"\nc\té'
    Tampered(victim).put("a%20%22b%22%0Ac%09%C3%A9", {})
    Tampered(victim).delete(2)
    local, *found, counts = map(json.loads, verify(victim, "--deep", "--json").stdout.splitlines())
    assert local["problems"] == []
    assert sorted((d["difference"], d["id"]) for d in found) == [("extra", odd), ("missing", "2")]
    assert (counts["query"], counts["index"], counts["missing"], counts["extra"]) == (9, 9, 1, 1)


SAME = {"array": [1, 2.5, {"b": None, "a": "é"}], "n": 12.50, "s": "tab\t"}
OTHER_SPELLING = '{"s":"tab\\u0009","n":125e-1,"array":[1.0,25E-1,{"a":"\\u00e9","b":null}]}'


@pytest.mark.parametrize("source, is_same", [
    (OTHER_SPELLING, True),
    (OTHER_SPELLING.replace("125", "126"), False),
    (OTHER_SPELLING.replace("1.0,25E-1", "25E-1,1.0"), False),
    (OTHER_SPELLING.replace("null", "0"), False),
    (OTHER_SPELLING.replace(',"b":null', ""), False),
    (OTHER_SPELLING.replace("1.0", '"1.0"'), False),
])
def test_a_document_is_equal_as_a_json_value_not_as_bytes(elasticsearch, make_job, database, source,
                                                          is_same):
    table = database.make_table("id int PRIMARY KEY, doc json", "VALUES (1, %s)",
                                [json.dumps(SAME)])
    job = make_job(table, elasticsearch)
    run(job)
    Tampered(job).put(1, f'{{"doc":{source},"id":1}}')
    result = verify(job, "--deep")
    assert differences(result) == (set() if is_same else {"different 1"})


def test_ids_routing_and_operations_are_the_rows_own(engine, make_job, database):
    """The index has two shards: a document with another routing may be a second one."""
    table = database.make_table(
        "id int PRIMARY KEY, _id text, _routing text, _op text, n int",
        "SELECT i, 'n' || i, 'r' || i, CASE WHEN i > 90 THEN 'delete' ELSE 'index' END, i"
        " FROM generate_series(1, 100) i")
    body = {"settings": {**NO_MAPPING["settings"], "number_of_shards": 2},
            "mappings": NO_MAPPING["mappings"]}
    job = make_job(table, engine, body)
    run(job)
    assert_equal(job)
    index = Tampered(job)
    index.put("n95", {}, "?routing=r95")
    index.delete("n7", "?routing=r7")
    index.put("n8", {"id": 8, "n": 8}, f"?routing={routing_elsewhere(job, 'r8')}")
    result = verify(job, "--deep")
    assert result.returncode == DIFFERENT
    assert differences(result) == {"undeleted n95", "missing n7", "double n8"}
    result = verify(job, "--deep", "--repair")
    assert (result.returncode, ledger(result.stdout)) == (DIFFERENT, all_in(102)), result.stderr
    assert differences(verify(job, "--deep")) == {"double n8"}


def routing_elsewhere(job, routing):
    """A routing value that leads to another shard."""
    def shard(value):
        _, answer = job.engine.request("GET", f"{job.index}/_search_shards?routing={value}")
        return answer["shards"][0][0]["shard"]
    return next(value for value in "abcdefghijkl" if shard(value) != shard(routing))


def test_updates_are_compared_by_their_presence_and_other_indices_not(elasticsearch, make_job,
                                                                      database):
    table = database.make_table("id int PRIMARY KEY, _op text, _index text",
                                "VALUES (1, 'update', NULL), (2, 'update', NULL), (3, NULL, 'other')")
    job = make_job(table, elasticsearch)
    run(job)
    elasticsearch.delete_index("other")
    Tampered(job).put(1, {"id": 1, "more": True})
    Tampered(job).delete(2)
    result = verify(job, "--deep")
    assert differences(result) == {"missing 2"}
    assert "1 rows are for other indices" in result.stderr
    assert "2 rows are updates" in result.stderr
    counts = json.loads(verify(job, "--deep", "--json").stdout.splitlines()[-1])
    assert (counts["elsewhere"], counts["partial"], counts["missing"]) == (1, 2, 1)


def test_a_range_names_no_extra_documents_and_deletes_none(elasticsearch, victim):
    run(victim, "--from", 3, "--to", 6)
    Tampered(victim).put(9, {"id": 9})
    Tampered(victim).delete(4)
    result = verify(victim, "--deep", "--repair", "--from", 3, "--to", 6)
    assert (result.returncode, differences(result)) == (FINISHED, {"missing 4"}), result.stderr
    assert sorted(victim.documents()) == ["3", "4", "5", "6", "9"]
    result = verify(victim, "--repair", "--delete-extra", "--from", 3, "--to", 6)
    assert result.returncode == USAGE
    assert sorted(victim.documents()) == ["3", "4", "5", "6", "9"]


def test_an_index_without_source_is_counted_but_not_compared(elasticsearch, make_job, database):
    body = {"settings": NO_MAPPING["settings"], "mappings": {"_source": {"enabled": False}}}
    job = make_job(database.make_numbers(9), elasticsearch, body)
    run(job)
    assert verify(job, "--target").returncode == FINISHED
    result = verify(job, "--deep")
    assert result.returncode == CONFIG
    assert "keeps no _source" in result.stderr


# --- repair ---

def test_a_repair_sends_what_differs_and_nothing_else(tampered, make_proxy):
    job, before = tampered.job, tampered.versions()
    proxy = make_proxy(job.engine)
    job.url = proxy.url
    result = verify(job, "--repair")
    assert (result.returncode, differences(result)) == (DIFFERENT, NAMED), result.stderr
    assert summary(result).endswith("; sent 4, left 2")
    assert ledger(result.stdout) == all_in(304)
    assert sent_ids(proxy) == Counter(["4", "150", "5", "299"])
    after = tampered.versions()
    assert {name for name in before if after[name] != before[name]} == {"5", "299"}
    assert differences(verify(job, "--deep")) == {"extra stray", "extra 301"}


def test_a_repair_deletes_extra_documents_when_it_is_told_to(tampered, make_proxy):
    job = tampered.job
    proxy = make_proxy(job.engine)
    job.url = proxy.url
    result = verify(job, "--repair", "--delete-extra")
    assert (result.returncode, differences(result)) == (FINISHED, NAMED), result.stderr
    assert summary(result).endswith("; sent 6, left 0")
    assert sent_ids(proxy) == Counter(["4", "150", "5", "299", "stray", "301"])
    assert job.documents() == job.expected()
    assert_equal(job)


def sent_ids(proxy):
    """How often each id was sent."""
    ids = Counter()
    for request in proxy.requests:
        lines = iter(request.body.splitlines())
        for line in lines:
            (operation, metadata), = json.loads(line).items()
            ids[metadata["_id"]] += 1
            if operation != "delete":
                next(lines)
    return ids


def test_a_repair_that_finds_nothing_sends_nothing(elasticsearch, victim, make_proxy):
    run(victim)
    proxy = make_proxy(elasticsearch)
    victim.url = proxy.url
    assert verify(victim, "--repair", "--delete-extra").returncode == FINISHED
    assert proxy.requests == []


def test_many_differences_are_repaired_in_batches(engine, make_job, database):
    job = make_job(database.make_numbers(5000, size=1000), engine)
    run(job)
    engine.delete_documents(job.index)
    result = verify(job, "--repair", "--frame-size", "100K")
    assert result.returncode == FINISHED, result.stderr
    assert summary(result).endswith("; sent 5000, left 0")
    assert_equal(job)


POINTS = ["repair-spooled", "index-committed", "segment-synced", "acknowledge-committed",
          "delete-intended"]


@pytest.mark.parametrize("point", POINTS)
def test_a_repair_that_was_killed_is_finished_by_the_same_command(elasticsearch, make_job, database,
                                                                  point):
    job = make_job(database.make_numbers(300), elasticsearch)
    run(job)
    index = Tampered(job)
    index.delete(4)
    index.put("stray", {})
    result = verify(job, "--repair", "--delete-extra", env={"BOBBIN_CRASH_AT": point})
    assert result.returncode == KILLED, result.stderr
    assert [path.name for path in job.spool.iterdir() if "tmp" in path.name] == []
    result = verify(job, "--repair", "--delete-extra")
    assert result.returncode == FINISHED, result.stderr
    assert ledger(result.stdout) in (all_in(302), all_in(301))
    assert_equal(job)


def test_a_repair_that_was_killed_is_finished_by_a_run_too(elasticsearch, victim):
    run(victim)
    Tampered(victim).delete(4)
    verify(victim, "--repair", env={"BOBBIN_CRASH_AT": "repair-spooled"})
    assert victim.look("status")["pending"] == 1
    assert ledger(run(victim).stdout) == all_in(10)
    assert_equal(victim)


def test_a_job_whose_rows_are_not_all_read_is_not_repaired(held, gate):
    process = held.start()
    gate.wait_until_reached()
    process.kill()
    held.finish(process)
    gate.open()
    result = verify(held, "--repair")
    assert result.returncode == CONFIG
    assert "finish it with bobbin run" in result.stderr
