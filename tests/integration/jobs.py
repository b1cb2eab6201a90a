"""One job of the tests: rows in PostgreSQL, a spool, an index, and the commands that join them."""

import itertools
import json
import re
import subprocess
import time
from collections import namedtuple

from engines import kill_group

FINISHED, USAGE, DEAD_LETTERS, DISK, STOPPED, DENIED, CONFIG = 0, 64, 65, 74, 75, 77, 78
KILLED = -9

NO_MAPPING = {"settings": {"number_of_replicas": 0, "number_of_shards": 1},
              "mappings": {"dynamic": False}}
NOWHERE = "http://127.0.0.1:1"  # nothing listens there

LEDGER = re.compile(r"rows read (\d+) = acknowledged (\d+) \+ dead (\d+) \+ pending (\d+)")
Ledger = namedtuple("Ledger", "rows acknowledged dead pending")

numbers = itertools.count(1)


def ledger(stdout):
    """The ledger that the last line of a run's output is. It adds up."""
    found = Ledger(*map(int, LEDGER.fullmatch(stdout.splitlines()[-1]).groups()))
    assert found.rows == found.acknowledged + found.dead + found.pending
    return found


def all_in(rows):
    return Ledger(rows, rows, 0, 0)


def wait_for(condition, what, seconds=90):
    """Poll CONDITION until it is true; its value. A test that hangs fails here."""
    until = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > until:
            raise RuntimeError(f"waited {seconds} s in vain: {what}")
        time.sleep(0.02)
    return value


class Database:
    """A database of one PostgreSQL."""

    def __init__(self, postgres, conninfo):
        self.postgres = postgres
        self.conninfo = conninfo

    def execute(self, sql, parameters=None):
        return self.postgres.execute(sql, parameters, self.conninfo)

    def connect(self):
        return self.postgres.connect(self.conninfo)

    def make_table(self, columns, rows="", parameters=None):
        """A new table with COLUMNS; ROWS is what follows INSERT INTO. Its name."""
        name = f"rows_{next(numbers)}"
        self.execute(f"CREATE TABLE {name} ({columns})")
        if rows:
            self.execute(f"INSERT INTO {name} {rows}", parameters)
        return name

    def make_numbers(self, count, size=100, first=1):
        """A table of COUNT rows that don't compress well: id from FIRST on, body of SIZE letters."""
        return self.make_table(
            "id bigint PRIMARY KEY, body text NOT NULL",
            "SELECT i, (SELECT left(string_agg(md5(i::text || '-' || j::text), ''), %s)"
            " FROM generate_series(1, %s / 32 + 1) j) FROM generate_series(%s, %s) i",
            (size, size, first, first + count - 1))

    def documents(self, query):
        """The documents of QUERY, as far as jsonb can say, without NULLs: id -> _source."""
        return dict(self.execute(
            f"SELECT q.id::text, jsonb_strip_nulls(to_jsonb(q)) FROM ({query}) q"))


class Gate:
    """Holds a dump at chosen rows: a query with `WHERE gate(condition)` waits there until it opens.

    Only in COPY: planning and the search for a window's end pass.
    """

    FUNCTION = """
        CREATE OR REPLACE FUNCTION gate(is_here boolean) RETURNS boolean LANGUAGE plpgsql AS $$
        BEGIN
            IF is_here AND current_query() LIKE 'COPY%' THEN
                PERFORM pg_advisory_lock_shared(1);
                PERFORM pg_advisory_unlock_shared(1);
            END IF;
            RETURN true;
        END $$"""
    WAITING = """SELECT l.pid FROM pg_locks l JOIN pg_stat_activity a USING (pid)
        WHERE l.locktype = 'advisory' AND NOT l.granted AND a.datname = current_database()"""

    def __init__(self, database):
        self.database = database
        database.execute(self.FUNCTION)
        self.connection = None

    def shut(self):
        self.connection = self.database.connect()
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(1)")

    def open(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    def waiting(self):
        """The backends that stand before it."""
        return [pid for pid, in self.database.execute(self.WAITING)]

    def wait_until_reached(self, count=1):
        return wait_for(lambda: len(pids := self.waiting()) == count and pids,
                        f"{count} dumps at the gate")


class Job:
    """Options of one job. SOURCE: a table's name, or a SELECT, which goes into a file."""

    def __init__(self, bobbin, database, source, spool, index, engine=None, url=None):
        self.bobbin = bobbin
        self.database = database
        self.spool = spool
        self.index = index
        self.engine = engine
        self.url = url or (engine.url if engine else NOWHERE)
        is_query = source.lstrip().upper().startswith(("SELECT", "WITH", "TABLE", "--"))
        self.query = source if is_query else f"SELECT * FROM {source}"
        self.source = ["--table", source]
        if is_query:
            path = spool.with_name(f"{spool.name}.sql")
            path.write_text(source)
            self.source = ["--query", path]

    def arguments(self, stage, *options):
        words = [stage, "--spool", self.spool]
        if stage in ("run", "dump", "verify"):
            words += ["--dsn", self.database.conninfo, *self.source, "--index", self.index]
        if stage in ("run", "replay", "verify"):
            words += ["--url", self.url]
        return [*words, *options]

    def run(self, *options, stage="run", env=None, timeout=120):
        return self.bobbin.run(self.arguments(stage, *options), env=env, timeout=timeout)

    def start(self, *options, stage="run", env=None):
        return self.bobbin.start(self.arguments(stage, *options), env=env)

    def finish(self, process, seconds=120):
        """Wait for a started bobbin; its exit code."""
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            kill_group(process)
            raise RuntimeError(f"still running:\n{process.stderr_text()[-4000:]}") from None

    def look(self, command, *options):
        """status or inspect as JSON."""
        done = self.bobbin.run([command, "--json", self.spool, *options])
        assert done.returncode == FINISHED, done.stderr
        return json.loads(done.stdout)

    def expected(self):
        return self.database.documents(self.query)

    def documents(self):
        return self.engine.documents(self.index)

    def segments(self):
        return sorted(self.spool.glob("*.seg.zst"))

    def spooled(self):
        """The bulk operations in the spool, in order: action, source (None for a delete)."""
        if not self.segments():
            return []
        body = subprocess.run(["zstd", "-dcq", *self.segments()], capture_output=True, check=True)
        return list(operations(body.stdout))

    def spooled_ids(self):
        return [action["_id"] for action, _ in self.spooled()]

    def dead_letters(self):
        path = self.spool / "dead.ndjson"
        return [json.loads(line) for line in path.read_text().splitlines()]


def operations(body):
    """A bulk body's operations: the metadata and the source."""
    lines = iter(body.decode().splitlines())
    for line in lines:
        (operation, metadata), = json.loads(line).items()
        yield metadata, None if operation == "delete" else json.loads(next(lines))
