"""Bad input of any kind: one clear line, the documented exit code, and nothing is written anywhere."""

import ctypes
import hashlib
import os
import re
import socket
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from jobs import (CONFIG, DENIED, DISK, FINISHED, NO_MAPPING, NOWHERE, STOPPED, USAGE, all_in, ledger,
                  wait_for)

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z error: [^\n]+\n")
TOLD_BEFORE = re.compile(r'\S+ no unique index proves key "\w+": all keys are read once to check it\n')
AS_ROOT = [] if os.geteuid() == 0 else ["sudo"]


def content(directory):
    """All that is in a directory: path -> its hash. LMDB's lock file says who reads now."""
    return {str(path.relative_to(directory)): path.is_file() and
            hashlib.sha256(path.read_bytes()).hexdigest()
            for path in directory.rglob("*") if path.name != "index.mdb-lock"}


def refuse(result, code, *words):
    """RESULT is one line of error that has all WORDS in it, and exit CODE."""
    told = TOLD_BEFORE.sub("", result.stderr)
    assert LINE.fullmatch(told), result.stderr
    assert result.returncode == code, result.stderr
    for word in words:
        assert word in told


@pytest.fixture
def victim(elasticsearch, make_job, database):
    """A sound job of nine rows; the index is there and empty."""
    return make_job(database.make_numbers(9), elasticsearch)


def assert_untouched(job):
    assert not job.spool.exists()
    assert job.documents() == {}


def changed(job, **options):
    """The arguments of JOB's run with other values; None leaves an option out."""
    words = list(map(str, job.arguments("run")))
    for name, value in options.items():
        option = "--" + name.replace("_", "-")
        if option in words:
            at = words.index(option)
            del words[at:at + 2]
        if value is not None:
            words += [option, str(value)]
    return words


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


@pytest.mark.parametrize("options", [{"password": "wrong"}, {"password": "''"}, {"user": "nobody"}])
def test_wrong_credentials_are_77(victim, bobbin, postgres, options):
    result = bobbin.run(changed(victim, dsn=postgres.tcp_conninfo(**options)))
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


# -- the cluster -----------------------------------------------------------------------------------


@contextmanager
def web_server(body, kind):
    """A server that is no search engine."""
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_PUT = do_POST = do_GET

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("body, kind", [
    (b"<!doctype html><title>It works!</title>", "text/html"),
    (b'{"status":"ok"}', "application/json"),
    (b'{}', "application/json"),
    (b'[]', "application/json"),
    (b'', "text/plain"),
])
def test_a_url_that_is_no_search_engine_is_78(victim, bobbin, body, kind):
    with web_server(body, kind) as url:
        refuse(bobbin.run(changed(victim, url=url)), CONFIG, url, "no search engine", "--url")
    assert_untouched(victim)


def test_a_url_on_which_nothing_listens_is_75(victim, bobbin):
    refuse(bobbin.run(changed(victim, url=NOWHERE)), STOPPED, NOWHERE)
    assert_untouched(victim)


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


# -- the spool -------------------------------------------------------------------------------------


@pytest.fixture
def spooled(victim):
    """The sound job, dumped and not replayed."""
    assert victim.run(stage="dump").returncode == FINISHED
    return victim


OTHER_JOBS = {
    "table": lambda job: {"table": "rows_1"},
    "range": lambda job: {"to": "5"},
    "key": lambda job: {"key": "body"},
    "index": lambda job: {"index": "another"},
    "op": lambda job: {"op": "create"},
    "nulls": lambda job: {"nulls": "keep"},
}


@pytest.mark.parametrize("stage", ["run", "dump"])
@pytest.mark.parametrize("name", OTHER_JOBS)
def test_a_spool_of_another_job_is_78(spooled, bobbin, name, stage):
    before = content(spooled.spool)
    words = changed(spooled, **OTHER_JOBS[name](spooled))
    if stage == "dump":
        at = words.index("--url")
        words = ["dump", *words[1:at], *words[at + 2:]]
    refuse(bobbin.run(words), CONFIG, str(spooled.spool), "another job", "--spool")
    assert content(spooled.spool) == before
    assert spooled.documents() == {}


def test_a_replay_into_another_index_is_78(spooled):
    before = content(spooled.spool)
    refuse(spooled.run("--index", "another", stage="replay"), CONFIG, spooled.index, "another")
    assert content(spooled.spool) == before


@pytest.mark.parametrize("command", ["replay", "status", "inspect", "verify"])
@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir()])
def test_a_spool_that_is_not_there_is_78(victim, command, make):
    make(victim.spool)
    words = victim.arguments("replay") if command == "replay" else [command, victim.spool]
    refuse(victim.bobbin.run(words), CONFIG, str(victim.spool), "there is none")
    assert not victim.spool.exists() or content(victim.spool) == {}


@pytest.mark.parametrize("held, wanted", [("dump", "dump"), ("dump", "run"), ("run", "replay"),
                                          ("run", "run"), ("run", "dump")])
