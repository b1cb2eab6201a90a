"""Prometheus: the file that --metrics names, and packaging/monitoring, whose names are those that bobbin writes."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import time
import urllib.error
from pathlib import Path

import pytest

from documents import commands_of_page
from engines import DIRECT, ROOT, free_address
from fleet import Crew
from jobs import DEAD_LETTERS, FINISHED, NOWHERE, NUMBERS_ONLY, STOPPED, next_name, wait_for
from serving import Client, Server

MONITORING = ROOT / "packaging" / "monitoring"
CACHE = Path.home() / ".cache" / "bobbin" / "prometheus"
SAMPLE = re.compile(r'(\w+)\{(.*)\} (\d+)')
NAMES = re.compile(r"\b(?:bobbin|node_filesystem)_\w+")
NODE_EXPORTERS = {"node_filesystem_avail_bytes", "node_filesystem_size_bytes"}


def read(path):
    """The samples of a file: (name, labels without empty ones) -> value."""
    samples = {}
    for line in path.read_text().splitlines():
        if not line.startswith("#"):
            name, labels, value = SAMPLE.fullmatch(line).groups()
            samples[name, *re.findall(r'\w+="[^"]+"', labels)] = int(value)
    return samples


def value(samples, name, *labels):
    return samples[f"bobbin_job_{name}", *labels]


def names_of(text):
    """The metrics that a server or a file describes."""
    return set(re.findall(r"^# TYPE (\w+) gauge$", text, re.MULTILINE))


def of_debian(package, name):
    """A program of Debian's package, which isn't installed: it would start a server."""
    found = shutil.which(name) or CACHE / "usr" / "bin" / name
    if not os.access(found, os.X_OK):
        CACHE.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "-q", "download", package], cwd=CACHE, check=True)
        subprocess.run(["dpkg", "-x", *CACHE.glob(f"{package}_*.deb"), CACHE], check=True)
    return found


@pytest.fixture(scope="session")
def promtool():
    """Prometheus' own checker."""
    found = of_debian("prometheus", "promtool")

    def run(*words, **options):
        return subprocess.run([found, *words], cwd=MONITORING, capture_output=True, text=True, check=False, **options)

    return run


def test_the_file_tells_of_a_run_and_its_end(elasticsearch, make_job, database, tmp_path, promtool):
    job = make_job(database.make_marked(200), elasticsearch, NUMBERS_ONLY)
    path = tmp_path / "image.prom"
    assert job.run("--metrics", path).returncode == DEAD_LETTERS
    samples, index = read(path), f'index="{job.index}"'
    assert [value(samples, name, index) for name in
            ("rows", "rows_read", "documents_acknowledged", "documents_refused", "documents_pending")] \
        == [200, 200, 196, 4, 0]
    assert value(samples, "state", index, 'state="failed"') == 1
    assert value(samples, "exit_status", index) == DEAD_LETTERS
    assert ("bobbin_job_last_success_timestamp_seconds", index) not in samples
    assert abs(value(samples, "updated_timestamp_seconds", index) - time.time()) < 60
    checked = promtool("check", "metrics", input=path.read_text())
    assert checked.returncode == 0 and not checked.stderr, checked.stderr


def test_node_exporter_serves_the_file(victim, bobbin, tmp_path):
    """Started as docs/monitoring.md says."""
    (command,) = commands_of_page(ROOT / "docs/monitoring.md", ["node_exporter"])
    assert victim.run("--metrics", tmp_path / "product.prom").returncode == FINISHED
    program, address = of_debian("prometheus-node-exporter", "prometheus-node-exporter"), free_address()
    command = command.replace("node_exporter", str(program), 1).replace("/var/lib/bobbin-metrics", str(tmp_path))
    bobbin.start_shell(f"exec {command} --web.listen-address={address}")

    def served():
        with contextlib.suppress(urllib.error.URLError):
            return DIRECT.open(f"http://{address}/metrics", timeout=30).read().decode()

    said = wait_for(served, "node_exporter")
    assert f'bobbin_job_documents_acknowledged{{index="{victim.index}"' in said
    assert "node_textfile_scrape_error 0" in said


def test_a_success_is_remembered_when_the_next_run_fails(elasticsearch, make_job, database, tmp_path):
    path = tmp_path / "image.prom"
    job = make_job(database.make_numbers(20), elasticsearch)
    assert job.run("--metrics", path).returncode == FINISHED
    index = f'index="{job.index}"'
    succeeded = value(read(path), "last_success_timestamp_seconds", index)
    assert abs(succeeded - time.time()) < 60
    job.url = NOWHERE
    assert job.run("--metrics", path, "--again", "--give-up-after", "10ms").returncode == STOPPED
    samples = read(path)
    assert value(samples, "last_success_timestamp_seconds", index) == succeeded
    assert value(samples, "exit_status", index) == STOPPED


