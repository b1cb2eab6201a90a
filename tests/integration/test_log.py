"""What bobbin says while it works, in which form, and what it never says."""

import contextlib
import json
import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

from jobs import FINISHED, STOPPED, USAGE, all_in, ledger
from refused import changed, refuse

ROWS = 600
SMALL = ["--window-rows", 50, "--frame-size", "4K", "--segment-size", "16K"]
SECRET = "s3cr3t-w0rd"


def test_log_lines_are_json_when_asked(elasticsearch, make_job, make_proxy, database):
    proxy = make_proxy(elasticsearch)
    proxy.answer = lambda _: (429, b'{"error":"a \\"quoted\\"\\nreason"}') if len(
        proxy.requests) < 3 else None
    job = make_job("SELECT i AS id FROM generate_series(1, 9) i", elasticsearch, url=proxy.url)
    result = job.run("--log-format", "json")
    assert result.returncode == FINISHED
    lines = [json.loads(line) for line in result.stderr.splitlines()]
    assert {line["level"] for line in lines} == {"info", "warning"}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", line["time"]) for line in lines)
    assert any('a "quoted" reason' in line["message"] for line in lines)
    result = job.bobbin.run(job.arguments("run", "--log-format", "json", "--index", "other"))
    assert json.loads(result.stderr)["level"] == "error"


def test_quiet_leaves_warnings_and_errors(elasticsearch, make_job, make_proxy):
    proxy = make_proxy(elasticsearch)
    proxy.answer = lambda _: (429, b"{}") if len(proxy.requests) < 2 else None
    job = make_job("SELECT i AS id FROM generate_series(1, 9) i", elasticsearch, url=proxy.url)
    result = job.run("--quiet")
    assert result.returncode == FINISHED
    assert [line.split()[1] for line in result.stderr.splitlines()] == ["warning:"]


def test_a_terminal_shows_a_bar_for_each_stage(held, gate):
    """They are drawn anew in their place."""
    own, terminal = pty.openpty()
    process = subprocess.Popen([held.bobbin.path, *map(str, held.arguments("run", *SMALL))],
                               stdout=subprocess.PIPE, stderr=terminal)
    os.close(terminal)
    shown = b""
    try:
        gate.wait_until_reached()
        while b"300 rows" not in shown or b"300 documents" not in shown:
            shown += os.read(own, 4096)
        gate.open()
        with contextlib.suppress(OSError):  # the terminal's end
            while more := os.read(own, 4096):
                shown += more
        stdout, _ = process.communicate()
    finally:
        process.kill()
        os.close(own)
    bars = [re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", line).strip("\r")
            for line in shown.decode().split("\n")]
    assert process.returncode == FINISHED
    assert ledger(stdout.decode()) == all_in(ROWS)
    for line in (r"dump +█+░+ +\d+%  300 rows .*", r"replay +█+░+ +\d+%  300 documents .*"):
        assert any(re.fullmatch(line, bar) for bar in bars), bars
    assert b"\x1b[2A" in shown


# -- secrets ---------------------------------------------------------------------------------------


def arguments_of(process):
    return Path(f"/proc/{process.pid}/cmdline").read_bytes().decode()


@pytest.mark.parametrize("form", [
    "host=127.0.0.1 port={port} user=bobbin dbname=tests password={secret}",
    "host=127.0.0.1 password = '{secret}' port={port} user=bobbin dbname=tests",
    "postgresql://bobbin:{secret}@127.0.0.1:{port}/tests",
    "postgresql://127.0.0.1:{port}/tests?user=bobbin&password={secret}",
])
def test_a_password_in_a_dsn_is_seen_by_nobody(elasticsearch, make_job, database, postgres, gate, form):
    postgres.execute(f"ALTER ROLE bobbin PASSWORD '{SECRET}'")
    dsn = form.format(port=postgres.port, secret=SECRET)
    job = make_job(f"SELECT * FROM {database.make_numbers(9)} WHERE gate(id = 5)", elasticsearch)
    words, env = changed(job, dsn=None), {"BOBBIN_DSN": dsn}
    gate.shut()
    process = job.bobbin.start(words, env=env)
    try:
        gate.wait_until_reached()
        assert SECRET not in arguments_of(process)
        gate.open()
        assert job.finish(process) == FINISHED, process.stderr_text()
        postgres.execute("ALTER ROLE bobbin PASSWORD 'bobbin'")
        refused = job.bobbin.run([*words, "--again"], env=env)
    finally:
        postgres.execute("ALTER ROLE bobbin PASSWORD 'bobbin'")
    assert refused.stderr.count(" error: ") == 1
    said = process.stderr_text() + process.stdout_text() + refused.stderr + refused.stdout
    assert SECRET not in said
    assert not any(SECRET in path.read_bytes().decode(errors="replace")
                   for path in job.spool.iterdir())


