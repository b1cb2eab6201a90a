"""A table that changes while it is dumped: what each --snapshot mode promises (docs/snapshots.md).

The dump waits at a gate inside a window whose state it has begun to read; the table is changed then, so
it is known what each window can see. The spool is looked into: no search engine is needed.
"""

import signal

import pytest

from jobs import FINISHED, STOPPED, Gate, wait_for

MODES = ["window", "dump"]
WINDOWS = ["--window-rows", 5, "--frame-size", "4K"]
THIRDS = (0, 200, 400)  # of the table: what --jobs 3 makes of its 60 rows
GATE = "gate(id % 200 = 90)"  # in each third's second window, (50, 100]


class Moving:
    """A table of 60 rows, with ids from 10 to 600, and a job over it that is dumped to the gate."""

    def __init__(self, database, make_job, gate, jobs=1, where=GATE):
        self.database = database
        self.gate = gate
        self.jobs = jobs
        self.table = database.make_table("id bigint PRIMARY KEY, body text",
                                         "SELECT i * 10, 'old' FROM generate_series(1, 60) i")
        self.job = make_job(f"SELECT id, body FROM {self.table} WHERE {where}")
        self.before = self.state()
        self.thirds = THIRDS if jobs == 3 else THIRDS[:1]

    def state(self):
        return self.database.documents(f"SELECT id, body FROM {self.table}")

    def dump_to_the_gate(self, mode, *options):
        self.gate.shut()
        process = self.job.start(*WINDOWS, "--jobs", self.jobs, "--snapshot", mode, *options, stage="dump")
        self.gate.wait_until_reached(self.jobs)
        return process

    def finish(self, process):
        self.gate.open()
        assert self.job.finish(process) == FINISHED, process.stderr_text()

    def change(self):
        """Rows come, change and go: in each third behind the window at the gate, in it, ahead of it; and
        one comes behind the last."""
        for third in self.thirds:
            for inserted, updated, deleted in ((15, 20, 30), (75, 80, 70), (155, 160, 170)):
                self.database.execute(f"""
                    INSERT INTO {self.table} VALUES ({third + inserted}, 'new');
                    UPDATE {self.table} SET body = 'changed' WHERE id = {third + updated};
                    DELETE FROM {self.table} WHERE id = {third + deleted}""")
        self.database.execute(f"INSERT INTO {self.table} VALUES (10000, 'new')")

    def seen(self, is_before):
        """The documents of a dump that saw the state before the change where IS_BEFORE(id), and the one
        after it elsewhere."""
        after = self.state()
        return {**{key: row for key, row in self.before.items() if is_before(int(key))},
                **{key: row for key, row in after.items() if not is_before(int(key))}}

    def is_behind_the_gate(self, key):
        return any(third < key <= third + 100 for third in self.thirds)

    def assert_spooled(self, expected):
        spooled = self.job.spooled()
        assert {action["_id"]: source for action, source in spooled} == expected
        assert len(spooled) == len(expected)


@pytest.fixture(params=[1, 3])
def moving(request, database, make_job, gate):
    return Moving(database, make_job, gate, request.param)


# -- rows that come, change and go -----------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_a_window_sees_what_was_changed_before_it_began_and_a_dumps_snapshot_nothing(moving, mode):
    process = moving.dump_to_the_gate(mode)
    moving.change()
    moving.finish(process)
    moving.assert_spooled(moving.before if mode == "dump" else moving.seen(moving.is_behind_the_gate))


def test_rows_behind_the_last_key_are_left_out_by_to(database, make_job, gate):
    moving = Moving(database, make_job, gate)
    process = moving.dump_to_the_gate("window", "--to", 600)
    moving.change()
    moving.finish(process)
    expected = moving.seen(moving.is_behind_the_gate)
    assert expected.pop("10000")
    moving.assert_spooled(expected)


@pytest.mark.parametrize("mode", MODES)
def test_a_key_that_moves_past_the_dump_is_missed_or_comes_twice(database, make_job, gate, mode):
    """Which is why a key should never change, or --snapshot dump be used."""
    moving = Moving(database, make_job, gate)
    process = moving.dump_to_the_gate(mode)
    database.execute(f"UPDATE {moving.table} SET id = 165, body = 'moved' WHERE id = 20")
    database.execute(f"UPDATE {moving.table} SET id = 25, body = 'moved' WHERE id = 170")
    moving.finish(process)
    expected = dict(moving.before)
    if mode == "window":
        expected["165"] = {"id": 165, "body": "moved"}
        del expected["170"]
    moving.assert_spooled(expected)


def test_with_an_id_of_its_own_a_row_that_moved_has_two_documents_in_order(database, make_job, gate):
    moving = Moving(database, make_job, gate)
    moving.job = make_job(f"SELECT 'row ' || body AS _id, id FROM {moving.table} WHERE {GATE}")
    database.execute(f"UPDATE {moving.table} SET body = id::text")
    process = moving.dump_to_the_gate("window")
    database.execute(f"UPDATE {moving.table} SET id = 165 WHERE id = 20")
    moving.finish(process)
    assert [source["id"] for action, source in moving.job.spooled() if action["_id"] == "row 20"] == [20, 165]


