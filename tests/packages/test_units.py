"""The systemd units, as far as their text tells: they are shut in, and restart on what helps only. test_systemd.py runs them."""

import configparser
import re

import pytest

from conftest import ROOT, run

UNITS = ROOT / "packaging/systemd"
SERVICES = sorted(path.name for path in UNITS.glob("*.service"))
MOST_EXPOSED = 2.0
STOPPED, DEAD_LETTERS, DENIED, CONFIG = "75", "65", "77", "78"


def service(name):
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(UNITS / name)
    return parser["Service"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_shut_in(name):
    out = run("systemd-analyze", "security", "--offline=true", UNITS / name)
    exposed = float(re.search(r"Overall exposure level for \S+: ([0-9.]+)", out)[1])
    assert exposed < MOST_EXPOSED, out


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_restarts_only_when_the_same_command_goes_on(name):
    section = service(name)
    assert section["Restart"] == "on-failure"
    assert section["RestartForceExitStatus"].split() == [STOPPED]
    never = section["RestartPreventExitStatus"].split()
    assert {DENIED, CONFIG} <= set(never) and STOPPED not in never
    assert DEAD_LETTERS in never or name == "bobbin-serve.service"


def test_a_worker_has_no_more_memory_than_promised():
    assert service("bobbin-work@.service")["MemoryMax"] == "64M"
