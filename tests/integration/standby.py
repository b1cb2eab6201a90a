"""A streaming standby of a real PostgreSQL, and the recovery conflicts that its primary gives it."""

from engines import Postgres
from jobs import wait_for


class Standby(Postgres):
    """A copy of PRIMARY that follows it. It doesn't wait for its queries: who is in the way of the
    primary's changes is cancelled at once."""

    def __init__(self, primary):
        super().__init__()
        self.primary = primary
        self._engine("standby", self.directory, primary.conninfo)

    def start(self, settings=""):
        super().start(settings)
        self.execute("ALTER SYSTEM SET max_standby_streaming_delay = 0")
        self.execute("SELECT pg_reload_conf()")

    def database(self, name):
        """The conninfo of the database NAME here."""
        return self.conninfo.replace("dbname=postgres", f"dbname={name}")

    def wait_until_caught_up(self):
        (position,), = self.primary.execute("SELECT pg_current_wal_lsn()")
        wait_for(lambda: self.execute("SELECT pg_last_wal_replay_lsn() >= %s", (position,)) == [(True,)],
                 "the standby to catch up")

    def conflicts(self):
        """How many queries it has cancelled because the primary had removed rows that they may see."""
        (count,), = self.execute("SELECT sum(confl_snapshot) FROM pg_stat_database_conflicts")
        return int(count)

    def promote(self):
        assert self.execute("SELECT pg_promote()") == [(True,)]


class Churn:
    """A table of the primary's whose dead rows are removed, as vacuum does it anywhere."""

    def __init__(self, database):
        self.database = database
        self.table = database.make_table("i int")

    def conflict(self):
        """Now every query on the standby that began before is in the way."""
        self.database.execute(f"INSERT INTO {self.table} SELECT generate_series(1, 100)")
        self.database.execute(f"DELETE FROM {self.table}")
        wait_for(self.is_emptied, "vacuum to remove all rows")

    def is_emptied(self):
        """Vacuum passes over a page that is just being written, and gives up the file once it is empty."""
        self.database.execute(f"VACUUM {self.table}")
        [(size,)] = self.database.execute(f"SELECT pg_relation_size('{self.table}')")
        return size == 0
