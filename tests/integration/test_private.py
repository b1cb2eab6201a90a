"""The spool and the process's memory are the user's own, and nothing in the spool leads elsewhere."""

import os
import resource
import signal

import pytest

from jobs import CONFIG, FINISHED, all_in, ledger
from refused import content, refuse

FILES = ["lock", "index.mdb", "index.mdb-lock", "00000001.seg.zst", "job.json", "dead.ndjson"]
COMMANDS = ["run", "dump", "replay", "status", "verify", "inspect"]


@pytest.fixture
def spooled(victim):
    """The sound job, dumped, and a dead-letter file as a replay makes it."""
    assert victim.run(stage="dump").returncode == FINISHED
    (victim.spool / "dead.ndjson").touch(mode=0o600)
    return victim


def words_of(job, command):
    stages = ("run", "dump", "replay")
    return job.arguments(command) if command in stages else [command, job.spool]


LEADS_ELSEWHERE = {
    "symbolic link": lambda path, other: (path.rename(other), path.symlink_to(other)),
    "dangling link": lambda path, other: (path.unlink(), path.symlink_to(other)),
    "hard link": lambda path, other: os.link(path, other),
    "regular file": lambda path, other: (path.unlink(), os.mkfifo(path)),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("what", LEADS_ELSEWHERE)
def test_what_leads_out_of_the_spool_is_78(spooled, tmp_path, name, what):
    other = tmp_path / "elsewhere"
    LEADS_ELSEWHERE[what](spooled.spool / name, other)
    before = other.exists() and other.read_bytes()
    for command in COMMANDS:
        result = spooled.bobbin.run(words_of(spooled, command), timeout=30)
        refuse(result, CONFIG, str(spooled.spool), f"file {name} ", what.replace("dangling", "symbolic"))
    assert (other.exists() and other.read_bytes()) == before
    assert spooled.documents() == {}


def test_a_link_to_the_spool_itself_is_followed(spooled, tmp_path):
    """It is the user's own: where the large disk is."""
    real = spooled.spool
    spooled.spool = tmp_path / "link"
    spooled.spool.symlink_to(real)
    result = spooled.run()
    assert (result.returncode, ledger(result.stdout)) == (FINISHED, all_in(9)), result.stderr


@pytest.mark.parametrize("mode", [0o770, 0o702, 0o1777])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_spool_that_others_can_write_to_is_78(spooled, command, mode):
    before = content(spooled.spool)
    spooled.spool.chmod(mode)
    refuse(spooled.bobbin.run(words_of(spooled, command)), CONFIG, str(spooled.spool), "chmod go-w")
    assert content(spooled.spool) == before


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_files_are_their_users_alone_whatever_the_umask(victim, umask):
    job = victim
    result = job.bobbin.run(job.arguments("run", "--keep"), preexec_fn=lambda: os.umask(umask))
    assert result.returncode == FINISHED, result.stderr
    assert job.spool.stat().st_mode & 0o7777 == 0o700
    modes = {path.name: path.stat().st_mode & 0o7777 for path in job.spool.iterdir()}
    assert set(modes) == set(FILES)
    assert set(modes.values()) == {0o600}


# -- memory ----------------------------------------------------------------------------------------


def allow_cores():
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def test_a_crash_leaves_no_core(held, gate, tmp_path):
    """Of a program that doesn't see to it the kernel would say that it has dumped one."""
    process = held.bobbin.start(held.arguments("run"), preexec_fn=allow_cores, cwd=tmp_path,
                                env={"ASAN_OPTIONS": "handle_segv=0"})  # else it would catch the signal
    gate.wait_until_reached()
    os.kill(process.pid, signal.SIGSEGV)
    _, status = os.waitpid(process.pid, 0)
    process.returncode = -signal.SIGSEGV
    assert os.WTERMSIG(status) == signal.SIGSEGV
    assert not os.WCOREDUMP(status)
    assert list(tmp_path.glob("core*")) == []
