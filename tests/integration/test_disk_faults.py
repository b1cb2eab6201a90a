"""Each call that changes the spool fails, one after the other: bobbin ends with 74 and one line that
names the file and the cause, and the same command goes on when the disk is well again.

tests/shim/failing_disk.c does it to the real program, and to LMDB below it. All numbers of calls are
tried, until a run ends before its number comes.
"""

import errno
import itertools
import os
import re
import shutil

import pytest

from jobs import DEAD_LETTERS, DISK, FINISHED, Job, assert_complete
from proxy import Accepting

ROWS = 60
SMALL = ["--window-rows", 20, "--frame-size", "4K", "--segment-size", "4K"]
OPTIONS = {"run": [*SMALL, "--in-flight", 2], "dump": SMALL, "replay": ["--in-flight", 2]}
ENDS = {"run": DEAD_LETTERS, "dump": FINISHED, "replay": DEAD_LETTERS}
CAUSES = {errno.EIO: "Input/output error", errno.ENOSPC: "No space left on device"}
NAMES = {".": "directory", "spool": "directory", "index.mdb-lock": "index.mdb"}
REMEDY = "; run the same command again when the disk is well and has room"
ERROR = re.compile(r"^\S+ error: (.*)$", re.MULTILINE)
# What a spool's making, its two stages and its clearing up do to the disk: "CALL FILE".
CALLS = {
    "mkdir spool", "fsync .", "fsync spool", "openat lock", "unlinkat job.json.new",
    "openat job.json.new", "pwrite job.json.new", "fdatasync job.json.new", "renameat job.json",
    "open index.mdb-lock", "ftruncate index.mdb-lock", "open index.mdb", "pwrite index.mdb",
    "writev index.mdb", "fdatasync index.mdb", "openat segment", "pwrite segment",
    "fdatasync segment", "unlinkat segment", "openat dead.ndjson", "pwrite dead.ndjson",
    "fdatasync dead.ndjson"}


class Disk:
    """A directory, of which the calls that change it are counted, and can fail."""

    def __init__(self, bobbin, directory):
        self.library = bobbin.path.parent / "tests" / "shim" / "failing_disk.so"
        assert self.library.exists(), "make check builds it"
        self.log = directory / "calls"
        self.directory = directory / "disk"
        self.directory.mkdir()

    def fails(self, at, cause, how="once", calls="*"):
        """The environment of a program that meets the fault."""
        self.log.unlink(missing_ok=True)
        return {"LD_PRELOAD": str(self.library), "ASAN_OPTIONS": "verify_asan_link_order=0",
                "FAILING_DISK_DIRECTORY": str(self.directory), "FAILING_DISK_LOG": str(self.log),
                "FAILING_DISK_CALLS": calls, "FAILING_DISK_AT": str(at),
                "FAILING_DISK_ERRNO": str(cause), "FAILING_DISK_HOW": how}

    def calls(self):
        """What the last program did: (call, file, "", "failed" or "short")."""
        words = [line.split(" ") for line in self.log.read_text().splitlines()]
        return [(call, name.rsplit("/", 1)[-1], *(end or [""])) for call, name, *end in words]

    def failed(self):
        """Call and file of all that failed."""
        return [(call, name) for call, name, end in self.calls() if end]


class Sweep:
    """One job, again and again from the same beginning."""

    def __init__(self, job, disk, stage):
        self.job = job
        self.disk = disk
        self.stage = stage
        self.model = job.spool.with_name("model")
        if stage == "replay":
            assert job.run(*SMALL, stage="dump").returncode == FINISHED
            job.spool.rename(self.model)
        self.failed = set()

    def begin(self):
        shutil.rmtree(self.job.spool, ignore_errors=True)
        self.job.engine.forget()
        if self.stage == "replay":
            shutil.copytree(self.model, self.job.spool)

    def run(self, env=None):
        return self.job.run(*OPTIONS[self.stage], stage=self.stage, env=env)

    def assert_told(self, result, cause):
        """RESULT is the end that a failing disk makes: one line."""
        failed = self.disk.failed()
        call, name = failed[0]
        self.failed.add(f"{call} {'segment' if name.endswith('.seg.zst') else name}")
        at = f"{call} {name}: {result.returncode} {result.stderr}"
        assert result.returncode == DISK, at
        told = ERROR.findall(result.stderr)
        assert len(told) == 1, at
        assert told[0].startswith(f"spool {self.job.spool}: ") and told[0].endswith(REMEDY), at
        # Of two threads each may have met the fault: either's tells.
        assert any(NAMES.get(name, name) in told[0] for _, name in failed), at
        # LMDB knows no reason for a write that ended early.
        assert cause in told[0] or f"index.mdb: can't be committed: {CAUSES[errno.EIO]}" in told[0], at

    def assert_goes_on(self):
        result = self.run()
        assert result.returncode == ENDS[self.stage], result.stderr
        if self.stage == "dump":
            assert {str(source["id"]): source for _, source in self.job.spooled()} == {
                key: row for key, row in self.job.expected().items()}
            assert len(self.job.spooled()) == ROWS
        else:
            assert_complete(self.job, result)

    def fail_each(self, cause, how):
        """Fail the first call, then the second, and so on."""
        for at in itertools.count(1):
            self.begin()
            result = self.run(self.disk.fails(at, cause, how))
            if not self.disk.failed():
                assert result.returncode == ENDS[self.stage], result.stderr
                return
            self.assert_told(result, CAUSES[cause])
            self.assert_goes_on()


@pytest.fixture
def disk(bobbin, tmp_path):
    return Disk(bobbin, tmp_path)


@pytest.fixture
def cluster():
    cluster = Accepting()
    yield cluster
    cluster.close()


@pytest.fixture
def job(bobbin, database, disk, cluster):
    return Job(bobbin, database, database.make_marked(ROWS, size=400), disk.directory / "spool",
               "index", cluster)


@pytest.mark.parametrize("cause, how", [(errno.EIO, "once"), (errno.ENOSPC, "short")])
def test_whatever_call_fails_it_is_74_and_the_same_command_goes_on(job, disk, cause, how):
    failed = set()
    for stage in OPTIONS:
        sweep = Sweep(job, disk, stage)
        sweep.fail_each(cause, how)
        failed |= sweep.failed
    assert failed == CALLS
