"""A streaming standby as the source: it cancels windows, is promoted, is started again.

These look into the spool; no search engine is needed. The rows that the dump reads don't change here:
what vacuum removes on the primary are another table's.
"""

import pytest

from engines import Postgres
from jobs import FINISHED, STOPPED, Database, Gate, wait_for
from standby import Churn, Standby

ROWS = 600
WINDOWS = ["--window-rows", 48, "--frame-size", "4K"]
MODES = ["window", "dump"]


@pytest.fixture(scope="module")
def primary():
    """A PostgreSQL of these tests' own: nobody but they vacuums."""
    server = Postgres()
    try:
        server.start()
        server.execute("ALTER SYSTEM SET autovacuum = off")
        server.execute("SELECT pg_reload_conf()")
        server.execute("CREATE DATABASE source")
        for setting in ("enable_sort", "enable_seqscan", "enable_bitmapscan"):
            server.execute(f"ALTER DATABASE source SET {setting} = off")
        yield Database(server, server.conninfo.replace("dbname=postgres", "dbname=source"))
    finally:
        server.remove()


@pytest.fixture(scope="module")
def shared_standby(primary):
    server = Standby(primary.postgres)
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def standby(shared_standby):
    shared_standby.ensure_up()
    return shared_standby


@pytest.fixture
def own_standby(primary):
    """One that may be promoted."""
    server = Standby(primary.postgres)
    try:
        server.start()
        yield server
    finally:
        server.remove()


class Source:
    """A job that reads a table of ROWS rows from a standby, and waits there at a gate before id 125
    (and in each later third of the rows at the same place)."""

    def __init__(self, primary, server, make_job):
        self.server = server
        self.primary = primary
        self.here = Database(server, server.database("source"))
        self.gate = Gate(self.here, made_on=primary)
        self.table = primary.make_numbers(ROWS)
        self.churn = Churn(primary)
        self.cancelled_before = server.conflicts()
        server.wait_until_caught_up()
        self.job = make_job(f"SELECT id, body FROM {self.table} WHERE gate(id % 200 = 125)", of=self.here)

    def dump_to_the_gate(self, *options, jobs=1):
        self.gate.shut()
        process = self.job.start(*WINDOWS, "--jobs", jobs, *options, stage="dump")
        self.gate.wait_until_reached(jobs)
        return process

    def conflict(self, process, dumps=1):
        """The standby cancels what waits at the gate, and the dump says so."""
        def complaints():
            return process.stderr_text().count("conflict with recovery")

        wanted = complaints() + dumps
        self.churn.conflict()
        wait_for(lambda: complaints() >= wanted or process.poll() is not None, "the dump's complaint")
        assert complaints() >= wanted, process.stderr_text()

    def conflicts(self):
        """How often the standby cancelled the job's sessions. Each counts it before it ends."""
        wait_for(lambda: not self.here.execute("""SELECT FROM pg_stat_activity
            WHERE application_name = 'bobbin' AND datname = current_database()"""), "the sessions to end")
        return self.server.conflicts() - self.cancelled_before

    def end_the_holder(self):
        """End the session that holds the snapshot of the one that is at the gate."""
        self.here.execute("""SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE application_name = 'bobbin' AND datname = current_database() AND pid <> %s""",
                          self.gate.waiting())

    def assert_all_rows_once(self):
        spooled = self.job.spooled()
        assert len(spooled) == ROWS
        assert {action["_id"]: source for action, source in spooled} == \
            self.primary.documents(f"SELECT * FROM {self.table}")


@pytest.fixture
def source(primary, standby, make_job):
    source = Source(primary, standby, make_job)
    yield source
    source.gate.open()


# -- recovery conflicts ----------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_window_that_the_standby_cancels_is_halved_and_the_dump_finishes(source, jobs):
    process = source.dump_to_the_gate(jobs=jobs)
    source.conflict(process, dumps=jobs)
    source.gate.open()
    assert source.job.finish(process) == FINISHED, process.stderr_text()
    complaints = [line for line in process.stderr_text().splitlines() if "conflict with recovery" in line]
    assert len(complaints) == source.conflicts() == jobs  # once for each cancel
    for line in complaints:
        assert "warning: " in line
        assert "(SQLSTATE 40001); going on at the last key in" in line
        assert line.endswith(", with windows of 24 rows")
    source.assert_all_rows_once()


def test_a_window_cancelled_again_and_again_gets_smaller_each_time(source):
    process = source.dump_to_the_gate()
    for rows in (24, 12, 6, 3):
        source.conflict(process)
        assert process.stderr_text().splitlines()[-1].endswith(f", with windows of {rows} rows")
        source.gate.wait_until_reached()
    source.gate.open()
    assert source.job.finish(process) == FINISHED, process.stderr_text()
    assert source.conflicts() == 4
    source.assert_all_rows_once()


