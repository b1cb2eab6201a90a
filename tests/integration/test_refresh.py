"""A whole refresh by one command: wherever it is killed, the same command goes on, and the alias stands for a whole index at
every moment. No index that lacks documents takes the old one's place."""

import json
import re
import shutil

import pytest

from engines import ROOT, kill_group
from jobs import CONFIG, DEAD_LETTERS, DIFFERENT, FINISHED, KILLED, NO_MAPPING, NUMBERS_ONLY, USAGE, all_in, ledger, next_name
from steps import Steps

TAGGED = {"settings": {"number_of_replicas": 0, "number_of_shards": 1, "refresh_interval": "7s"},
          "mappings": {"dynamic": False, "properties": {"body": {"type": "keyword"}}}}


def steps_of_refresh():
    """The names in refresh.c's table, in their order."""
    table = (ROOT / "src" / "refresh" / "refresh.c").read_text()
    return re.findall(r'^    \{"([a-z]+)", [a-z_]+\}', table, re.MULTILINE)


POINTS = ["create-noted", *(f"{step}-{moment}" for step in steps_of_refresh() for moment in ("done", "noted"))]


class Refresh:
    """A table, an alias, and the config file that makes one of the other."""

    def __init__(self, bobbin, engine, database, directory, table, body):
        self.bobbin, self.database, self.table, self.directory = bobbin, database, table, directory
        self.steps = Steps(bobbin, engine)
        self.engine = engine
        self.alias = next_name("alias")
        self.lines = {"dsn": database.conninfo, "table": table, "url": engine.url, "alias": self.alias,
                      "spool": directory / "spool", "create-index": directory / "body.json"}
        self.body(body)

    def body(self, body):
        (self.directory / "body.json").write_text(json.dumps(body))

    def start_words(self, *options):
        config = self.directory / "refresh.conf"
        config.write_text("".join(f"{name} = {value}\n" for name, value in self.lines.items()))
        return ["refresh", config, *options]

    def run(self, *options, kill=None):
        env = {"BOBBIN_CRASH_AT": f"refresh-{kill}"} if kill else None
        result = self.bobbin.run(self.start_words(*options), env=env)
        assert not kill or result.returncode == KILLED, (kill, result.stderr)
        return result

    def must(self, *options):
        result = self.run(*options)
        assert result.returncode == FINISHED, result.stderr
        return result

    def refused(self, status, words, *options):
        result = self.run(*options)
        assert result.returncode == status and words in result.stderr, result.stderr
        return result

    def indices(self):
        """Those of the alias' refreshes, whether it points to them or not."""
        return sorted(self.engine.must("GET", f"{self.alias}-*"))

    def live(self, alias=None):
        """The one index that the alias stands for."""
        name, = self.steps.behind(alias or self.alias)
        return name

    def expected(self):
        return self.database.documents(f"SELECT * FROM {self.table}")

    def remove(self):
        if self.engine.is_up:
            for name in (*self.engine.must("GET", f"{self.alias}-*"), self.alias):
                if not self.steps.behind(name):
                    self.engine.delete_index(name)


@pytest.fixture
def make_refresh(bobbin, database, tmp_path):
    made = []

    def make(engine, rows=60, body=TAGGED, table=None):
        made.append(Refresh(bobbin, engine, database, tmp_path, table or database.make_numbers(rows), body))
        return made[-1]

    yield make
    for one in made:
        one.remove()


def test_a_refresh_and_the_next_one(engine, make_refresh):
    refresh = make_refresh(engine)
    assert ledger(refresh.must().stdout) == all_in(60)
    first = refresh.live()
    assert re.fullmatch(rf"{refresh.alias}-\d{{8}}-\d{{6}}-\d{{3}}", first)
    assert engine.documents(refresh.alias) == refresh.expected()
    assert refresh.steps.settings(first)["index.refresh_interval"] == "7s"
    assert refresh.steps.note(first, "restore") is None
    refresh.database.execute(f"DELETE FROM {refresh.table} WHERE id % 7 = 0")
    assert ledger(refresh.must("--suffix", "second").stdout) == all_in(52)  # the same spool, and no option
    assert refresh.indices() == [refresh.live()] == [f"{refresh.alias}-second"]
    assert engine.documents(refresh.alias) == refresh.expected()
    assert "is finished already" in refresh.must("--suffix", "second").stderr
    refresh.must("--suffix", "third", "--keep-old")
    assert refresh.indices() == [f"{refresh.alias}-second", f"{refresh.alias}-third"]


