"""One job of the tests: rows in PostgreSQL, a spool, an index, and the commands that join them."""

import itertools
import json
import re
import subprocess
import time
from collections import namedtuple

from engines import ROOT, kill_group

FINISHED, USAGE, DEAD_LETTERS, DISK, STOPPED, DENIED, CONFIG = 0, 64, 65, 74, 75, 77, 78
DIFFERENT = 65  # an index does not hold what it should
KILLED = -9

NO_MAPPING = {"settings": {"number_of_replicas": 0, "number_of_shards": 1},
              "mappings": {"dynamic": False}}
# The mapping takes no words: each row whose mark is one is a dead letter.
NUMBERS_ONLY = {"settings": {"number_of_replicas": 0, "number_of_shards": 1},
                "mappings": {"dynamic": False, "properties": {"mark": {"type": "integer"}}}}
NOWHERE = "http://127.0.0.1:1"  # nothing listens there

LEDGER = re.compile(r"rows read (?P<rows>\d+) = acknowledged (?P<acknowledged>\d+) \+ dead (?P<dead>\d+)"
                    r"( \+ dropped (?P<dropped>\d+))? \+ pending (?P<pending>\d+)")
Ledger = namedtuple("Ledger", "rows acknowledged dead pending dropped", defaults=[0])

numbers = itertools.count(1)


def next_name(kind):
    return f"{kind}-{next(numbers)}"


def ledger(stdout):
    """The ledger that the last line of a run's output is. It adds up."""
    groups = LEDGER.fullmatch(stdout.splitlines()[-1]).groupdict(default=0)
    found = Ledger(**{name: int(count) for name, count in groups.items()})
    assert found.rows == found.acknowledged + found.dead + found.dropped + found.pending
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

    def make_marked(self, count, size=100):
        """As make_numbers, and every 50th row is refused by NUMBERS_ONLY."""
        table = self.make_numbers(count, size)
        self.execute(f"ALTER TABLE {table} ADD mark text")
        self.execute(f"UPDATE {table} SET mark = 'word' WHERE id % 50 = 7")
        return table

    def documents(self, query):
        """The documents of QUERY, as far as jsonb can say, without NULLs: id -> _source."""
        return dict(self.execute(
            f"SELECT q.id::text, jsonb_strip_nulls(to_jsonb(q)) FROM ({query}) q"))


class Gate:
    """Holds a dump at chosen rows: a query with `WHERE gate(condition)` waits there until it opens.

    Only in COPY: planning and the search for a window's end pass. A second gate has another NUMBER:
    `gate(condition, number)`. On a standby its function comes from the primary: MADE_ON.
    """

    FUNCTION = """
        CREATE OR REPLACE FUNCTION gate(is_here boolean, number int DEFAULT 1) RETURNS boolean
        LANGUAGE plpgsql AS $$
        BEGIN
            IF is_here AND current_query() LIKE 'COPY%' THEN
                PERFORM pg_advisory_lock_shared(number);
                PERFORM pg_advisory_unlock_shared(number);
            END IF;
            RETURN true;
        END $$"""
    WAITING = """SELECT l.pid FROM pg_locks l JOIN pg_stat_activity a USING (pid)
        WHERE l.locktype = 'advisory' AND l.objid = %s AND NOT l.granted
        AND a.datname = current_database()"""

    def __init__(self, database, number=1, made_on=None):
        self.database = database
        self.number = number
        (made_on or database).execute(self.FUNCTION)
        self.connection = None

    def shut(self):
        self.connection = self.database.connect()
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", (self.number,))

    def open(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    def waiting(self):
        """The backends that stand before it."""
        return [pid for pid, in self.database.execute(self.WAITING, (self.number,))]

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
        words = [*stage.split(), "--spool", self.spool]
        if stage in ("run", "dump", "verify"):
            words += self.reading()
        if stage in ("run", "replay", "dead retry", "verify"):
            words += ["--url", self.url]
        return [*words, *options]

    def reading(self):
        """The options that say what is read."""
        return ["--dsn", self.database.conninfo, *self.source, "--index", self.index]

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

    def has_begun(self):
        """Is there a spool to look at? A segment is made when the index has the job."""
        return self.segments() != []

    def look(self, command, *options):
        """status, inspect or dead list as JSON."""
        done = self.bobbin.run([*command.split(), "--json", self.spool, *options])
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


class Halfway:
    """A job of ROWS rows that has HALF of them in the index and waits at the gate for the others."""

    ROWS = 600
    HALF = 300  # the rows of the windows before the gate
    SMALL = ["--window-rows", 50, "--frame-size", "4K", "--segment-size", "16K"]

    def __init__(self, make_job, database, gate, engine, body=NO_MAPPING,
                 columns="id, body"):
        table = database.make_numbers(self.ROWS)
        self.job = make_job(f"SELECT {columns} FROM {table} WHERE gate(id = 325)", engine, body)
        self.gate, self.engine = gate, engine
        self.process = None

    def start(self, *options):
        self.gate.shut()
        self.process = self.job.start(*self.SMALL, *options)
        self.gate.wait_until_reached()
        wait_for(lambda: self.job.look("status")["acknowledged"] >= self.HALF, "acknowledged documents")

    def log(self):
        return self.process.stderr_text()

    def wait_for_log(self, words):
        wait_for(lambda: words in self.log() or self.process.poll() is not None, words)
        assert self.process.poll() is None and words in self.log(), self.log()

    def finish(self):
        """It ends well: every document is in as the query has it."""
        assert self.job.finish(self.process) == FINISHED, self.log()
        assert ledger(self.process.stdout_text()) == all_in(self.ROWS)
        assert self.job.documents() == self.job.expected()

    def run_to_the_end(self, *options):
        """The same command once more does the rest."""
        result = self.job.run(*self.SMALL, *options)
        assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(self.ROWS)), result.stderr
        assert self.job.documents() == self.job.expected()


def crash_points(but):
    """The named crash points of run, but for those whose names begin so."""
    return sorted({name for path in (ROOT / "src").rglob("*.c")
                   if path.name != "rebuild.c" and path.parent.name != "index"
                   for name in re.findall(r'fault_point\("([a-z-]+)"\)', path.read_text())
                   if not name.startswith(but)})


def assert_complete(job, result):
    """Exactly the query's ids and documents are in the index and the dead letters, each once."""
    expected = job.expected()
    refused = {key: document for key, document in expected.items() if document.get("mark")}
    accepted = {key: document for key, document in expected.items() if key not in refused}
    dead = job.dead_letters()
    assert result.returncode == (DEAD_LETTERS if refused else FINISHED), result.stderr
    assert job.look("status")["state"] == "finished"
    assert ledger(result.stdout) == Ledger(len(expected), len(accepted), len(refused), 0)
    documents = job.documents()
    assert documents == accepted, f"{len(documents)} documents, of {len(accepted)}"
    assert len(dead) == len(refused)
    assert {letter["id"]: letter["source"].get("id") for letter in dead} == {
        key: int(key) for key in refused}
    assert job.segments() == []


def operations(body):
    """A bulk body's operations: the metadata and the source."""
    lines = iter(body.decode().splitlines())
    for line in lines:
        (operation, metadata), = json.loads(line).items()
        yield metadata, None if operation == "delete" else json.loads(next(lines))