def test_a_spool_in_use_is_75(elasticsearch, make_job, database, gate, held, wanted):
    job = make_job(f"SELECT * FROM {database.make_numbers(9)} WHERE gate(id = 5)", elasticsearch)
    gate.shut()
    holder = job.start(stage=held)
    gate.wait_until_reached()
    refuse(job.run(stage=wanted), STOPPED, str(job.spool), "another bobbin")
    gate.open()
    assert job.finish(holder) == FINISHED


XXH32 = ctypes.CDLL("libxxhash.so.0").XXH32
XXH32.argtypes, XXH32.restype = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint32], ctypes.c_uint32


def make_newer(spool):
    """Give the job's record, the first of table "meta", the next format number and a good check."""
    index = spool / "index.mdb"
    dump = subprocess.run(["mdb_dump", "-n", "-a", index], check=True, capture_output=True, text=True)
    lines = dump.stdout.splitlines()
    at = lines.index("HEADER=END", lines.index("database=meta")) + 2  # behind it: the key, the value
    record = bytearray.fromhex(lines[at].strip())[:-4]
    record[0] += 1
    record += XXH32(bytes(record), len(record), 0).to_bytes(4, "little")
    lines[at] = f" {record.hex()}"
    index.unlink()
    subprocess.run(["mdb_load", "-n", index], input="\n".join(lines) + "\n", check=True, text=True)


@pytest.mark.parametrize("command", ["run", "dump", "replay", "status", "verify"])
def test_a_spool_of_a_newer_format_is_78(spooled, command):
    make_newer(spooled.spool)
    before = content(spooled.spool)
    words = (spooled.arguments(command) if command in ("run", "dump", "replay")
             else [command, spooled.spool])
    refuse(spooled.bobbin.run(words), CONFIG, str(spooled.spool), "format 2", "version")
    assert content(spooled.spool) == before
    assert spooled.documents() == {}


def test_segments_without_an_index_are_not_written_over(spooled):
    (spooled.spool / "index.mdb").unlink()
    before = content(spooled.spool)
    refuse(spooled.run(), DISK, str(spooled.spool), "index.mdb")
    assert content(spooled.spool) == before


@contextmanager
def mounted(directory, options):
    """A memory file system on DIRECTORY."""
    options = f"uid={os.getuid()},gid={os.getgid()},{options}"
    subprocess.run([*AS_ROOT, "mount", "-t", "tmpfs", "-o", options, "bobbin", directory], check=True)
    try:
        yield
    finally:
        subprocess.run([*AS_ROOT, "umount", directory], check=True)


@pytest.fixture
def disk(tmp_path):
    path = tmp_path / "disk"
    path.mkdir()
    return path


@pytest.fixture
def index_body(tmp_path):
    path = tmp_path / "index.json"
    path.write_text('{"settings": {"number_of_replicas": 0}, "mappings": {"dynamic": false}}')
    return path


@pytest.mark.parametrize("path", ["file", "file/spool", "none/spool"])
def test_a_spool_that_can_not_be_made_is_74(elasticsearch, make_job, database, tmp_path, index_body,
                                            path):
    (tmp_path / "file").write_text("not a spool")
    job = make_job(database.make_numbers(9), elasticsearch, body=None)
    job.spool = tmp_path / path
    refuse(job.run("--create-index", index_body), DISK, str(job.spool))
    assert elasticsearch.request("GET", job.index)[0] == 404
    assert (tmp_path / "file").read_text() == "not a spool"


def test_a_spool_on_a_read_only_disk_is_74(elasticsearch, make_job, database, disk, index_body):
    job = make_job(database.make_numbers(9), elasticsearch, body=None)
    job.spool = disk / "spool"
    with mounted(disk, "ro"):
        refuse(job.run("--create-index", index_body), DISK, str(job.spool), "Read-only")
    assert elasticsearch.request("GET", job.index)[0] == 404


@pytest.mark.parametrize("room", [0, 4, 8, 12, 16, 20, 24, 32, 48])
def test_a_spool_on_a_full_disk_is_74_from_the_first_byte_on(make_job, database, disk, room):
    """ROOM: KiB that are left, too few for the nine rows of which each has its segment."""
    job = make_job(database.make_numbers(9, size=6000))
    job.spool = disk / "spool"
    with mounted(disk, "size=1M"):
        with open(disk / "filling", "wb") as file:
            os.posix_fallocate(file.fileno(), 0, (1024 - room) << 10)
        result = job.run("--frame-size", "4K", "--segment-size", "4K", stage="dump")
        assert result.returncode == DISK, result.stderr
        assert result.stderr.count("\n") == 1
        (disk / "filling").unlink()
        result = job.run("--frame-size", "4K", "--segment-size", "4K", stage="dump")
        assert result.returncode == FINISHED, result.stderr
        assert job.spooled_ids() == [str(i) for i in range(1, 10)]


