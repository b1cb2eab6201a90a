"""Any unique key orders a dump: its type, its gaps, its range, its windows and its parts.

These look into the spool, where each row stands as it will be sent; no search engine is needed.
"""

import pytest

from jobs import CONFIG, FINISHED, USAGE, Ledger, all_in, ledger, wait_for

# name: column type, a SELECT of values
KEYS = {
    "integer": ("integer", "SELECT (i * i - 400) * 1000 FROM generate_series(0, 40) i"),
    "smallint": ("smallint", "SELECT i FROM generate_series(-20, 20) i"),
    "bigint": ("bigint", "SELECT i * 460000000000000000 FROM generate_series(-20, 20) i"),
    "uuid": ("uuid", "SELECT md5(i::text)::uuid FROM generate_series(1, 41) i"),
    "text": ("text", """SELECT v FROM unnest(ARRAY['', ' ', 'a', 'A', 'B', 'b', 'it''s', '"q"', 'z\\',
        E'tab\\tline\\n', '\\N', 'Ä', 'ä', '東京', '🌄', 'a a', 'aa', 'a-a', '1', '10', '9', '%', '_',
        'x''; DROP TABLE x; --', '$1', '{}', 'null', 'zz', 'Z']) v"""),
    "text in ICU's order": ('text COLLATE "und-x-icu"', """SELECT v FROM unnest(ARRAY[
        'a', 'A', 'ä', 'b', 'B', 'Z', 'z', '-a', 'a-b', 'ab', 'a b', 'AB', 'é', 'e', 'f', '1', '10', '9',
        '']) v"""),
    "varchar": ("varchar(20)", "SELECT 'k' || i FROM generate_series(1, 41) i"),
    "char": ("char(5)", "SELECT 'k' || i FROM generate_series(1, 41) i"),
    "timestamptz": ("timestamptz", """
        SELECT '2024-03-31 00:30+00'::timestamptz + i * '10:00:00.000001'::interval
        FROM generate_series(-20, 20) i UNION ALL
        SELECT v::timestamptz FROM unnest(ARRAY['-infinity', 'infinity', '0044-03-15 BC']) v"""),
    "timestamp": ("timestamp", """
        SELECT '2024-03-31 00:30'::timestamp + i * '0.25'::interval
        FROM generate_series(-20, 20) i"""),
    "date": ("date", "SELECT '2024-02-10'::date + i FROM generate_series(0, 40) i"),
    "numeric": ("numeric", """SELECT i * 0.3 FROM generate_series(-20, 20) i
        UNION ALL SELECT 1e40 UNION ALL SELECT 'NaN'"""),
    "float8": ("float8", "SELECT i / 7.0 FROM generate_series(-20, 20) i"),
    "boolean": ("boolean", "SELECT v FROM unnest(ARRAY[true, false]) v"),
    "inet": ("inet", "SELECT '10.0.0.0'::inet + i * 100 FROM generate_series(0, 40) i"),
    "bytea": ("bytea", "SELECT decode(md5(i::text), 'hex') FROM generate_series(1, 41) i"),
    "bit": ("bit varying", "SELECT i::bit(6)::bit varying FROM generate_series(1, 41) i"),
    "interval": ("interval", "SELECT i * '1 day 1 hour'::interval FROM generate_series(-20, 20) i"),
    "int[]": ("int[]", "SELECT ARRAY[i / 5, i % 5] FROM generate_series(0, 40) i"),
    "enum": ("weekday", "SELECT unnest(enum_range(NULL::weekday))"),
}
RANGES = {"all": (None, None), "from": (2, None), "to": (None, -3), "both": (2, -3),
          "one key": (4, 5)}

ascending = "SELECT i FROM generate_series(%s, %s) i"


@pytest.fixture(scope="module")
def key_tables(database):
    """A table for each kind of key, its rows in no order: name -> table."""
    database.execute("CREATE TYPE weekday AS ENUM ('mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun')")
    return {name: database.make_table(f"key {kind} PRIMARY KEY",
                                      f"SELECT v FROM ({values}) AS values(v) ORDER BY md5(v::text)")
            for name, (kind, values) in KEYS.items()}


def select(table):
    return f"SELECT 'id ' || key::text AS _id, key FROM {table}"


def keys_in_order(database, table):
    connection = database.connect()
    with connection.cursor() as cursor:
        cursor.execute("SET TimeZone = 'UTC'")
        cursor.execute(f"SELECT key::text FROM {table} t ORDER BY t.key")
        keys = [key for key, in cursor]
    connection.close()
    return keys