def test_a_row_that_is_never_read_ends_the_dump_which_goes_on_when_run_again(source):
    process = source.dump_to_the_gate("--window-rows", 2, "--give-up-after", "2s")

    def is_cancelled_to_the_end():
        if source.gate.waiting():
            source.churn.conflict()
        return process.poll() is not None

    wait_for(is_cancelled_to_the_end, "the dump to give up")
    assert process.returncode == STOPPED
    last_words = process.stderr_text()
    assert source.conflicts() == last_words.count("SQLSTATE 40001")
    assert "with windows of 1 row\n" in last_words
    assert "given up (--give-up-after); run the same command again to go on" in last_words
    assert source.job.spooled_ids() == [str(i) for i in range(1, 125)]
    source.gate.open()
    assert source.job.run(*WINDOWS, stage="dump").returncode == FINISHED
    source.assert_all_rows_once()


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_conflict_ends_a_dumps_one_snapshot_and_the_next_run_takes_a_new_one(source, jobs):
    process = source.dump_to_the_gate("--snapshot", "dump", jobs=jobs)
    source.conflict(process)
    source.gate.open()
    assert source.job.finish(process) == STOPPED
    # The holder's is one. A part that is told of it may end before it is cancelled itself.
    assert 1 <= source.conflicts() <= jobs + 1
    assert "the dump's snapshot is gone" in process.stderr_text()
    assert "run the same command again to read the rest from a new one" in process.stderr_text()
    result = source.job.run(*WINDOWS, "--jobs", jobs, "--snapshot", "dump", stage="dump")
    assert result.returncode == FINISHED
    assert "warning: the snapshot of the rows dumped before is gone" in result.stderr
    source.assert_all_rows_once()


@pytest.mark.parametrize("jobs", [1, 3])
def test_without_a_conflict_a_standby_gives_one_state_too(source, jobs):
    process = source.dump_to_the_gate("--snapshot", "dump", jobs=jobs)
    before = source.job.expected()
    source.primary.execute(f"INSERT INTO {source.table} VALUES (10000, 'new'), (-1, 'new')")
    source.server.wait_until_caught_up()
    source.gate.open()
    assert source.job.finish(process) == FINISHED, process.stderr_text()
    assert {action["_id"]: source for action, source in source.job.spooled()} == before


def test_rows_that_a_standby_gave_while_nobody_held_the_snapshot_are_not_kept(source):
    """The standby may have removed rows that they should stand beside."""
    process = source.dump_to_the_gate("--snapshot", "dump")
    wait_for(lambda: source.job.look("status")["rows_read"] >= 96, "the windows before")
    source.end_the_holder()
    source.gate.open()
    assert source.job.finish(process) == STOPPED
    assert "the dump's snapshot is gone" in process.stderr_text()
    rows = len(source.job.spooled_ids())
    assert 96 <= rows < 125  # what came when the gate opened was good for nothing
    assert source.job.spooled_ids() == [str(i) for i in range(1, rows + 1)]
    result = source.job.run(*WINDOWS, "--snapshot", "dump", stage="dump")
    assert result.returncode == FINISHED
    source.assert_all_rows_once()


# -- a standby that changes ------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_a_standby_may_be_promoted_in_mid_run(primary, own_standby, make_job, mode):
    source = Source(primary, own_standby, make_job)
    process = source.dump_to_the_gate("--snapshot", mode)
    before = source.job.expected()
    own_standby.promote()
    source.here.execute(f"UPDATE {source.table} SET body = 'promoted' WHERE id IN (5, 500)")
    source.here.execute(f"INSERT INTO {source.table} VALUES (10000, 'new')")
    source.gate.open()
    assert source.job.finish(process) == FINISHED, process.stderr_text()
    changed = {"500": {"id": 500, "body": "promoted"}, "10000": {"id": 10000, "body": "new"}}
    expected = before if mode == "dump" else {**before, **changed}
    assert {action["_id"]: document for action, document in source.job.spooled()} == expected


def test_a_standby_may_be_started_again_in_mid_run(source, standby):
    process = source.dump_to_the_gate()
    standby.restart()  # which opens the gate
    assert source.job.finish(process) == FINISHED, process.stderr_text()
    assert "going on at the last key" in process.stderr_text()
    source.assert_all_rows_once()


def test_one_snapshot_does_not_outlive_a_restart(source, standby):
    process = source.dump_to_the_gate("--snapshot", "dump")
    standby.restart()
    assert source.job.finish(process) == STOPPED
    assert "the dump's snapshot is gone" in process.stderr_text()
    result = source.job.run(*WINDOWS, "--snapshot", "dump", stage="dump")
    assert result.returncode == FINISHED
    assert "the snapshot of the rows dumped before is gone" in result.stderr
    source.assert_all_rows_once()
