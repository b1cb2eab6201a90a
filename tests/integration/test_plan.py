"""Shards: of about equal numbers of rows wherever the keys lie, and together every row, also those that come
after the plan was made."""

import itertools
import json

import pytest

from jobs import CONFIG, FINISHED, USAGE, ledger

SHARDS = 4
# as PostgreSQL is by itself: the tests' database is set to read by indexes alone
PLANS = "options='-c enable_sort=on -c enable_seqscan=on -c enable_bitmapscan=on'"
MANY = 40_000

# name: the key's type, a SELECT of MANY values, and how the rows of the query are to be put
BIG = {
    "gaps and a lonely key": ("bigint", f"""
        SELECT -9000000000000000000 UNION ALL
        SELECT (i / 100) * 1000000000000::bigint + i FROM generate_series(2, {MANY}) i"""),
    "uuids": ("uuid", f"SELECT md5(i::text)::uuid FROM generate_series(1, {MANY}) i"),
    "words": ("text COLLATE \"en-x-icu\"", f"""
        SELECT CASE i % 3 WHEN 0 THEN 'é' WHEN 1 THEN 'E' ELSE 'a''"' END || i
        FROM generate_series(1, {MANY}) i"""),
}


class Planned:
    """A source, its plan, and what each shard of it reads."""

    def __init__(self, bobbin, database, make_job, directory, query):
        self.bobbin, self.database, self.make_job, self.query = bobbin, database, make_job, query
        self.path = directory / "plan.json"
        self.source = directory / "source.sql"
        self.source.write_text(query)

    def make(self, *options, shards=SHARDS):
        result = self.run("plan", "--shards", shards, "--json", *options)
        assert result.returncode == FINISHED, result.stderr
        self.path.write_text(result.stdout)
        return json.loads(result.stdout), result.stderr

    def run(self, command, *options):
        return self.bobbin.run([command, "--dsn", f"{self.database.conninfo} {PLANS}", "--query", self.source,
                                "--key", "key", *options])

    def keys(self, number, count=SHARDS):
        """The keys of one shard's documents, in their order."""
        job = self.make_job(self.query)
        result = job.run("--key", "key", "--plan", self.path, "--shard", f"{number}/{count}", stage="dump")
        assert result.returncode == FINISHED, result.stderr
        return job.spooled_ids() if job.spool.exists() else None


@pytest.fixture
def planned(bobbin, database, make_job, tmp_path):
    return lambda query: Planned(bobbin, database, make_job, tmp_path, query)


@pytest.fixture(scope="module")
def big_tables(database):
    tables = {}
    for name, (kind, values) in BIG.items():
        tables[name] = database.make_table(
            f"key {kind} PRIMARY KEY, body text", f"SELECT v, md5(v::text) FROM ({values}) AS v(v) ORDER BY 2")
    return tables


def sizes(shards):
    return [len(keys) for keys in shards]


@pytest.mark.parametrize("bounds", ["--estimate", "--exact"])
@pytest.mark.parametrize("name", BIG)
def test_shards_are_about_equal_and_hold_every_row_once(database, planned, big_tables, name, bounds):
    table = big_tables[name]
    source = planned(f"SELECT key::text AS _id, key, body FROM {table}")
    database.execute(f"ANALYZE {table}")
    plan, _ = source.make(bounds)
    assert (len(plan["shards"]), plan["of"], plan["exact"]) == (SHARDS, SHARDS, bounds == "--exact")
    shards = [source.keys(number) for number in range(SHARDS)]
    in_order = [key for key, in database.execute(f"SELECT t.key::text FROM {table} t ORDER BY t.key")]
    assert list(itertools.chain(*shards)) == in_order
    if bounds == "--exact":
        assert max(sizes(shards)) - min(sizes(shards)) < SHARDS
        assert sizes(shards) == [shard["rows"] for shard in plan["shards"]]
        assert plan["rows"] == MANY
    else:  # 10,000 of the rows were looked at, 2,500 of each shard: a tenth is five times the usual error
        assert all(abs(size - MANY / SHARDS) < MANY / SHARDS / 10 for size in sizes(shards))
        assert abs(plan["rows"] - MANY) < MANY / 10
        assert sum(shard["rows"] for shard in plan["shards"]) == plan["rows"]


def test_rows_that_come_later_are_in_a_shard_wherever_they_lie(database, planned):
    table = database.make_table("key int PRIMARY KEY", "SELECT i * 10 FROM generate_series(1, 100) i")
    source = planned(f"SELECT key AS _id, key FROM {table}")
    plan, _ = source.make(shards=4)
    bounds = [int(shard["to"]) for shard in plan["shards"][:-1]]
    later = [-2147483648, 2147483647, *(bound + step for bound in bounds for step in (-1, 1))]
    database.execute(f"INSERT INTO {table} SELECT unnest(%s)", (later,))
    database.execute(f"DELETE FROM {table} WHERE key = ANY (%s)", (bounds,))
    shards = [[int(key) for key in source.keys(number, 4)] for number in range(4)]
    assert list(itertools.chain(*shards)) == [key for key, in database.execute(f"TABLE {table} ORDER BY 1")]
    for number, bound in enumerate(bounds):
        assert max(shards[number]) < bound < min(shards[number + 1])


def test_a_range_is_divided_and_nothing_else(database, planned):
    table = database.make_table("key int PRIMARY KEY", "SELECT generate_series(1, 1000)")
    source = planned(f"SELECT key AS _id, key FROM {table}")
    for options, expected in ((("--from", 100, "--to", 899), range(100, 900)),
                              (("--after", 100), range(101, 1001))):
        source.make(*options, shards=3)
        shards = [source.keys(number, 3) for number in range(3)]
        assert [int(key) for key in itertools.chain(*shards)] == list(expected)
        assert max(sizes(shards)) - min(sizes(shards)) < 3