@pytest.mark.parametrize("name", KEYS)
def test_every_row_is_dumped_once_in_the_keys_order(database, make_job, key_tables, name):
    job = make_job(select(key_tables[name]))
    result = job.run("--key", "key", "--window-rows", 7, stage="dump")
    keys = keys_in_order(database, key_tables[name])
    assert result.returncode == FINISHED, result.stderr
    assert ledger(result.stdout) == Ledger(len(keys), 0, 0, len(keys))
    assert job.spooled_ids() == [f"id {key}" for key in keys]


@pytest.mark.parametrize("name", KEYS)
def test_every_row_is_dumped_once_by_three_parts(database, make_job, key_tables, name):
    job = make_job(select(key_tables[name]))
    result = job.run("--key", "key", "--window-rows", 7, "--jobs", 3, stage="dump")
    keys = keys_in_order(database, key_tables[name])
    assert result.returncode == FINISHED, result.stderr
    assert sorted(job.spooled_ids()) == sorted(f"id {key}" for key in keys)


@pytest.mark.parametrize("bounds", RANGES)
@pytest.mark.parametrize("name", [name for name in KEYS if name != "boolean"])
def test_both_ends_of_a_range_belong_to_it(database, make_job, key_tables, name, bounds):
    first, end = RANGES[bounds]
    keys = keys_in_order(database, key_tables[name])
    expected = keys[first:end]
    options = ["--from", expected[0]] if first is not None else []
    options += ["--to", expected[-1]] if end is not None else []
    job = make_job(select(key_tables[name]))
    result = job.run("--key", "key", "--window-rows", 3, "--jobs", 2, *options, stage="dump")
    assert result.returncode == FINISHED, result.stderr
    assert sorted(job.spooled_ids()) == sorted(f"id {key}" for key in expected)


@pytest.mark.parametrize("first, last, expected", [
    ("b", "B", ["b", "B"]),  # which the database's own collation orders otherwise
    ("\u00e9", "f", ["\u00e9", "f"]),
    ("B", "b", None),
])
def test_a_range_is_in_the_order_of_the_keys_collation(make_job, key_tables, first, last, expected):
    job = make_job(select(key_tables["text in ICU's order"]))
    result = job.run("--key", "key", "--from", first, "--to", last, stage="dump")
    if expected is None:
        assert result.returncode == USAGE
        assert f"the range is upside down: --from {first} comes after --to {last}" in result.stderr
    else:
        assert result.returncode == FINISHED, result.stderr
        assert job.spooled_ids() == [f"id {key}" for key in expected]


@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.parametrize("rows", [0, 1, 6, 7, 8, 13, 14, 15, 49])
def test_windows_of_seven_rows_neither_lose_nor_double_one(database, make_job, rows, jobs):
    job = make_job(database.make_table("id int PRIMARY KEY", ascending, (1, rows)))
    result = job.run("--window-rows", 7, "--jobs", jobs, stage="dump")
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, Ledger(rows, 0, 0, rows))
    assert sorted(map(int, job.spooled_ids())) == list(range(1, rows + 1))


@pytest.mark.parametrize("rows, options, expected", [
    (0, [], []),
    (1, [], ["1"]),
    (9, ["--from", 10], []),
    (9, ["--to", 0], []),
    (9, ["--from", 4, "--to", 4], ["4"]),
    (9, ["--from", -5, "--to", 2], ["1", "2"]),
])
def test_a_range_may_be_empty_or_one_row(elasticsearch, database, make_job, rows, options, expected):
    job = make_job(database.make_table("id int PRIMARY KEY", ascending, (1, rows)), elasticsearch)
    result = job.run(*options)
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(len(expected)))
    assert sorted(job.documents()) == expected


def test_parts_are_cut_by_rows_however_the_keys_lie(database, make_job):
    table = database.make_table("id bigint PRIMARY KEY", """
        SELECT i FROM generate_series(1, 900) i UNION ALL
        SELECT 1000000000000 + i * 1000000000::bigint FROM generate_series(1, 100) i""")
    job = make_job(table)
    assert job.run("--jobs", 4, stage="dump").returncode == FINISHED
    documents = {}
    for frame in job.look("inspect")["frames"]:
        documents[frame["part"]] = documents.get(frame["part"], 0) + frame["documents"]
    assert documents == {0: 250, 1: 250, 2: 250, 3: 250}


# -- snapshots -------------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_dumps_snapshot_sees_one_state_whatever_is_changed_meanwhile(database, make_job, gate,
                                                                       jobs):
    table = database.make_numbers(600)
    database.execute(f"DELETE FROM {table} WHERE id % 10 = 0")
    job = make_job(f"SELECT id, body FROM {table} WHERE gate(id % 200 = 5)")
    before = job.expected()
    gate.shut()
    process = job.start("--snapshot", "dump", "--jobs", jobs, "--window-rows", 20, stage="dump")
    gate.wait_until_reached(jobs)
    assert job.look("status")["snapshot_age_s"] >= 0
    database.execute(f"DELETE FROM {table} WHERE id % 10 = 3")
    database.execute(f"INSERT INTO {table} SELECT i, 'new' FROM generate_series(10, 590, 10) i")
    database.execute(f"UPDATE {table} SET body = 'changed' WHERE id % 10 = 4")
    gate.open()
    assert job.finish(process) == FINISHED, process.stderr_text()
    assert "snapshot_age_s" not in job.look("status")
    spooled = job.spooled()
    assert len(spooled) == len(before)
    assert {action["_id"]: source for action, source in spooled} == before