def test_a_password_in_a_url_is_seen_by_nobody(elasticsearch, make_job, make_proxy, database, gate):
    proxy = make_proxy(elasticsearch)
    proxy.answer = lambda _: (503, b"{}")
    job = make_job(f"SELECT * FROM {database.make_numbers(9)} WHERE gate(id = 5)", elasticsearch)
    gate.shut()
    process = job.bobbin.start(
        changed(job, url=None, give_up_after="1s"),
        env={"BOBBIN_URL": proxy.url.replace("http://", f"http://me:{SECRET}@")})
    gate.wait_until_reached()
    assert SECRET not in arguments_of(process)
    gate.open()
    assert job.finish(process) == STOPPED
    assert "is sent again" in process.stderr_text()
    assert SECRET not in process.stderr_text() + process.stdout_text()


@pytest.mark.parametrize("option, value, remedy", [
    ("--dsn", f"host=db password={SECRET}", "PGPASSWORD"),
    ("--dsn", f"postgresql://me:{SECRET}@db/shop", ".pgpass"),
    ("--url", f"https://me:{SECRET}@es:9200", "--password-file"),
    ("--proxy", f"http://me:{SECRET}@proxy:3128", "--proxy-password-file"),
    ("--header", f"Authorization: Bearer {SECRET}", "BOBBIN_HEADER"),
    ("--header", f"cookie: {SECRET}", "BOBBIN_HEADER"),
    ("--password", SECRET, "--password-file"),
    ("--api-key", SECRET, "--api-key-file"),
    ("--bearer", SECRET, "--bearer-file"),
])
@pytest.mark.parametrize("joined", [False, True])
def test_a_secret_on_the_command_line_is_refused_with_a_remedy(bobbin, option, value, remedy, joined):
    result = bobbin.run(["run", f"{option}={value}"] if joined else ["run", option, value])
    refuse(result, USAGE, option, remedy)
    assert SECRET not in result.stderr + result.stdout


@pytest.mark.parametrize("option, header", [
    ("api-key", f"ApiKey {SECRET}"),
    ("bearer", f"Bearer {SECRET}"),
    ("password", "Basic bWU6czNjcjN0LXcwcmQ="),
])
@pytest.mark.parametrize("way", ["option", "variable", "variable of a file", "config"])
def test_a_secret_reaches_the_cluster_and_nobody_else(elasticsearch, make_job, make_proxy, database,
                                                      tmp_path, option, header, way):
    proxy = make_proxy(elasticsearch)
    job = make_job(database.make_numbers(9), elasticsearch, url=proxy.url)
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    (tmp_path / "bobbin.conf").write_text(f"{option}-file = {file}\n")
    variable = "BOBBIN_" + option.upper().replace("-", "_")
    options, env = {
        "option": ([f"--{option}-file", file], {}),
        "variable": ([], {variable: SECRET}),
        "variable of a file": ([], {f"{variable}_FILE": str(file)}),
        "config": (["--config", tmp_path / "bobbin.conf"], {}),
    }[way]
    user = ["--user", "me"] if option == "password" else []
    result = job.run(*options, *user, env=env)
    assert result.returncode == FINISHED, result.stderr
    assert {request.headers["Authorization"] for request in proxy.requests} == {header}
    assert SECRET not in result.stderr + result.stdout