@pytest.mark.parametrize("kind", ["a partitioned table", "a materialized view"])
def test_what_holds_rows_is_sampled(database, planned, big_tables, kind):
    name = f"sampled_{kind.split()[1]}"
    if kind == "a partitioned table":
        database.execute(f"CREATE TABLE {name} (key int PRIMARY KEY) PARTITION BY RANGE (key)")
        for number, (first, last) in enumerate([(0, 10), (10, 19_000), (19_000, 20_001)]):
            database.execute(f"CREATE TABLE {name}_{number} PARTITION OF {name} FOR VALUES FROM ({first}) TO ({last})")
        database.execute(f"INSERT INTO {name} SELECT generate_series(1, 20000)")
    else:
        database.execute(f"CREATE MATERIALIZED VIEW {name} AS SELECT generate_series(1, 20000) AS key")
    plan, _ = planned(f"SELECT * FROM {name}").make("--estimate", shards=4)
    ends = [int(shard["to"]) for shard in plan["shards"][:-1]]
    assert all(abs(end - 5000 * (number + 1)) < 1000 for number, end in enumerate(ends))


def test_the_rows_of_the_query_count_and_not_the_tables(database, planned):
    """Nearly all that the query leaves lies in the last tenth of the table."""
    table = database.make_table("key int PRIMARY KEY, kept bool",
                                "SELECT i, i > 18000 FROM generate_series(1, 20000) i")
    plan, _ = planned(f"SELECT key FROM {table} WHERE kept").make("--estimate", shards=2)
    assert 18_700 < int(plan["shards"][0]["to"]) < 19_300


UNTOLD = {
    "a view": ("SELECT key FROM a_view", "its key is no column of a table"),
    "an expression": ("SELECT key + 1 AS key FROM {table}", "its key is no column of a table"),
    "few rows": ("SELECT key FROM {table} WHERE key % 500 = 1", "too few rows of a sample are the query's"),
}


@pytest.mark.parametrize("name", UNTOLD)
def test_where_a_sample_tells_nothing_all_keys_are_read_unless_an_estimate_is_wanted(database, planned, name):
    query, words = UNTOLD[name]
    table = database.make_table("key int PRIMARY KEY", "SELECT generate_series(1, 5000)")
    database.execute(f"CREATE OR REPLACE VIEW a_view AS SELECT key FROM {table}")
    source = planned(query.format(table=table))
    plan, log = source.make(shards=2)
    assert plan["exact"] and f"{words}: all keys are read" in log
    result = source.run("plan", "--shards", 2, "--estimate")
    assert (result.returncode, result.stdout) == (CONFIG, "")
    assert f"{words}: without --estimate all keys are read" in result.stderr


def test_more_shards_than_rows(database, planned):
    table = database.make_table("key int PRIMARY KEY", "SELECT generate_series(1, 3)")
    source = planned(f"SELECT key AS _id, key FROM {table}")
    plan, log = source.make(shards=5)
    count = len(plan["shards"])
    assert count < 5 and f"there are only rows for {count} shards" in log
    keys = [source.keys(number, 5) for number in range(5)]
    assert list(itertools.chain(*keys[:count])) == ["1", "2", "3"]
    assert keys[count:] == [None] * (5 - count)  # nothing to do, and no spool


def test_a_shard_is_of_the_same_query_and_of_one_plan(database, planned):
    table = database.make_table("key int PRIMARY KEY", "SELECT generate_series(1, 100)")
    source = planned(f"SELECT key FROM {table}")
    source.make(shards=4)
    spool = source.path.with_name("refused")
    shard = ["--index", "i", "--spool", spool, "--plan", source.path, "--shard"]
    for options, status, words in (([*shard, "1/5"], USAGE, "the plan has 4 shards, not 5"),
                                   ([*shard, "4/4"], USAGE, "from 0/N to N-1/N"),
                                   ([*shard, "1/4", "--to", 5], USAGE, "--shard goes without --from")):
        result = source.run("dump", *options)
        assert (result.returncode, result.stdout) == (status, "") and words in result.stderr
    source.source.write_text(f"SELECT key, 1 AS one FROM {table}")
    result = source.run("dump", *shard, "1/4")
    assert result.returncode == CONFIG and "of another query or key" in result.stderr
    assert not spool.exists()


def test_the_table_for_people(database, planned):
    table = database.make_table("key int PRIMARY KEY", "SELECT generate_series(1, 90)")
    result = planned(f"SELECT key FROM {table}").run("plan", "--shards", 3, "--exact", "--to", 85)
    assert result.stdout.splitlines() == [
        "3 shards of 85 rows", "", "shard         rows  keys",
        "    0           28  to 28", "    1           28  after 28 to 56", "    2           29  after 56 to 85"]


def test_all_shards_make_one_index(elasticsearch, database, planned, make_job):
    """Each by a run of its own, with its own spool; each is compared with its own rows."""
    table = database.make_table("key int PRIMARY KEY, body text", "SELECT i, 'row ' || i FROM generate_series(1, 999) i")
    source = planned(f"SELECT key::text AS _id, key, body FROM {table}")
    source.make(shards=3)
    jobs = [make_job(source.query, elasticsearch) for _ in range(3)]
    for number, job in enumerate(jobs):
        job.index = jobs[0].index
        options = ["--key", "key", "--plan", source.path, "--shard", f"{number}/3"]
        result = job.run(*options)
        assert result.returncode == FINISHED and ledger(result.stdout).acknowledged == 333, result.stderr
        assert job.run("--deep", *options, stage="verify").returncode == FINISHED
    assert jobs[0].documents() == {str(i): {"key": i, "body": f"row {i}"} for i in range(1, 1000)}
