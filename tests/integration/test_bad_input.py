"""A database, a query, a key or a cluster that can't be: one clear line, the exit code, nothing written."""

import socket

import pytest

from jobs import CONFIG, DENIED, STOPPED, USAGE
from refused import assert_untouched, changed, refuse

# -- the database ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def closed_port():
    """A port on which nothing listens, as it is bound and no more."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


@pytest.fixture(scope="module")
def users(postgres):
    postgres.execute("""
        DROP ROLE IF EXISTS crowd; DROP ROLE IF EXISTS stranger;
        CREATE ROLE crowd LOGIN CONNECTION LIMIT 0;
        CREATE ROLE stranger LOGIN PASSWORD 'secret'""")


def test_a_database_that_is_not_there_is_75(victim, bobbin, closed_port):
    dsn = f"host=127.0.0.1 port={closed_port} dbname=x user=x"
    refuse(bobbin.run(changed(victim, dsn=dsn)), STOPPED, f"127.0.0.1:{closed_port}/x", "refused")
    assert_untouched(victim)


def test_a_database_host_without_a_name_is_75(victim, bobbin):
    refuse(bobbin.run(changed(victim, dsn="host=nobody.invalid dbname=x")), STOPPED, "nobody.invalid")
    assert_untouched(victim)


def test_a_database_that_is_full_is_75(victim, bobbin, users):
    dsn = victim.database.conninfo.replace("user=bobbin", "user=crowd")
    refuse(bobbin.run(changed(victim, dsn=dsn)), STOPPED, "too many connections")
    assert_untouched(victim)


def test_an_unknown_database_is_78(victim, bobbin):
    dsn = victim.database.conninfo.replace("dbname=tests", "dbname=nowhere")
    refuse(bobbin.run(changed(victim, dsn=dsn)), CONFIG, '"nowhere" does not exist', "--dsn")
    assert_untouched(victim)


def test_a_conninfo_that_is_none_is_78(victim, bobbin):
    refuse(bobbin.run(changed(victim, dsn="hots=localhost")), CONFIG, "hots")
    assert_untouched(victim)


@pytest.mark.parametrize("dsn", ["host=127.0.0.1 password=two words", "host=h password='open words",
                                 "postgresql://me:two/words@127.0.0.1/shop"])
def test_of_a_conninfo_torn_by_its_password_no_part_is_shown(victim, bobbin, dsn):
    result = bobbin.run(changed(victim, dsn=None), env={"BOBBIN_DSN": dsn})
    refuse(result, CONFIG, "--dsn can't be read" if "://" not in dsn else "--dsn")
    assert "words" not in result.stderr
    assert_untouched(victim)


@pytest.mark.parametrize("options", [{"password": "wrong"}, {"password": "''"}, {"user": "nobody"}])
def test_wrong_credentials_are_77(victim, bobbin, postgres, options):
    result = bobbin.run(changed(victim, dsn=None),
                        env={"BOBBIN_DSN": postgres.tcp_conninfo(**options)})
    refuse(result, DENIED, f"127.0.0.1:{postgres.port}", "PGPASSWORD")
    assert_untouched(victim)


def test_a_table_that_may_not_be_read_is_77(victim, bobbin, users):
    dsn = victim.database.conninfo.replace("user=bobbin", "user=stranger")
    refuse(bobbin.run(changed(victim, dsn=dsn)), DENIED, "permission denied", victim.source[1])
    assert_untouched(victim)


# -- the query and its key -------------------------------------------------------------------------

QUERIES = {
    "no such table": ("SELECT * FROM nowhere", [], CONFIG, ['"nowhere" does not exist']),
    "syntax": ("SELECT id FROM FROM x", [], CONFIG, ["the query can't be run", "syntax error"]),
    "two statements": ("SELECT 1 AS id; SELECT 2 AS id", [], CONFIG, ["syntax error"]),
    "not a SELECT": ("DELETE FROM x", [], CONFIG, ["syntax error"]),
    "empty": ("-- nothing", [], CONFIG, ["the query can't be run"]),
    "no key column": ("SELECT 1 AS a, 2 AS b", [], CONFIG, ['no column "id"', "--key", "a, b"]),
    "no columns": ("SELECT", [], CONFIG, ['no column "id"']),
    "other key column": ("SELECT 1 AS id", ["--key", "Id"], CONFIG, ['no column "Id"']),
    "unknown metadata": ("SELECT 1 AS id, 2 AS _source", [], CONFIG, ['"_source"', "_routing"]),
    "NULL key": ("SELECT NULLIF(i, 3) AS id FROM generate_series(1, 9) i", [], CONFIG,
                 ["the key is NULL in some rows", "--key"]),
    "NULL key out of range": ("SELECT NULLIF(i, 3) AS id FROM generate_series(1, 9) i",
                              ["--from", 5], CONFIG, ["the key is NULL in some rows"]),
    "equal keys": ("SELECT i % 7 AS id FROM generate_series(1, 9) i", [], CONFIG,
                   ["the key is not unique: two rows have", "--key"]),
    "key that has no order": ("SELECT point(i, i) AS id FROM generate_series(1, 9) i", [], CONFIG,
                              ["point"]),
    "range upside down": ("SELECT 1 AS id", ["--from", 9, "--to", 8], USAGE,
                          ["the range is upside down: --from 9 comes after --to 8"]),
    "range by the key's order": ("SELECT '1' AS id", ["--from", "9", "--to", "10"], USAGE,
                                 ["upside down"]),
    "--from of another type": ("SELECT 1 AS id", ["--from", "x"], USAGE, ["--from", "integer", '"x"']),
    "--to of another type": ("SELECT now() AS id", ["--to", "yesterdy"], USAGE,
                             ["--to", "timestamp with time zone"]),
    "--to out of range": ("SELECT 1::smallint AS id", ["--to", 32768], USAGE, ["smallint", "32768"]),
}


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_or_key_that_can_not_be_is_told_of(elasticsearch, make_job, name):
    query, options, code, words = QUERIES[name]
    job = make_job(f"-- {name}\n{query}", elasticsearch)
    refuse(job.run(*options), code, *words)
    assert_untouched(job)


def test_equal_keys_in_a_table_are_found_before_anything_is_sent(elasticsearch, make_job, database):
    table = database.make_table("id int", "SELECT i FROM generate_series(1, 500) i"
                                          " UNION ALL SELECT 400")
    database.execute(f"CREATE INDEX ON {table} (id)")
    job = make_job(table, elasticsearch)
    refuse(job.run(), CONFIG, "the key is not unique: two rows have 400")
    assert_untouched(job)


# A unique index that doesn't make the column unique.
@pytest.mark.parametrize("index", ["(id) WHERE id <> 400", "(id, n)", "((id + n))"])
def test_an_index_that_proves_nothing_is_not_trusted(elasticsearch, make_job, database, index):
    table = database.make_table("id int, n serial", "SELECT 400 FROM generate_series(1, 2)")
    database.execute(f"CREATE UNIQUE INDEX ON {table} {index}")
    job = make_job(table, elasticsearch)
    refuse(job.run(), CONFIG, "the key is not unique: two rows have 400")
    assert_untouched(job)


# -- the cluster (what is none: test_faults_ending.py) -----------------------------------------------


def test_an_index_that_is_not_there_is_78_and_is_not_made(engine, make_job, database):
    job = make_job(database.make_numbers(9), engine, body=None)
    refuse(job.run(), CONFIG, f"index {job.index} does not exist", "--create-index")
    assert engine.request("GET", job.index)[0] == 404
    assert not job.spool.exists()


@pytest.mark.parametrize("name", ["a*", "a,b", "UPPER"])
def test_a_name_that_no_index_has_is_78(victim, bobbin, name):
    refuse(bobbin.run(changed(victim, index=name)), CONFIG, name)
    assert not victim.spool.exists()


@pytest.mark.parametrize("body, words", [
    ("{", ["can't be created"]),
    ('{"mappings":{"properties":{"a":{"type":"nothing"}}}}', ["can't be created", "nothing"]),
    (None, ["no-file.json"]),
])
def test_an_index_body_that_is_refused_is_78(elasticsearch, make_job, database, tmp_path, body, words):
    job = make_job(database.make_numbers(9), elasticsearch, body=None)
    path = tmp_path / ("body.json" if body else "no-file.json")
    if body:
        path.write_text(body)
    refuse(job.run("--create-index", path), CONFIG, *words)
    assert elasticsearch.request("GET", job.index)[0] == 404
    assert not job.spool.exists()
