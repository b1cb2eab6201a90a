"""Debian's way to test a package: autopkgtest installs it in a clean system, with what packaging/debian/tests/control says
that its tests need, and runs them: with a real PostgreSQL and search engine. The program then has no more of the kernel than its
units leave it.
"""

import re
from pathlib import Path

import pytest

from conftest import ROOT, Chroot, run
from test_units import SERVICES, service

SERVED_LEAST = 40  # different system calls: fewer are not a trace of all that was done
CACHE, TRACES, TRACED = "/var/cache/bobbin", "/var/tmp/traces", "/usr/local/bin/bobbin-traced"


def put_traced_program(chroot):
    chroot.install("strace")
    chroot.run("mkdir", TRACES)
    program = Path(f"{chroot.directory}{TRACED}")
    program.write_text(f'#!/bin/sh\nexec strace -D -f -qq -o {TRACES}/$$.trace /usr/bin/bobbin "$@"\n')
    program.chmod(0o755)


@pytest.fixture(scope="module")
def tested(package, tmp_path_factory):
    """What autopkgtest says of each test, and the traces. Of the engines it has the one that is fetched already."""
    directory = tmp_path_factory.mktemp("autopkgtest")
    chroot = Chroot(directory / "chroot")
    put_traced_program(chroot)
    engine = Path(run(ROOT / "script/lib/fetch", "elasticsearch").strip())
    run(ROOT / "script/lib/chroot", "beside", chroot.directory, "autopkgtest", package.changes,
        "--output-dir", directory / "out", "--copy", f"{engine}:{CACHE}/{engine.name}", "--env", f"BOBBIN_CACHE={CACHE}",
        "--env", "PYTEST_ADDOPTS=-m elasticsearch", "--env", f"BOBBIN={TRACED}", "--", "chroot", chroot.directory)
    return (directory / "out/summary").read_text(), Path(f"{chroot.directory}{TRACES}")


def test_each_test_of_the_package_passes(tested):
    summary, _ = tested
    assert dict(line.split() for line in summary.splitlines()) == {"engines": "PASS", "system": "PASS"}


@pytest.fixture(scope="module")
def system_calls(tested):
    """The system calls of all that the tests do, which is good."""
    _, traces = tested
    return {name for trace in traces.glob("*.trace")
            for name in re.findall(r"^\d+ +([a-z_0-9]+)\(", trace.read_text(errors="replace"), re.M)}


def members(name):
    """The system calls of one of systemd's sets."""
    if not name.startswith("@"):
        return {name}
    lines = run("systemd-analyze", "syscall-filter", name).splitlines()[1:]
    found = set()
    for line in lines:
        if line.strip() and not line.strip().startswith("#"):
            found |= members(line.strip())
    return found


def allowed(text):
    """What SystemCallFilter= lines leave."""
    found = set()
    for line in re.findall(r"^SystemCallFilter=(.*)$", text, re.M):
        for name in line.removeprefix("~").split():
            found = found - members(name) if line.startswith("~") else found | members(name)
    return found


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_do_all_that_the_program_does(name, system_calls):
    assert service(name)["SystemCallFilter"]
    assert len(system_calls) > SERVED_LEAST
    assert system_calls - allowed((ROOT / "packaging/systemd" / name).read_text()) == set()
