"""A spool that is not this job's, or whose disk does not bear it: told of, and nothing is touched."""

import ctypes
import os
import subprocess
import threading
from contextlib import contextmanager

import pytest

from jobs import CONFIG, DISK, FINISHED, STOPPED, all_in, ledger, wait_for
from refused import changed, content, refuse

AS_ROOT = [] if os.geteuid() == 0 else ["sudo"]


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


def check_of(record, table, number):
    """The check of a record: its place is the seed (docs/spool-format.md)."""
    place = table.to_bytes(4, "little") + number.to_bytes(8, "big")
    return XXH32(record, len(record), XXH32(place, len(place), 0)).to_bytes(4, "little")


def make_newer(spool):
    """Give the job's record, the first of table "meta", the next format number and a good check."""
    index = spool / "index.mdb"
    dump = subprocess.run(["mdb_dump", "-n", "-a", index], check=True, capture_output=True, text=True)
    lines = dump.stdout.splitlines()
    at = lines.index("HEADER=END", lines.index("database=meta")) + 2  # behind it: the key, the value
    record = bytearray.fromhex(lines[at].strip())[:-4]
    record[0] += 1
    record += check_of(bytes(record), table=2, number=1)
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
    refuse(spooled.run(), DISK, str(spooled.spool), "index.mdb", "bobbin verify --rebuild")
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


def test_a_bound_below_the_disk_makes_the_dump_wait_and_the_disk_never_full(elasticsearch, make_job,
                                                                            make_proxy, database, disk):
    proxy = make_proxy(elasticsearch)
    job = make_job(database.make_numbers(4000, size=1000), elasticsearch, url=proxy.url)
    job.spool = disk / "spool"
    has_waited = threading.Event()
    proxy.answer = lambda _: has_waited.wait() and None
    with mounted(disk, "size=1M"):
        process = job.start("--frame-size", "32K", "--spool-max", "512K")
        wait_for(lambda: "the dump waits" in process.stderr_text(), "a full spool")
        has_waited.set()
        assert job.finish(process) == FINISHED, process.stderr_text()
        assert ledger(process.stdout_text()) == all_in(4000)
    assert job.documents() == job.expected()


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
