"""Every column type becomes the JSON that is promised, byte for byte, in both engines."""

import base64
import json

import pytest

from jobs import DEAD_LETTERS, FINISHED, Database, Ledger, all_in, ledger

CONTROLS = "".join(map(chr, range(1, 32))) + "\x7f"
ALL_BYTES = bytes(range(256))

TYPES = """
    CREATE EXTENSION IF NOT EXISTS hstore;
    DROP SCHEMA IF EXISTS types CASCADE;
    CREATE SCHEMA types;
    CREATE TYPE types.mood AS ENUM ('sad', 'it''s "fine"');
    CREATE DOMAIN types.count AS integer CHECK (VALUE > 0);
    CREATE TYPE types.pair AS (a integer, b text)"""


def text(characters):
    """A string as PostgreSQL's literal: every character by its number, but NUL, which it lacks."""
    return " || ".join(f"chr({ord(c)})" for c in characters)


# column: expression, the JSON that is written
CASES = {
    "true": ("true", "true"),
    "false": ("false", "false"),
    "int2 least": ("(-32768)::int2", "-32768"),
    "int4 least": ("(-2147483648)::int4", "-2147483648"),
    "int8 least": ("(-9223372036854775808)::int8", "-9223372036854775808"),
    "int8 most": ("9223372036854775807", "9223372036854775807"),
    "int8 zero": ("0::int8", "0"),
    "oid": ("4294967295::oid", "4294967295"),
    "float4": ("1.1::float4", "1.1"),
    "float4 most": ("3.4028235e38::float4", "3.4028235e+38"),
    "float4 NaN": ("'NaN'::float4", "null"),
    "float4 infinity": ("'-Infinity'::float4", "null"),
    "float8": ("0.1::float8 + 0.2::float8", "0.30000000000000004"),
    "float8 large": ("1e308::float8", "1e+308"),
    "float8 small": ("5e-324::float8", "5e-324"),
    "float8 minus zero": ("'-0'::float8", "-0"),
    "float8 NaN": ("'NaN'::float8", "null"),
    "float8 infinity": ("'Infinity'::float8", "null"),
    "numeric scale": ("1.2300::numeric", "1.2300"),
    "numeric exact": ("0.1234567890123456789012345678901234567890::numeric",
                      "0.1234567890123456789012345678901234567890"),
    "numeric huge": (f"{'9' * 300}.5::numeric", f"{'9' * 300}.5"),
    "numeric power": ("power(10::numeric, 200)::numeric(250, 2)", f"1{'0' * 200}.00"),
    "numeric minus": ("(-0.000001)::numeric", "-0.000001"),
    "numeric NaN": ("'NaN'::numeric", "null"),
    "text": ("'plain'::text", '"plain"'),
    "text empty": ("''::text", '""'),
    "text quotes": ("""'"quoted" ''so'''::text""", '''"\\"quoted\\" 'so'"'''),
    "text backslashes": (r"'a\b\\c\N\.'::text", r'"a\\b\\\\c\\N\\."'),
    "text like NULL": (r"'\N'::text", r'"\\N"'),
    "text controls": (text(CONTROLS), json.dumps(CONTROLS, ensure_ascii=False)),
    "text emoji": (text("🌄👩‍👩‍👧‍👦é東京\u2028\U0010ffff"), '"🌄👩‍👩‍👧‍👦é東京\u2028\U0010ffff"'),
    "text html": ("'<b>&amp;</b>/'::text", '"<b>&amp;</b>/"'),
    "varchar": ("'abc'::varchar(10)", '"abc"'),
    "bpchar": ("'ab'::char(4)", '"ab  "'),
    "name": ("'a_name'::name", '"a_name"'),
    "char": ("""'x'::"char\"""", '"x"'),
    "uuid": ("'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::uuid",
             '"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"'),
    "date": ("'2024-02-29'::date", '"2024-02-29"'),
    "date far": ("'12345-01-02'::date", '"+12345-01-02"'),
    "date BC": ("'0044-03-15 BC'::date", '"-0043-03-15"'),
    "date infinity": ("'-infinity'::date", "null"),
    "time": ("'04:05:06.789'::time", '"04:05:06.789"'),
    "timetz": ("'04:05:06+02'::timetz", '"04:05:06+02"'),
    "interval": ("'1 year 2 months 3 days 04:05:06.7'::interval",
                 '"1 year 2 mons 3 days 04:05:06.7"'),
    "inet": ("'2001:db8::1/64'::inet", '"2001:db8::1/64"'),
    "cidr": ("'10.1.0.0/16'::cidr", '"10.1.0.0/16"'),
    "macaddr": ("'08002b:010203'::macaddr", '"08:00:2b:01:02:03"'),
    "macaddr8": ("'08002b:0102030405'::macaddr8", '"08:00:2b:01:02:03:04:05"'),
    "money": ("'1234.5'::money", '"$1,234.50"'),
    "xml": ("""xmlparse(content '<a b="c">d</a>')""", r'"<a b=\"c\">d</a>"'),
    "bit": ("B'101'", '"101"'),
    "varbit": ("B'0110'::bit varying", '"0110"'),
    "json": ("""'{"b":1,"a":[1 ,2.50,1e5]}'::json""", '{"b":1,"a":[1 ,2.50,1e5]}'),
    "json spacing": ("E' {\\n\\t\"a\" :\\r\\n [ 1 ,2]\\n} '::json", ' {  "a" :   [ 1 ,2] } '),
    "json escapes": (r"""'{"a":"\n\\\"\u00e9é"}'::json""", r'{"a":"\n\\\"\u00e9é"}'),
    "json scalar": ("'\"x\"'::json", '"x"'),
    "json null": ("'null'::json", "null"),
    "jsonb": ("""'{"b":1,"a":[1 ,2.50,"\\n🌄"]}'::jsonb""", r'{"a": [1, 2.50, "\n🌄"], "b": 1}'),
    "timestamp": ("'2024-01-02 03:04:05.678901'::timestamp", '"2024-01-02T03:04:05.678901"'),
    "timestamp whole": ("'2024-01-02 03:04:05'::timestamp", '"2024-01-02T03:04:05"'),
    "timestamp BC": ("'0044-03-15 12:00:00 BC'::timestamp", '"-0043-03-15T12:00:00"'),
    "timestamp infinity": ("'infinity'::timestamp", "null"),
    "timestamptz": ("'2024-01-02 03:04:05.6+05:30'::timestamptz",
                    '"2024-01-01T21:34:05.6+00:00"'),
    "timestamptz far": ("'12345-01-02 03:04:05+00'::timestamptz",
                        '"+12345-01-02T03:04:05+00:00"'),
    "timestamptz BC": ("'0001-12-31 00:00:00+00 BC'::timestamptz", '"0000-12-31T00:00:00+00:00"'),
    "timestamptz infinity": ("'-infinity'::timestamptz", "null"),
    "bytea": (rf"'\x{ALL_BYTES.hex()}'::bytea", f'"{base64.b64encode(ALL_BYTES).decode()}"'),
    "bytea 1": (r"'\xff'::bytea", '"/w=="'),
    "bytea 2": (r"'\xfffe'::bytea", '"//4="'),
    "bytea empty": ("''::bytea", '""'),
    "int[]": ("ARRAY[1, NULL, 3]", "[1, null, 3]"),
    "int[][]": ("ARRAY[[1, 2], [3, 4]]", "[[1, 2], [3, 4]]"),
    "text[]": (r"""ARRAY['a"b', 'c\d', '', 'NULL']""", r'["a\"b", "c\\d", "", "NULL"]'),
    "timestamptz[]": ("ARRAY['2024-01-02 03:04:05+00'::timestamptz]",
                      '["2024-01-02T03:04:05+00:00"]'),
    "array empty": ("ARRAY[]::int[]", "[]"),
    "composite": ("ROW(7, 'x')::types.pair", '{"a": 7, "b": "x"}'),
    "record": ("ROW(7, 'x')", '{"f1": 7, "f2": "x"}'),
    "int4range": ("'[1,5)'::int4range", '"[1,5)"'),
    "hstore": ("""'a=>1, "b c"=>NULL'::hstore""", '{"a": "1", "b c": null}'),
    "enum": ("""'it''s "fine"'::types.mood""", '"it\'s \\"fine\\""'),
    "domain": ("5::types.count", "5"),
    "tsvector": ("'fat:2 cat:1'::tsvector", "\"'cat':1 'fat':2\""),
    "point": ("point(1, -2.5)", '"(1,-2.5)"'),
    'name "of" a \\ field é': ("1", "1"),
}
NOT_IN_JSON = sum("NaN" in column or "infinity" in column for column in CASES)

