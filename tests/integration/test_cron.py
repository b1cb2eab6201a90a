"""packaging/cron/bobbin: the line is silent when all is well, says why when it is not, and doesn't run twice at once."""

import re
import subprocess

import pytest

from engines import ROOT
from jobs import FINISHED, NOWHERE, STOPPED, wait_for

ROWS = 600
FIELDS = 6  # minute, hour, day, month, weekday, user; the command follows


class Cron:
    """What cron would run, in a directory of the test's in place of the system's. What is printed is mailed."""

    def __init__(self, bobbin, job, directory):
        self.bobbin, self.job, self.directory = bobbin, job, directory
        (directory / "bin").mkdir()
        (directory / "bin/bobbin").symlink_to(bobbin.path)
        line, = re.findall(r"^[*0-9].*$", (ROOT / "packaging/cron/bobbin").read_text(), re.M)
        command = line.split(maxsplit=FIELDS)[FIELDS]
        for place in ("/var/spool/bobbin", "/etc/bobbin/jobs"):
            assert place in command
            command = command.replace(place, str(directory))
        self.command = f"PATH={directory}/bin:/usr/bin:/bin; {command}"
        self.configure(job.url)

    def configure(self, url):
        query = self.directory / "product.sql"
        query.write_text(self.job.query)
        (self.directory / "product.conf").write_text(
            f"dsn = {self.job.database.conninfo}\nquery = {query}\nurl = {url}\nindex = {self.job.index}\n"
            "window-rows = 50\nframe-size = 4K\nsegment-size = 16K\ngive-up-after = 1s\n")

    def start(self):
        return self.bobbin.start_shell(self.command)

    def is_free(self):
        """Does nobody hold the lock?"""
        return subprocess.run(["flock", "--nonblock", self.directory / "product.lock", "true"], check=False).returncode == 0

    def run(self):
        """(status, what is mailed)"""
        process = self.start()
        status = self.job.finish(process)
        return status, process.stdout_text() + process.stderr_text()


@pytest.fixture
def make_cron(bobbin, make_job, elasticsearch, tmp_path):
    return lambda source: Cron(bobbin, make_job(source, elasticsearch), tmp_path)


def test_all_is_well_and_nothing_is_mailed(make_cron, database):
    table = database.make_numbers(ROWS)
    cron = make_cron(table)
    assert cron.run() == (FINISHED, "")
    database.execute(f"INSERT INTO {table} VALUES (0, 'new')")
    assert cron.run() == (FINISHED, "")  # begins anew
    assert cron.job.documents() == cron.job.expected()


def test_one_readable_line_is_mailed_and_the_next_run_goes_on(make_cron, database):
    cron = make_cron(database.make_numbers(ROWS))
    url = cron.job.url
    cron.configure(NOWHERE)
    status, mail = cron.run()
    assert status == STOPPED
    assert mail.count("error: ") == 1 and NOWHERE in mail.splitlines()[-1], mail
    cron.configure(url)
    assert cron.run() == (FINISHED, "")
    assert cron.job.documents() == cron.job.expected()


def test_a_run_that_finds_another_at_work_ends_at_once_in_silence(make_cron, database, gate):
    cron = make_cron(f"SELECT id, body FROM {database.make_numbers(ROWS)} WHERE gate(id = 325)")
    gate.shut()
    first = cron.start()
    gate.wait_until_reached()
    assert cron.run() == (FINISHED, "")
    assert first.poll() is None  # it is still at work, and alone
    gate.open()
    assert cron.job.finish(first) == FINISHED
    assert cron.job.documents() == cron.job.expected()


def test_a_run_that_was_killed_is_gone_on_with(make_cron, database, gate):
    cron = make_cron(f"SELECT id, body FROM {database.make_numbers(ROWS)} WHERE gate(id = 325)")
    gate.shut()
    first = cron.start()
    gate.wait_until_reached()
    cron.bobbin.end_all()
    wait_for(lambda: cron.is_free() and first.poll() is not None, "its end")
    gate.open()
    assert cron.run() == (FINISHED, "")
    assert cron.job.documents() == cron.job.expected()
