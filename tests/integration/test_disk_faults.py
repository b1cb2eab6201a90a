"""Each call that changes the spool fails, one after the other: bobbin ends with 74 and one line that
names the spool, the file and the cause, and the same command goes on when the disk is well again.

tests/shim/failing_disk.c does it to the real program, and to LMDB below it. All numbers of calls are
tried, until a run ends before its number comes.
"""

import errno
import itertools
import re
import shutil
import tempfile
from pathlib import Path

import pytest

from jobs import DEAD_LETTERS, DISK, FINISHED, Job, assert_complete
from proxy import Accepting

ROWS = 40
SMALL = ["--window-rows", 15, "--frame-size", "4K", "--segment-size", "4K"]
OPTIONS = {"run": [*SMALL, "--in-flight", 2, "--jobs", 2], "dump": SMALL,
           "replay": ["--in-flight", 2]}
ENDS = {"run": DEAD_LETTERS, "dump": FINISHED, "replay": DEAD_LETTERS}
CAUSES = {errno.EIO: "Input/output error", errno.ENOSPC: "No space left on device"}
ERROR = re.compile(r"^\S+ error: (.*)$", re.MULTILINE)
NAMES = {".": "directory", "spool": "directory", "index.mdb-lock": "index.mdb"}
REMEDY = "; run the same command again when the disk is well and has room"
# What a spool's making, its two stages and its clearing up do to the disk: "CALL FILE".
CALLS = {
    "mkdir spool", "fsync .", "fsync spool", "openat lock", "unlinkat index.mdb",
    "unlinkat index.mdb-lock", "unlinkat job.json.new", "openat job.json.new", "pwrite job.json.new",
    "fdatasync job.json.new", "renameat job.json", "open index.mdb-lock", "ftruncate index.mdb-lock",
    "open index.mdb", "pwrite index.mdb", "writev index.mdb", "fdatasync index.mdb", "openat segment",
    "pwrite segment", "fdatasync segment", "unlinkat segment", "openat dead.ndjson",
    "pwrite dead.ndjson", "fdatasync dead.ndjson"}


class Disk:
    """A directory, of which the calls that change it are counted, and can fail."""

    def __init__(self, bobbin, directory):
        self.library = bobbin.path.parent / "tests" / "shim" / "failing_disk.so"
        assert self.library.exists(), "make check builds it"
        self.log = directory / "calls"
        self.directory = directory / "disk"
        self.directory.mkdir()

    def is_well(self):
        """The environment of a program whose calls are counted only."""
        return self.fails(0, 0)

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
        assert cause in told[0] or (cause == CAUSES[errno.ENOSPC] and "no space left" in told[0]), at
        if call in ("fsync", "fdatasync"):
            self.assert_not_tried_again(name)

    def assert_not_tried_again(self, name):
        """The kernel may have dropped what it could not write, and the next sync would succeed. (Of the
        directory each stage syncs entries of its own.)"""
        if self.stage == "run" and name == "spool":
            return
        calls = self.disk.calls()
        behind = itertools.dropwhile(lambda call: call[1] != name or not call[2], calls)
        behind = [call for call in behind if call[1] == name][1:]
        assert behind == [], calls

    def assert_goes_on(self):
        result = self.run()
        assert result.returncode == ENDS[self.stage], result.stderr
        if self.stage == "dump":
            spooled = self.job.spooled()
            assert len(spooled) == ROWS
            assert {action["_id"]: source for action, source in spooled} == self.job.expected()
        else:
            assert_complete(self.job, result)

    def fail_each(self, cause, how, step=1):
        """Fail the first call, then the next STEP behind it, and so on."""
        for at in itertools.count(1, step):
            self.begin()
            result = self.run(self.disk.fails(at, cause, how))
            if not self.disk.failed():
                assert result.returncode == ENDS[self.stage], result.stderr
                return
            self.assert_told(result, CAUSES[cause])
            self.assert_goes_on()

    def fail_kind(self, kind, cause, how):
        """Fail the first call of that kind."""
        call, name = kind.replace("segment", ".seg.zst").split(" ")
        self.begin()
        result = self.run(self.disk.fails(1, cause, how, calls=f"{call} *{name}"))
        self.assert_told(result, CAUSES[cause])
        self.assert_goes_on()


@pytest.fixture
def disk(bobbin):
    """In memory: what is tried is which call fails, some hundred times."""
    with tempfile.TemporaryDirectory(prefix="bobbin-disk-", dir="/dev/shm") as directory:
        yield Disk(bobbin, Path(directory))


@pytest.fixture
def cluster():
    cluster = Accepting()
    yield cluster
    cluster.close()


@pytest.fixture
def job(bobbin, database, disk, cluster):
    return Job(bobbin, database, database.make_marked(ROWS, size=400), disk.directory / "spool",
               "index", cluster)


@pytest.mark.parametrize("cause, how, step", [(errno.EIO, "once", 1), (errno.ENOSPC, "short", 3)])
def test_whatever_call_fails_it_is_74_and_the_same_command_goes_on(job, disk, cause, how, step):
    """STEP: of both stages at a time. Each alone meets every number. How many commits there are differs from
    run to run, so a kind of call may have been passed over: it fails by its name."""
    failed = set()
    for stage in ("dump", "replay", "run"):
        sweep = Sweep(job, disk, stage)
        sweep.fail_each(cause, how, step if stage == "run" else 1)
        failed |= sweep.failed
    assert failed <= CALLS
    for kind in sorted(CALLS - failed):
        sweep.fail_kind(kind, cause, how)
        assert kind in sweep.failed


def test_a_directory_that_was_not_made_durable_is_by_the_next_start(job, disk):
    result = job.run(*SMALL, stage="dump", env=disk.fails(1, errno.EIO, calls="fsync ."))
    assert result.returncode == DISK and disk.failed() == [("fsync", ".")], result.stderr
    assert job.run(*SMALL, stage="dump", env=disk.is_well()).returncode == FINISHED
    assert ("fsync", ".", "") in disk.calls()


def test_segments_that_can_not_be_removed_end_it_until_they_can(job, disk):
    stays = disk.fails(1, errno.EIO, "lasting", "unlinkat *.seg.zst")
    for _ in range(3):
        result = job.run(*OPTIONS["run"], env=stays)
        assert result.returncode == DISK, result.stderr
        assert "seg.zst can't be removed: Input/output error" in result.stderr
    assert_complete(job, job.run(*OPTIONS["run"]))