def test_without_it_each_window_sees_its_own_state(database, make_job, gate):
    table = database.make_numbers(60)
    job = make_job(f"SELECT id, body FROM {table} WHERE gate(id = 5)")
    gate.shut()
    process = job.start("--window-rows", 20, stage="dump")
    gate.wait_until_reached()
    database.execute(f"DELETE FROM {table} WHERE id IN (6, 41)")
    gate.open()
    assert job.finish(process) == FINISHED
    assert set(range(1, 61)) - set(map(int, job.spooled_ids())) == {41}


# -- queries ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", [
    "SELECT i AS id FROM generate_series(1, 9) i;",
    "SELECT i AS id FROM generate_series(1, 9) i -- all of them",
    "SELECT i AS id FROM generate_series(1, 9) i -- all of them;\n",
    "SELECT i AS id FROM generate_series(1, 9) i; -- all of them\n",
    "SELECT i AS id FROM generate_series(1, 9) i ; /* all; of -- them */ ;\n\n",
    "-- all of them;\nSELECT i AS id FROM generate_series(1, 9) i\n  ;  \n",
    "SELECT i AS id FROM generate_series(1, 9) i WHERE ';--' <> ' -- ;'",
    r"SELECT i AS id FROM generate_series(1, 9) i WHERE E'\';--' <> ';/*';",
    "SELECT i AS id FROM generate_series(1, 9) i WHERE $$';--$$ <> $a$ $$ ;/* $a$ -- '",
    'SELECT "--i" AS id FROM generate_series(1, 9) AS "i;"("--i"); /* /* ; */ \' */ ;',
    "SELECT i AS id FROM generate_series(1, 9) i WHERE 8 - -i > 0 AND 8 / i >= 0;",
    "WITH numbers AS (SELECT i AS id FROM generate_series(1, 9) i) TABLE numbers",
    "SELECT i AS id FROM generate_series(1, 5) i UNION SELECT i FROM generate_series(4, 9) i",
    "SELECT i AS id FROM generate_series(1, 99) i ORDER BY i LIMIT 9",
])
def test_a_query_may_end_and_begin_as_people_write_it(make_job, query):
    job = make_job(query)
    result = job.run("--window-rows", 4, stage="dump")
    assert result.returncode == FINISHED, result.stderr
    assert job.spooled_ids() == [str(i) for i in range(1, 10)]


def test_what_follows_a_semicolon_is_not_dropped(make_job):
    result = make_job("SELECT 1 AS id; /* and */ SELECT 2 AS id").run(stage="dump")
    assert result.returncode == CONFIG
    assert "syntax error" in result.stderr


@pytest.mark.parametrize("options", [[], ["--window-rows", 1], ["--jobs", 3, "--window-rows", 2]])
def test_rows_that_a_join_doubles_are_found_however_often_it_is_run(database, make_job, options):
    table = database.make_table("id int PRIMARY KEY, body text",
                                "SELECT i, repeat(md5(i::text), 200) FROM generate_series(1, 9) i")
    job = make_job(f"SELECT t.* FROM {table} t, generate_series(1, CASE id WHEN 6 THEN 2 ELSE 1 END)")
    for _ in range(3):
        result = job.run("--frame-size", "4K", *options, stage="dump")
        assert result.returncode == CONFIG, result.stderr
        assert "the key is not unique: two rows have 6" in result.stderr


def test_a_cut_connection_between_doubled_rows_does_not_hide_them(database, make_job, gate):
    table = database.make_table("id int PRIMARY KEY, body text",
                                "SELECT i, repeat(md5(i::text), 400) FROM generate_series(1, 9) i")
    job = make_job(f"""SELECT t.* FROM {table} t, LATERAL generate_series(1, 2) n
        WHERE (id = 6 OR n = 1) AND gate(id = 6 AND n = 2)""")
    gate.shut()
    process = job.start("--frame-size", "4K", stage="dump")
    pid, = gate.wait_until_reached()
    wait_for(lambda: job.has_begun() and job.look("status")["rows_read"] >= 5, "rows in the spool")
    database.execute("SELECT pg_terminate_backend(%s)", (pid,))
    gate.open()
    assert job.finish(process) == CONFIG
    assert "the key is not unique: two rows have 6" in process.stderr_text()