@pytest.mark.parametrize("stages", [["run"], ["dump", "replay"]])
def test_a_disk_that_fills_up_is_74_and_it_goes_on_when_there_is_room(elasticsearch, make_job, database,
                                                                     disk, stages):
    job = make_job(database.make_numbers(4000, size=1000), elasticsearch)
    job.spool = disk / "spool"
    small = ["--frame-size", "32K", "--segment-size", "128K", "--keep"]
    with mounted(disk, "size=1M"):
        result = job.run(*small, stage=stages[0])
        assert result.returncode == DISK, result.stderr
        assert result.stderr.count(" error: ") == 1
        assert "No space left" in result.stderr
        assert 0 < ledger(result.stdout).rows < 4000
        subprocess.run([*AS_ROOT, "mount", "-o", "remount,size=64M", disk], check=True)
        for stage in stages:
            result = job.run(*(small if stage != "replay" else ["--keep"]), stage=stage)
            assert result.returncode == FINISHED, result.stderr
        assert ledger(result.stdout) == all_in(4000)
        assert job.documents() == job.expected()


# -- the command line ------------------------------------------------------------------------------

OPTIONS = {
    "unknown": ({"colour": "red"}, USAGE, ["--colour", "--help"]),
    "window-rows 0": ({"window_rows": "0"}, USAGE, ["--window-rows", "0"]),
    "window-rows text": ({"window_rows": "many"}, USAGE, ["--window-rows", "many", "whole number"]),
    "jobs 0": ({"jobs": "0"}, USAGE, ["--jobs"]),
    "jobs 65": ({"jobs": "65"}, USAGE, ["--jobs", "64"]),
    "jobs negative": ({"jobs": "-1"}, USAGE, ["--jobs", "-1"]),
    "level 20": ({"level": "20"}, USAGE, ["--level", "19"]),
    "in-flight 0": ({"in_flight": "0"}, USAGE, ["--in-flight"]),
    "frame-size": ({"frame_size": "4X"}, USAGE, ["--frame-size", "4X", "64M"]),
    "frame-size too small": ({"frame_size": "1"}, USAGE, ["--frame-size"]),
    "spool-max overflow": ({"spool_max": "99999999999999999999"}, USAGE, ["--spool-max"]),
    "give-up-after": ({"give_up_after": "soon"}, USAGE, ["--give-up-after", "soon", "10m"]),
    "snapshot": ({"snapshot": "none"}, USAGE, ["--snapshot", "none", "window|dump"]),
    "op": ({"op": "upsert"}, USAGE, ["--op", "upsert", "index|create|update|delete"]),
    "nulls": ({"nulls": ""}, USAGE, ["--nulls"]),
    "url": ({"url": "localhost:9200"}, USAGE, ["--url", "localhost:9200", "http://"]),
    "no url": ({"url": None}, USAGE, ["--url"]),
    "no index": ({"index": None}, USAGE, ["--index"]),
    "no spool": ({"spool": None}, USAGE, ["--spool"]),
    "no query": ({"table": None}, USAGE, ["--table", "--query"]),
    "table and query": ({"query": "x.sql"}, USAGE, ["--table", "--query"]),
    "empty index": ({"index": ""}, USAGE, ["--index"]),
    "no such query": ({"table": None, "query": "none.sql"}, CONFIG, ["none.sql"]),
    "no such config": ({"config": "none.conf"}, CONFIG, ["none.conf"]),
    "no such CA": ({"ca": "none.pem"}, CONFIG, ["none.pem"]),
    "no such password": ({"password_file": "none.txt"}, CONFIG, ["none.txt"]),
    "header": ({"header": "no colon"}, CONFIG, ["header"]),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_that_can_not_be_is_told_of(victim, bobbin, name):
    options, code, words = OPTIONS[name]
    refuse(bobbin.run(changed(victim, **options)), code, *words)
    assert_untouched(victim)


@pytest.mark.parametrize("words, told", [
    (["--jobs"], ["--jobs"]),
    (["extra"], ['"extra"']),
    (["--frame", "3"], ["--frame", "this command"]),
    (["--password", "x"], ["--password"]),
    (["--password=x"], ["--password"]),
    (["-x"], ["-x"]),
])
def test_words_that_do_not_belong_there_are_told_of(victim, words, told):
    refuse(victim.run(*words), USAGE, *told)
    assert_untouched(victim)


@pytest.mark.parametrize("text, code, words", [
    ("colour = red\n", CONFIG, ["colour"]),
    ("jobs = many\n", USAGE, ["jobs", "many"]),
    ("jobs\n", CONFIG, ["line 1"]),
    ("[section\njobs = 1\n", CONFIG, ["line 1"]),
])
def test_a_config_file_that_is_wrong_is_told_of(victim, tmp_path, text, code, words):
    path = tmp_path / "wrong.conf"
    path.write_text(text)
    refuse(victim.run("--config", path), code, str(path), *words)
    assert_untouched(victim)


def test_a_variable_that_is_wrong_is_told_of(victim):
    refuse(victim.run(env={"BOBBIN_JOBS": "many"}), USAGE, "jobs", "many")
    assert_untouched(victim)


@pytest.mark.parametrize("words", [[], ["fly"], ["--colour"]])
def test_without_a_command_it_says_which_there_are(bobbin, words):
    result = bobbin.run(words)
    assert result.returncode == USAGE
    assert result.stdout == "" and "usage: bobbin COMMAND" in result.stderr