WIDE = "SELECT 1 AS id, " + ", ".join(
    f'{expression} AS "{column.replace(chr(34), 2 * chr(34))}"'
    for column, (expression, _) in CASES.items())


def members(source):
    """The fields of a source line: name -> the value's own text."""
    decoder = json.JSONDecoder()
    fields, at = {}, 1
    while at < len(source):
        name, at = decoder.raw_decode(source, at)
        start = at + 1  # behind the colon
        while source[start] == " ":  # of a json value's own: raw_decode takes none
            start += 1
        _, end = decoder.raw_decode(source, start)
        while source[end] == " ":
            end += 1
        fields[name] = source[at + 1:end]
        at = end + 1
    return fields


@pytest.fixture(scope="module")
def types(database):
    database.execute(TYPES)


@pytest.mark.sanitizers
def test_every_type_is_written_byte_for_byte(engine, make_job, types):
    job = make_job(WIDE, engine)
    result = job.run()
    source = engine.source_bytes(job.index, 1).decode()
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(1)), result.stderr
    assert members(source) == {"id": "1", **{name: json for name, (_, json) in CASES.items()}}
    assert f"{NOT_IN_JSON} values that JSON can't hold (NaN, infinity) became null" in result.stderr


@pytest.mark.parametrize("option, expected", [
    ([], b'{"id":1,"last":"x"}'),
    (["--nulls", "omit"], b'{"id":1,"last":"x"}'),
    (["--nulls", "keep"], b'{"id":1,"a":null,"b":null,"c":null,"d":null,"last":"x"}'),
])
def test_nulls_are_left_out_unless_they_are_kept(engine, make_job, option, expected):
    job = make_job("SELECT 1 AS id, NULL::int AS a, NULL::text AS b, NULL::jsonb AS c,"
                   " NULL::int[] AS d, 'x' AS last", engine)
    assert job.run(*option).returncode == FINISHED
    assert engine.source_bytes(job.index, 1) == expected