# -- what belongs together -------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_rows_of_one_window_are_of_one_state_and_those_of_two_windows_only_with_dump(database, make_job,
                                                                                  gate, mode):
    """Amounts move between two rows of a window, and between its first and its last window, always
    within one transaction; the sums don't change."""
    moving = Moving(database, make_job, gate, where="gate(id % 50 = 30)")  # amid each window's rows
    database.execute(f"UPDATE {moving.table} SET body = '100'")
    process = moving.dump_to_the_gate(mode)
    for _ in range(3):
        database.execute(f"""
            UPDATE {moving.table} SET body = body::int - 7 WHERE id % 50 = 20;
            UPDATE {moving.table} SET body = body::int + 7 WHERE id % 50 = 40;
            UPDATE {moving.table} SET body = body::int + 1 WHERE id = 10;
            UPDATE {moving.table} SET body = body::int - 1 WHERE id = 600""")
    moving.finish(process)
    amounts = {int(action["_id"]): int(source["body"]) for action, source in moving.job.spooled()}
    moved = [amounts[key] - 100 for key in range(40, 600, 50)]
    assert [amounts[key + 20] + amounts[key + 40] for key in range(0, 600, 50)] == [200] * 12
    assert moved == ([0] * 12 if mode == "dump" else [0] + [21] * 11)
    assert sum(amounts.values()) == (6000 if mode == "dump" else 5997)


# -- a dump that ends early ------------------------------------------------------------------------


def last_keys(job):
    """part -> the last key that is in a durable frame."""
    last = {}
    for frame in job.look("inspect")["frames"]:
        last[frame["part"]] = max(int(frame["last_key"]), last.get(frame["part"], 0))
    return last


@pytest.mark.parametrize("mode", MODES)
def test_after_a_kill_the_rest_is_read_from_the_state_of_then(moving, mode):
    process = moving.dump_to_the_gate(mode)
    wait_for(lambda: moving.job.look("status")["rows_read"] >= 5 * moving.jobs, "rows in the spool")
    assert ("snapshot_age_s" in moving.job.look("status")) == (mode == "dump")
    process.kill()
    moving.job.finish(process)
    assert "snapshot_age_s" not in moving.job.look("status")  # the kill was its end
    last = last_keys(moving.job)
    assert len(last) == moving.jobs
    moving.change()
    moving.gate.open()
    result = moving.job.run(*WINDOWS, "--jobs", moving.jobs, "--snapshot", mode, stage="dump")
    assert result.returncode == FINISHED, result.stderr
    warning = "warning: the snapshot of the rows dumped before is gone: the rest is read from a new one"
    assert (warning in result.stderr) == (mode == "dump")
    moving.assert_spooled(moving.seen(
        lambda key: any(THIRDS[part] < key <= upto for part, upto in last.items())))


def test_a_dump_killed_before_its_first_row_still_gives_one_state(database, make_job, gate):
    moving = Moving(database, make_job, gate, where="gate(id = 10)")
    process = moving.dump_to_the_gate("dump")
    process.kill()
    moving.job.finish(process)
    moving.change()
    gate.open()
    result = moving.job.run(*WINDOWS, "--snapshot", "dump", stage="dump")
    assert result.returncode == FINISHED
    assert "snapshot" not in result.stderr
    moving.assert_spooled(moving.state())


def test_a_snapshots_holder_that_is_ended_ends_the_dump_and_what_is_read_stays(database, make_job, gate):
    moving = Moving(database, make_job, gate)
    process = moving.dump_to_the_gate("dump")
    pid, = gate.waiting()
    holder = "FROM pg_stat_activity WHERE application_name = 'bobbin' AND datname = current_database() AND pid <> %s"
    database.execute(f"SELECT pg_terminate_backend(pid) {holder}", (pid,))
    wait_for(lambda: database.execute(f"SELECT count(*) {holder}", (pid,)) == [(0,)], "its end")
    gate.open()
    assert moving.job.finish(process) == STOPPED
    assert "the dump's snapshot is gone" in process.stderr_text()
    assert moving.job.spooled_ids() == [str(key) for key in range(10, 101, 10)]  # its window was whole
    moving.change()
    result = moving.job.run(*WINDOWS, "--snapshot", "dump", stage="dump")
    assert result.returncode == FINISHED
    moving.assert_spooled(moving.seen(moving.is_behind_the_gate))


# -- vacuum ----------------------------------------------------------------------------------------


