"""A job of the tests that several workers do."""

import itertools
import json
import os
import signal
from pathlib import Path

from jobs import CONFIG, FINISHED, next_name, wait_for

SMALL = ["--window-rows", 25, "--frame-size", "4K", "--segment-size", "16K", "--in-flight", 2]
QUICK = "1s"  # a lease

# As jobs.Gate: only what COPY reads takes its time.
SLOW = """
    CREATE OR REPLACE FUNCTION slowly(seconds float) RETURNS boolean LANGUAGE plpgsql AS $$
    BEGIN
        IF current_query() LIKE 'COPY%' THEN
            PERFORM pg_sleep(seconds);
        END IF;
        RETURN true;
    END $$"""

# The clock of the wall is an hour ahead; that of durations is not touched.
WRONG_CLOCK = {"LD_PRELOAD": str(next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), "FAKETIME": "+1h",
               "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_RESET": "1",
               "ASAN_OPTIONS": "verify_asan_link_order=0"}


class Crew:
    """A job, its index, and the workers on it. COORDINATOR: a conninfo, or None for the target cluster."""

    def __init__(self, bobbin, database, engine, directory, query, coordinator=None, url=None):
        self.bobbin, self.database, self.engine, self.directory = bobbin, database, engine, directory
        self.coordinator, self.query = coordinator, query
        self.url = url or engine.url
        self.name = next_name("job")
        self.index = next_name("crew")
        self.places = itertools.count(1)
        self.source = directory / f"{self.name}.sql"
        self.source.write_text(query)
        self.workers = []

    def meeting(self):
        return ["--url", self.url, *(["--coordinator", self.coordinator] if self.coordinator else [])]

    def reading(self, query=None):
        return ["--dsn", self.database.conninfo, "--query", query or self.source, "--index", self.index]

    def planning(self, shards, *options):
        return ["plan", self.name, "--json", "--exact", "--shards", shards, *self.reading(), *self.meeting(), *options]

    def plan(self, shards, *options):
        result = self.bobbin.run(self.planning(shards, *options))
        assert result.returncode == FINISHED, result.stderr
        return json.loads(result.stdout)

    def working(self, *options, lease=QUICK):
        """The words of a worker with an empty disk."""
        return ["work", self.name, *self.reading(), *self.meeting(), *SMALL, "--lease", lease,
                "--spool", self.directory / f"place-{self.name}-{next(self.places)}", *options]

    def start(self, *options, lease=QUICK, env=None):
        worker = self.bobbin.start(self.working(*options, lease=lease), env=env)
        self.workers.append(worker)
        return worker

    def work(self, *options, lease=QUICK):
        """One worker, to its end."""
        return self.bobbin.run(self.working(*options, lease=lease))

    def job(self, verb, *options):
        return self.bobbin.run(["job", verb, *([self.name] if verb != "list" else []), *self.meeting(), *options])

    def show(self):
        result = self.job("show", "--json")
        assert result.returncode == FINISHED, result.stderr
        return json.loads(result.stdout)

    def shards(self):
        return self.show()["shards"]

    def expected(self):
        return self.database.documents(self.query)

    def documents(self):
        return self.engine.documents(self.index)

    def assert_complete(self):
        documents, expected = self.documents(), self.expected()
        assert documents == expected, f"{len(documents)} documents, of {len(expected)}"
        shown = self.show()
        assert {shard["state"] for shard in shown["shards"]} == {"done"}
        assert (shown["acknowledged"], shown["dead"]) == (len(expected), 0)

    def checkpoint(self, number=0):
        """All before this key is done."""
        shard = self.shards()[number]
        if "acked_through" in shard:
            return int(shard["acked_through"]) + 1
        return int(shard.get("acked_before", 0))

    def wait_for_checkpoint(self, key):
        wait_for(lambda: self.checkpoint() > key, f"a checkpoint behind {key}")

    def finish(self, worker, code=FINISHED, seconds=60):
        try:
            assert worker.wait(seconds) == code, worker.stderr_text()
        finally:
            end(worker, signal.SIGKILL)


def end(worker, number):
    """Send a signal to the worker and its child."""
    if worker.poll() is None:
        os.killpg(worker.pid, number)


def kill_parent(worker):
    """kill -9 of the worker alone; its child dies with it."""
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    wait_for(lambda: not has_group(worker.pid), "the child's death")


def has_group(number):
    try:
        os.killpg(number, 0)
    except ProcessLookupError:
        return False
    return True


def is_refused(result, words):
    assert result.returncode == CONFIG and words in result.stderr, result.stderr