def test_refreshes_within_one_second_have_an_index_each(elasticsearch, make_refresh):
    refresh = make_refresh(elasticsearch, rows=3)
    names = []
    for _ in range(6):
        refresh.must()
        names.append(refresh.live())
    assert len(set(names)) == 6 and refresh.indices() == names[-1:]


SCRIPTS = {"before/10-copy.sql": "CREATE TABLE temp_:table AS SELECT * FROM :table WHERE id > 10; ALTER TABLE temp_:table ADD PRIMARY KEY (id)",
           "after/10-index.sql": "CREATE INDEX temp_:table_index ON temp_:table (body)".replace(":table_index", "index_:table"),
           "promote/10-names.sql": "DROP TABLE :table; ALTER TABLE temp_:table RENAME TO :table"}


@pytest.mark.sanitizers
def test_killed_at_every_step_the_same_command_goes_on(elasticsearch, make_refresh, tmp_path):
    refresh = make_refresh(elasticsearch)
    refresh.must("--suffix", "old")
    old = elasticsearch.documents(refresh.alias)
    for name, sql in SCRIPTS.items():
        (tmp_path / "steps" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "steps" / name).write_text(sql)
    refresh.lines |= {"table": f"temp_{refresh.table}", "steps": tmp_path / "steps", "set": f"table={refresh.table}",
                      "mark": "id"}
    new = None
    assert len(POINTS) == 1 + 2 * len(steps_of_refresh()) > 18
    for number, point in enumerate(POINTS):
        refresh.lines["spool"] = tmp_path / f"spool-{number // 2}"  # another machine
        refresh.run(kill=point)
        found = elasticsearch.documents(refresh.alias)
        assert found == old or len(found) == 50
        new = new or (set(refresh.indices()) - {refresh.live()}).pop()  # and it stays the same one
    refresh.must("--suffix", new.removeprefix(f"{refresh.alias}-"))
    assert refresh.indices() == [refresh.live()] == [new]
    assert elasticsearch.documents(refresh.alias) == refresh.expected() and len(refresh.expected()) == 50
    assert refresh.steps.note(new, "since")["value"] == "60"


def test_an_index_that_lacks_documents_does_not_take_the_old_ones_place(elasticsearch, make_refresh):
    refresh = make_refresh(elasticsearch)
    refresh.must("--suffix", "old")
    refresh.run("--suffix", "new", kill="load-noted")
    elasticsearch.must("DELETE", f"{refresh.alias}-new/_doc/7")
    for _ in range(2):
        refresh.refused(DIFFERENT, "--even-if-incomplete goes on nevertheless", "--suffix", "new")
        assert refresh.live() == f"{refresh.alias}-old"
    refresh.must("--even-if-incomplete")
    assert refresh.live() == f"{refresh.alias}-new" and len(elasticsearch.documents(refresh.alias)) == 59


def test_an_index_with_dead_letters_does_not_either(elasticsearch, make_refresh, database, bobbin, tmp_path):
    refresh = make_refresh(elasticsearch, body=NUMBERS_ONLY, table=database.make_marked(100))
    result = refresh.refused(DEAD_LETTERS, "2 documents were refused", "--suffix", "new")
    assert ledger(result.stdout).dead == 2 and not refresh.steps.behind(refresh.alias)
    refresh.refused(DEAD_LETTERS, "2 documents were refused")
    refresh.must("--even-if-incomplete")
    assert len(elasticsearch.documents(refresh.alias)) == 98
    refresh.refused(CONFIG, "belongs to another job", "--suffix", "newer")  # whose dead letters would be lost
    mended = {"properties": {"mark": {"type": "integer", "ignore_malformed": True}}}
    elasticsearch.must("PUT", f"{refresh.alias}-new/_mapping", mended)
    retry = ["dead", "retry", "--url", elasticsearch.url, tmp_path / "spool"]
    assert bobbin.run(retry).returncode == FINISHED
    refresh.refused(DEAD_LETTERS, "2 documents were refused")
    elasticsearch.must("PUT", f"{refresh.alias}-newer/_mapping", mended)
    assert bobbin.run(retry).returncode == FINISHED
    assert "dump" not in refresh.must().stderr  # nothing is read again
    assert refresh.live() == f"{refresh.alias}-newer" and len(elasticsearch.documents(refresh.alias)) == 100


