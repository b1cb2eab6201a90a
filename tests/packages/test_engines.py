"""The package's program at work: with real engines, and with no more of the kernel than its units leave it."""

import os
import re

import pytest

from conftest import ROOT, run
from test_units import SERVICES, service

SERVED_LEAST = 40  # different system calls: fewer are not a trace of all that was done


@pytest.fixture(scope="module")
def system_calls(package, tmp_path_factory):
    """The system calls of all that debian/tests/engines does, which is good."""
    directory = tmp_path_factory.mktemp("traces")
    traced = directory / "bobbin"
    traced.write_text(f'#!/bin/sh\nexec strace -D -f -qq -o {directory}/$$.trace {package.program} "$@"\n')
    traced.chmod(0o755)
    run(ROOT / "packaging/debian/tests/engines", "-m", "elasticsearch", cwd=ROOT, env={**os.environ, "BOBBIN": str(traced)})
    return {name for trace in directory.glob("*.trace")
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