def test_a_row_of_nulls_is_an_empty_document(engine, make_job):
    job = make_job("SELECT 1 AS id, 'only' AS _id", engine)
    other = make_job("SELECT 'only' AS _id, NULL::int AS a", engine)
    assert other.run("--key", "_id").returncode == FINISHED
    assert job.run().returncode == FINISHED
    assert engine.source_bytes(other.index, "only") == b"{}"
    assert engine.source_bytes(job.index, "only") == b'{"id":1}'


# -- metadata columns ------------------------------------------------------------------------------


def test_id_may_be_any_expression(engine, make_job):
    job = make_job("""SELECT i AS n, 'a "b"/' || i || '\\é🌄' AS _id FROM generate_series(1, 3) i""",
                   engine)
    assert job.run("--key", "n").returncode == FINISHED
    assert job.documents() == {f'a "b"/{i}\\é🌄': {"n": i} for i in (1, 2, 3)}


def test_routing_goes_with_the_document(engine, make_job):
    body = {"settings": {"number_of_shards": 5, "number_of_replicas": 0},
            "mappings": {"dynamic": False, "_routing": {"required": True}}}
    job = make_job("SELECT i AS id, 'to ' || i % 2 AS _routing FROM generate_series(1, 20) i",
                   engine, body)
    assert job.run().returncode == FINISHED
    for key in range(1, 21):
        _, found = engine.request("GET", f"{job.index}/_doc/{key}?routing=to%20{key % 2}")
        assert (found["found"], found["_routing"]) == (True, f"to {key % 2}")


def test_index_may_be_chosen_by_each_row(engine, make_job):
    others = [make_job("nothing", engine) for _ in range(2)]
    job = make_job("SELECT i AS id, (ARRAY[%s, NULL])[i] AS _index FROM generate_series(1, 3) i"
                   % ", ".join(f"'{other.index}'" for other in others), engine)
    assert job.run().returncode == FINISHED
    found = [list(engine.documents(index)) for index in (others[0].index, others[1].index, job.index)]
    assert found == [["1"], ["2"], ["3"]]