def test_several_workers_share_the_load(elasticsearch, make_refresh, gate, tmp_path):
    refresh = make_refresh(elasticsearch, rows=200)
    query = tmp_path / "query.sql"
    query.write_text(f"SELECT id, body FROM {refresh.table} WHERE gate(id = 25)")
    del refresh.lines["table"]
    refresh.lines |= {"query": query, "shards": 8, "lease": "1s"}
    name = f"{refresh.alias}-shared"
    words = ["work", name, "--config", tmp_path / "refresh.conf", "--spool"]
    try:
        for suffix in ("before", "shared"):
            gate.shut()
            process = refresh.bobbin.start(refresh.start_words("--suffix", suffix))
            gate.wait_until_reached()
            if suffix == "shared":
                kill_group(process)  # its shard is another's after the lease
                again = refresh.start_words()
                worker, process = (refresh.bobbin.start(one) for one in ([*words, tmp_path / "elsewhere"], again))
            gate.open()
            assert process.wait(60) == FINISHED, process.stderr_text()
            assert elasticsearch.documents(refresh.alias) == refresh.expected() and len(refresh.expected()) == 200
        assert worker.wait(60) == FINISHED, worker.stderr_text()
        assert refresh.indices() == [refresh.live()] == [name]
        jobs = refresh.bobbin.run(["job", "list", "--url", elasticsearch.url]).stdout
        assert name in jobs and f"{refresh.alias}-before" not in jobs
    finally:
        elasticsearch.delete_index("bobbin-jobs")


def test_only_the_refresh_that_was_begun_goes_on(elasticsearch, make_refresh):
    refresh = make_refresh(elasticsearch)
    refresh.run("--suffix", "one", kill="create-noted")
    refresh.refused(CONFIG, f"into index {refresh.alias}-one is unfinished", "--suffix", "two")
    refresh.lines["key"] = "body"
    refresh.refused(CONFIG, "was begun with another query or key")
    assert refresh.indices() == [f"{refresh.alias}-one"]
    elasticsearch.delete_index(f"{refresh.alias}-one")
    refresh.lines["key"] = "id"
    refresh.run("--suffix", "two", kill="load-done")
    elasticsearch.delete_index(f"{refresh.alias}-two")
    for _ in range(2):  # also once more by the same name, though the spool says that it is finished
        refresh.must("--suffix", "two")
        assert elasticsearch.documents(refresh.alias) == refresh.expected()
        assert refresh.indices() == [f"{refresh.alias}-two"]
        elasticsearch.delete_index(f"{refresh.alias}-two")
    refresh.must("--suffix", "two")
    assert refresh.indices() == [f"{refresh.alias}-two"]


def test_what_is_wrong_is_told_before_anything_is_made(elasticsearch, make_refresh, tmp_path):
    refresh = make_refresh(elasticsearch)
    (tmp_path / "steps" / "promote").mkdir(parents=True)
    (tmp_path / "steps" / "promote" / "1.sql").write_text(":missing")
    refresh.refused(CONFIG, 'no variable "missing"', "--steps", tmp_path / "steps")
    elasticsearch.create_index(refresh.alias, NO_MAPPING)
    refresh.refused(CONFIG, "is an index, and no alias")
    refresh.lines["alias"] = ""
    refresh.refused(USAGE, "--alias is missing")
    status, found = elasticsearch.request("GET", f"{refresh.alias}-*")
    assert (status, found) == (200, {}) and not (tmp_path / "spool").exists()


