"""The systemd units, as far as their text tells: they are shut in, and restart on what helps only. test_systemd.py runs them."""

import configparser
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request

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


def heard(listener, words):
    """What the service manager hears, up to WORDS."""
    said = ""
    while words not in said.split():
        said += listener.recv(4096).decode() + "\n"
    return said


def test_serve_takes_systemds_socket_and_says_how_it_is(package, tmp_path):
    """systemd-socket-activate listens as bobbin-serve.socket does; this test hears as systemd does."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    (tmp_path / "models").mkdir()
    (tmp_path / "models/rows.conf").write_text("url = http://127.0.0.1:1\n")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(30)
        server = subprocess.Popen(
            ["systemd-socket-activate", "-l", address, "-E", f"NOTIFY_SOCKET={tmp_path}/notify",
             "-E", "WATCHDOG_USEC=200000", package.program, "serve", "--listen", "127.0.0.1:1",
             "--models", tmp_path / "models", "--state", tmp_path / "state"],
            stderr=subprocess.PIPE, text=True)
        try:
            answer = asked(f"http://{address}/healthcheck")
            assert answer.status == 200
            heard(listener, "READY=1")
            heard(listener, "WATCHDOG=1")
            heard(listener, "WATCHDOG=1")
            server.terminate()
            heard(listener, "STOPPING=1")
            assert server.wait(30) == 0
            assert f"listening on http://{address}" in server.stderr.read()
        finally:
            server.kill()
            server.wait()


def asked(url):
    """The answer, as soon as somebody listens."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(300):
        try:
            return opener.open(url, timeout=30)
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionRefusedError):
                raise
            time.sleep(0.1)
    raise AssertionError(f"nobody listens at {url}")