def test_op_may_be_chosen_by_each_row(engine, make_job, database):
    table = database.make_table("id int PRIMARY KEY, _op text, new int", """VALUES
        (1, 'index', 10), (2, 'create', 20), (3, 'update', 30), (4, 'delete', 40), (5, NULL, 50),
        (11, 'index', 110), (12, 'create', 120), (13, 'update', 130), (14, 'delete', 140)""")
    job = make_job(table, engine)
    for key in (11, 12, 13, 14):
        engine.request("PUT", f"{job.index}/_doc/{key}", {"old": key})
    result = job.run()
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(9)), result.stderr
    assert job.documents() == {
        "1": {"id": 1, "new": 10}, "2": {"id": 2, "new": 20}, "3": {"id": 3, "new": 30},
        "5": {"id": 5, "new": 50}, "11": {"id": 11, "new": 110}, "12": {"old": 12},
        "13": {"old": 13, "id": 13, "new": 130}}


@pytest.mark.parametrize("op, expected", [
    ("index", {"1": {"id": 1}, "2": {"id": 2}}),
    ("create", {"1": {"old": 1}, "2": {"id": 2}}),
    ("update", {"1": {"old": 1, "id": 1}, "2": {"id": 2}}),
    ("delete", {}),
])
def test_op_of_the_job_holds_for_rows_without_one(engine, make_job, op, expected):
    job = make_job("SELECT i AS id FROM generate_series(1, 2) i", engine)
    engine.request("PUT", f"{job.index}/_doc/1", {"old": 1})
    result = job.run("--op", op)
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(2)), result.stderr
    assert job.documents() == expected


def test_an_older_version_is_not_written_and_a_newer_one_is(engine, make_job, database):
    table = database.make_table("id int PRIMARY KEY, _version bigint, _op text", """VALUES
        (1, 4, NULL), (2, 6, NULL), (3, 5, NULL), (4, 4, 'delete'), (5, 6, 'delete'),
        (6, 9223372036854775807, NULL)""")
    job = make_job(table, engine)
    for key in range(1, 6):
        engine.request("PUT", f"{job.index}/_doc/{key}?version=5&version_type=external", {"old": key})
    for again in ([], ["--again"], ["--again"]):
        result = job.run("--give-up-after", "20s", *again)
        assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(6)), result.stderr
        assert job.documents() == {
            "1": {"old": 1}, "2": {"id": 2}, "3": {"old": 3}, "4": {"old": 4}, "6": {"id": 6}}


# -- what can't be a document ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def ascii_database(postgres):
    """A database that doesn't check what it is given."""
    postgres.execute("DROP DATABASE IF EXISTS ascii")
    postgres.execute("CREATE DATABASE ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'")
    return Database(postgres, postgres.conninfo.replace("dbname=postgres", "dbname=ascii"))


def test_a_row_that_is_no_utf8_is_a_dead_letter_and_the_rest_is_in(engine, make_job,
                                                                  ascii_database):
    table = ascii_database.make_table("id int PRIMARY KEY, body text", r"""
        SELECT i, CASE WHEN i % 10 = 4 THEN convert_from('\xff', 'SQL_ASCII')
                  ELSE convert_from('\xc3a9', 'SQL_ASCII') || i END
        FROM generate_series(1, 30) i""")
    job = make_job(table, engine, of=ascii_database)
    result = job.run()
    assert result.returncode == DEAD_LETTERS, result.stderr
    assert ledger(result.stdout) == Ledger(30, 27, 3, 0)
    assert job.documents() == {str(i): {"id": i, "body": f"é{i}"}
                               for i in range(1, 31) if i % 10 != 4}
    dead = job.dead_letters()
    assert [letter["id"] for letter in dead] == ["4", "14", "24"]
    assert [base64.b64decode(letter["row"]) for letter in dead] == [
        f"{i}\t".encode() + b"\xff" for i in (4, 14, 24)]
    assert {letter["error"]["column"] for letter in dead} == {"body"}


@pytest.mark.parametrize("columns, column", [
    ("NULL AS _id", "_id"),
    ("'' AS _id", "_id"),
    ("repeat('é', 257) AS _id", "_id"),
    ("'upsert' AS _op", "_op"),
    ("-1 AS _version", "_version"),
    ("'' AS _index", "_index"),
])
def test_metadata_that_no_engine_takes_is_a_dead_letter(elasticsearch, make_job, columns, column):
    job = make_job(f"SELECT 7 AS id, {columns}", elasticsearch)
    result = job.run()
    assert (result.returncode, ledger(result.stdout)) == (DEAD_LETTERS, Ledger(1, 0, 1, 0))
    assert [letter["error"]["column"] for letter in job.dead_letters()] == [column]
    assert job.documents() == {}