def test_a_second_index_leaves_out_what_holds_a_term(opensearch, make_refresh, database, tmp_path):
    table = database.make_table("id int PRIMARY KEY, body text", "SELECT i, 'word' || i % 10 FROM generate_series(1, 50) i")
    refresh = make_refresh(opensearch, table=table)
    (tmp_path / "terms").write_text("word3\nword4\n")
    filtered = f"{refresh.alias}-filtered"
    for suffix in ("one", "two"):
        refresh.must("--suffix", suffix, "--terms", tmp_path / "terms", "--fields", "body")
        assert refresh.indices() == [refresh.live(), refresh.live(filtered)] == [
            f"{refresh.alias}-{suffix}", f"{refresh.alias}-{suffix}-filtered"]
        assert len(opensearch.documents(refresh.alias)) == 50
        assert opensearch.documents(filtered) == {
            key: source for key, source in refresh.expected().items() if source["body"] not in ("word3", "word4")}
        assert refresh.steps.settings(refresh.live(filtered))["index.refresh_interval"] == "7s"


@pytest.fixture
def dated(database):
    """Rows with a time of change and a mark of deletion."""
    table = database.make_table("id int PRIMARY KEY, body text, changed timestamptz, gone bool DEFAULT false",
                                "SELECT i, 'old', '2026-01-01 00:00:00.5+02' FROM generate_series(1, 20) i")
    return table


def test_newer_rows_go_into_the_live_index_and_deleted_ones_leave_it(elasticsearch, make_refresh, database, dated, tmp_path):
    refresh = make_refresh(elasticsearch, table=dated)
    query = tmp_path / "query.sql"
    query.write_text(f"SELECT id, body, changed, CASE WHEN gone THEN 'delete' END AS _op FROM {dated}")
    del refresh.lines["table"]
    refresh.lines["query"] = query
    refresh.refused(CONFIG, "stands for no index", "--since", "changed")
    refresh.must("--suffix", "whole")
    refresh.refused(CONFIG, "refresh it as a whole first, with --mark changed", "--since", "changed")
    refresh.must("--mark", "changed")
    refresh.refused(CONFIG, "has a mark of column changed, not of id", "--since", "id")
    live = refresh.live()
    database.execute(f"UPDATE {dated} SET body = 'new', changed = '2026-01-02' WHERE id IN (3, 4)")
    database.execute(f"UPDATE {dated} SET gone = true, changed = '2026-01-03' WHERE id = 5")
    database.execute(f"INSERT INTO {dated} VALUES (21, 'more', '2026-01-01 00:00:00.5+02')")  # the same moment, but later
    for point in ("since-begun", "since-loaded"):
        refresh.run("--since", "changed", kill=point)
        assert refresh.steps.note(live, "since")["value"].startswith("2025-12-31 22:00:00.5")
        if point == "since-begun":  # afterwards it isn't taken for seen
            database.execute(f"INSERT INTO {dated} VALUES (22, 'late', '2026-01-02 12:00+00')")
            shutil.rmtree(tmp_path / "spool", ignore_errors=True)
        else:  # these were read, and changed behind it
            database.execute(f"UPDATE {dated} SET body = 'changed', changed = '2026-01-03'::date + id WHERE id IN (6, 7)")
    refresh.must("--since", "changed")
    refresh.must("--since", "changed")
    found = {key: source["body"] for key, source in elasticsearch.documents(refresh.alias).items()}
    assert found == {str(i): {3: "new", 4: "new", 6: "changed", 7: "changed", 21: "more", 22: "late"}.get(i, "old") for i in range(1, 23) if i != 5}
    assert refresh.live() == live and refresh.steps.note(live, "since") == {
        "column": "changed", "value": refresh.steps.note(live, "since")["value"]}
    refresh.must("--since", "changed")  # again, with nothing new
    database.execute(f"INSERT INTO {dated} VALUES (23, 'same moment', '2026-01-10')")
    refresh.must("--since", "changed")
    assert elasticsearch.documents(refresh.alias)["23"]["body"] == "same moment"
    database.execute(f"UPDATE {dated} SET body = 'newest', changed = '2026-01-11' WHERE id = 1")
    result = refresh.must("--since", "changed")
    assert ledger(result.stdout).rows == 3  # and the last of the time before
    assert elasticsearch.documents(refresh.alias)["1"]["body"] == "newest"