def test_a_running_job_is_told_of(elasticsearch, held, gate, tmp_path):
    path = tmp_path / "image.prom"
    process = held.start("--metrics", path)
    gate.wait_until_reached()
    index = f'index="{held.index}"'
    assert value(read(path), "state", index, 'state="running"') == 1
    assert ("bobbin_job_exit_status", index) not in read(path)
    gate.open()
    assert process.wait(60) == FINISHED
    assert value(read(path), "state", index, 'state="running"') == 0


def test_a_worker_tells_of_its_shard_and_of_its_end(elasticsearch, bobbin, database, tmp_path):
    crew = Crew(bobbin, database, elasticsearch, tmp_path, f"SELECT id, body FROM {database.make_numbers(90)}")
    path = tmp_path / "work.prom"
    elasticsearch.create_index(crew.index)
    crew.plan(1)
    assert crew.work("--metrics", path).returncode == FINISHED
    samples = read(path)
    labels = (f'index="{crew.index}"', 'shard="0"')
    assert value(samples, "exit_status", *labels) == FINISHED
    assert ("bobbin_job_rows", *labels) not in samples  # no shard is at work
    elasticsearch.delete_index(crew.index)


def test_a_refresh_is_told_of_by_its_alias(elasticsearch, bobbin, database, tmp_path):
    alias, path, body = next_name("alias"), tmp_path / "refresh.prom", tmp_path / "body.json"
    body.write_text(json.dumps(NUMBERS_ONLY))
    result = bobbin.run(["refresh", "--dsn", database.conninfo, "--table", database.make_numbers(40), "--alias", alias,
                         "--url", elasticsearch.url, "--create-index", body, "--spool", tmp_path / "spool",
                         "--suffix", "1", "--metrics", path])
    assert result.returncode == FINISHED, result.stderr
    index = f'index="{alias}"'
    assert value(read(path), "documents_acknowledged", index) == 40
    assert value(read(path), "state", index, 'state="done"') == 1
    elasticsearch.delete_index(f"{alias}-1")


def test_a_place_that_is_none_is_told_at_once(make_job, database, tmp_path):
    job = make_job(database.make_numbers(1), url=NOWHERE)
    result = job.run("--metrics", tmp_path / "nowhere" / "a.prom")
    assert result.returncode == 78 and "nowhere" in result.stderr
    assert not job.spool.exists()


def test_the_rules_and_the_dashboard_name_what_bobbin_writes(elasticsearch, bobbin, make_job, database, gate, tmp_path):
    path = tmp_path / "image.prom"
    assert make_job(database.make_numbers(1), elasticsearch).run("--metrics", path).returncode == FINISHED
    server = Server(bobbin, database, elasticsearch, tmp_path).start()
    client = Client(server.url)
    written = names_of(path.read_text()) | names_of(client.session.get(f"{server.url}/metrics").text)
    server.stop()
    for file in ("alerts.yaml", "alerts-test.yaml", "dashboard.json"):
        used = set(NAMES.findall((MONITORING / file).read_text())) - NODE_EXPORTERS
        assert used <= written, f"{file}: nobody writes {used - written}"
    documented = set(NAMES.findall((ROOT / "docs" / "monitoring.md").read_text())) - NODE_EXPORTERS
    assert written == documented


def test_each_rule_says_what_it_is_meant_to(promtool):
    checked = promtool("test", "rules", "alerts-test.yaml")
    assert checked.returncode == 0, checked.stderr + checked.stdout
    rules = (MONITORING / "alerts.yaml").read_text()
    tests = (MONITORING / "alerts-test.yaml").read_text()
    assert set(re.findall(r"alert: (\w+)", rules)) == set(re.findall(r"alertname: (\w+)", tests))


def test_the_dashboards_expressions_can_be_parsed(promtool, tmp_path):
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    rules = {"groups": [{"name": "d", "rules": [{"record": f"r{i}", "expr": expression}
                                               for i, expression in enumerate(expressions)]}]}
    path = tmp_path / "rules.yaml"
    path.write_text(json.dumps(rules))  # JSON is YAML
    checked = promtool("check", "rules", path)
    assert checked.returncode == 0, checked.stderr