class DeadRows:
    """A table, every row of which dies when asked."""

    def __init__(self, database):
        self.database = database
        database.execute("CREATE EXTENSION IF NOT EXISTS pgstattuple")
        self.table = database.make_table("i int")

    def make(self):
        self.database.execute(f"INSERT INTO {self.table} SELECT generate_series(1, 100)")
        self.database.execute(f"DELETE FROM {self.table}")

    def left_by_vacuum(self):
        self.database.execute(f"VACUUM {self.table}")
        (count,), = self.database.execute("SELECT dead_tuple_count FROM pgstattuple(%s)", (self.table,))
        return count


def sessions(database):
    """(state, backend_xmin, xact_start) of bobbin's sessions."""
    return database.execute("""
        SELECT state, backend_xmin::text::bigint, xact_start FROM pg_stat_activity
        WHERE application_name = 'bobbin' AND datname = current_database()""")


def oldest(database):
    """The oldest snapshot and transaction of bobbin."""
    found = sessions(database)
    return min(xmin for _, xmin, _ in found if xmin), min(start for _, _, start in found if start)


@pytest.fixture
def next_gate(database):
    gate = Gate(database, number=2)
    yield gate
    gate.open()


@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.parametrize("mode", MODES)
def test_vacuum_removes_what_died_before_the_window_unless_a_dumps_snapshot_holds_it(
        database, make_job, gate, next_gate, mode, jobs):
    moving = Moving(database, make_job, gate, jobs, f"{GATE} AND gate(id % 200 = 130, 2)")
    dead = DeadRows(database)
    next_gate.shut()
    process = moving.dump_to_the_gate(mode)
    first_xmin, first_start = oldest(database)
    dead.make()
    assert dead.left_by_vacuum() == 100  # the windows at the gate may see them
    gate.open()
    next_gate.wait_until_reached(jobs)  # they have ended
    xmin, start = oldest(database)
    if mode == "window":
        assert (xmin > first_xmin, start > first_start) == (True, True)
        assert dead.left_by_vacuum() == 0
    else:
        assert (xmin, start) == (first_xmin, first_start)
        assert dead.left_by_vacuum() == 100
    next_gate.open()
    moving.finish(process)
    assert dead.left_by_vacuum() == 0


@pytest.mark.parametrize("mode", MODES)
def test_a_dump_that_waits_for_room_holds_no_snapshot_but_a_dumps_own(database, make_job, mode):
    job = make_job(database.make_numbers(2000, size=300))
    dead = DeadRows(database)
    process = job.start("--snapshot", mode, "--spool-max", "64K", "--frame-size", "4K", stage="dump")
    holders = ["idle in transaction"] if mode == "dump" else []
    wait_for(lambda: "the dump waits" in process.stderr_text(), "a full spool")
    wait_for(lambda: [state for state, xmin, start in sessions(database) if xmin or start] == holders,
             "the end of the window")
    rows = job.look("status")["rows_read"]
    assert 0 < rows < 2000
    dead.make()
    assert dead.left_by_vacuum() == (100 if mode == "dump" else 0)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert job.finish(process) == STOPPED
    assert job.run("--snapshot", mode, stage="dump").returncode == FINISHED
    spooled = job.spooled()
    assert len(spooled) == 2000
    assert {action["_id"]: source for action, source in spooled} == job.expected()


# -- catching up -----------------------------------------------------------------------------------


def test_a_second_job_over_what_has_changed_since_the_start_catches_up(database, make_job, gate):
    """As docs/snapshots.md says it: times of change, rows marked instead of deleted, and versions."""
    table = database.make_table(
        "id bigint PRIMARY KEY, body text, changed timestamptz, is_deleted boolean",
        "SELECT i * 10, 'old', now() - '1 day'::interval, false FROM generate_series(1, 60) i")
    begun, = database.execute("SELECT now()")
    select = f"""SELECT id, body, CASE WHEN is_deleted THEN 'delete' ELSE 'index' END AS _op,
        (extract(epoch FROM changed) * 1000000)::bigint AS _version FROM {table} WHERE {{}}"""
    first = make_job(select.format(GATE))
    gate.shut()
    process = first.start(*WINDOWS, stage="dump")
    gate.wait_until_reached()
    for key in (20, 80, 170):
        database.execute(f"UPDATE {table} SET body = 'changed', changed = now() WHERE id = {key}")
        database.execute(f"UPDATE {table} SET is_deleted = true, changed = now() WHERE id = {key + 10}")
        database.execute(f"INSERT INTO {table} VALUES ({key + 5}, 'new', now(), false)")
    gate.open()
    assert first.finish(process) == FINISHED
    second = make_job(select.format(f"changed >= '{begun[0]}'"))
    assert second.run(stage="dump").returncode == FINISHED
    index, versions = {}, {}
    for action, source in first.spooled() + second.spooled():
        if action["version"] >= versions.get(action["_id"], 0):
            versions[action["_id"]] = action["version"]
            index[action["_id"]] = source
    assert {key: source for key, source in index.items() if source} == \
        database.documents(f"SELECT id, body FROM {table} WHERE NOT is_deleted")
