"""The documentation is true: its commands work, its tables are the program's."""

import os
import re
import shlex
import subprocess

import pytest

from documents import blocks, bobbin_words, commands, given_file, program
from engines import ROOT, free_address
from jobs import DEAD_LETTERS, FINISHED, wait_for
from serving import Client

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")], key=lambda page: page.name)
FOLLOWED_PROGRAMS = ("bobbin", "psql", "curl", "zcat", "zstdcat", "export")
OTHER_PROGRAMS = ("airflow", "apt-get", "autoreconf", "aws", "bench/plot", "bench/run", "data=$(gzip", "echo", "elasticdump",
                  "gpg", "journalctl", "kubectl", "node_exporter", "pip", "podman", "script/apt-repo", "script/deb",
                  "script/demo", "script/lib/chroot", "script/packages", "script/test", "systemctl")
PROGRAMS = FOLLOWED_PROGRAMS + OTHER_PROGRAMS
ENGINE = ("http://localhost:9200", "http://es:9200", "https://es:9200")
SERVER = "http://localhost:8003"
DIRECTORIES = ("/var/lib/bobbin-metrics", "/var/lib/bobbin", "/var/spool/bobbin", "/var/tmp/bobbin-serve")

# Pages that are followed from their first command to their last, and what doesn't end with 0 there.
FOLLOWED = {
    "quick-start.md": {},
    "tutorial.md": {"bobbin run --dsn service=shop --query product.sql": DEAD_LETTERS},
    "configuration.md": {},
    "monitoring.md": {},
    "migrating.md": {},
    "faq.md": {},
    "operating.md": {},
    "engines.md": {},
    "aws.md": {},
    "fleet.md": {},
    "refresh.md": {},
    "serve.md": {},
    "shards.md": {},
    "README.md": {},
}
JOB_BEFORE = ("faq.md", "operating.md")  # they speak of a job that has been run
NO_FIXTURE = ("tutorial.md",)  # it makes the tables itself

# What the pages' tests don't run, and who does.
NOT_HERE = {
    "bobbin job watch product --config": "its workers are instances: tests/packages/test_aws_boot.py",
    "bobbin run --config product.conf --url https://search-shop": "AWS is not at hand: test_aws.py signs for moto",
    "bobbin run --config product.conf --url https://es:9200 --ca": "test_access.py has TLS and users",
    "airflow providers list": "tests/packages/test_airflow.py",
    "apt-get install ./build/deb/": "tests/packages/test_install.py",
    "autoreconf -fi": "script/test",
    "aws ": "tests/packages/test_aws_page.py",
    "bench/": "test_bench.py runs bench/run with less",
    "data=$(gzip": "tests/packages/test_aws_page.py",
    "echo 'deb": "tests/packages/test_install.py",
    "elasticdump": "the other side of a comparison",
    "gpg --armor": "tests/packages/test_install.py",
    "journalctl": "tests/packages/test_systemd.py",
    "kubectl": "script/try-kubernetes, which has an API server",
    "node_exporter": "test_metrics.py",
    "pip install": "tests/packages/test_airflow.py",
    "podman": "buildah does the same: tests/packages/test_kubernetes.py",
    "script/apt-repo": "tests/packages/test_install.py",
    "script/deb": "tests/packages",
    "script/demo": "it is a test by itself",
    "script/lib/chroot": "tests/packages/system.py",
    "script/packages": "script/test",
    "script/test": "it is what runs this",
    "systemctl enable": "tests/packages/test_systemd.py",
}

# Blocks that are neither a file nor commands begin so.
SHOWN = {
    "README.md": ["rows read"],
    "airflow.md": ["from bobbin_airflow", "image = "],
    "migrating.md": ["input {", "cursor = "],
    "monitoring.md": ["[Service]"],
    "quick-start.md": ["rows read"],
    "refresh.md": ["SELECT", "steps/before"],
    "snapshots.md": ["the snapshot", "SELECT"],
    "spool-format.md": ['{"time"'],
    "tutorial.md": ["columns:", "rows read"],
}

FILES = {
    "product.sql": "SELECT id, name, price, updated_on FROM product\n",
    "event.sql": 'SELECT id, created_on AS "@timestamp", kind FROM event\n',
    "product.json": '{"settings": {"number_of_shards": 1, "number_of_replicas": 0}, '
                    '"mappings": {"dynamic": false, "properties": {"name": {"type": "keyword"}}}}\n',
    "product.conf": "dsn = service=shop\nquery = product.sql\nurl = http://localhost:9200\nindex = product\n"
                    "alias = product-live\ncreate-index = product.json\nspool = product.spool\n",
    "models/product.conf": "dsn = service=shop\nkey = id\nurl = http://localhost:9200\ncreate-index = product.json\n",
    "terms.txt": "forbidden\n",
    "product.ndjson": "".join(f'{{"_id": "{i}", "_source": {{"name": "n"}}}}\n' for i in range(30)),
    "elastic.password": "secret\n",
    "ca.crt": "",
}
SETUP = "echo fail-with-body >.curlrc; printf '{\"sku\": \"a\"}\\n' | gzip > product.json.gz; mkdir -m 700 bobbin bobbin-metrics"


def of_page(page):
    return [command for _, code in blocks(page.read_text()) for command in commands(code, PROGRAMS)]


def steps_of(page):
    """(name, content) of a file that the page gives, and (None, command), in their order."""
    for before, code in blocks(page.read_text()):
        if name := given_file(before):
            yield name, code
        else:
            yield from ((None, command) for command in commands(code, PROGRAMS))


def reason_of(command, table):
    return next((table[start] for start in table if command.startswith(start)), None)


class Reader:
    """Somebody who follows a page: in a directory with its files, a database and a cluster of their own."""

    def __init__(self, bobbin, postgres, engine, page, directory):
        self.bobbin, self.engine, self.page, self.directory = bobbin, engine, page, directory
        self.server, self.client = free_address(), None
        conninfo = postgres.fresh_database("shop")
        if page.name not in NO_FIXTURE:
            postgres.psql("-f", ROOT / "tests" / "integration" / "data" / "shop.sql", conninfo=conninfo)
        (directory / "pg_service.conf").write_text("[shop]\n" + "\n".join(conninfo.split()) + "\n")
        for name, content in FILES.items():
            self.write(name, content)
        self.env = {**os.environ, "PATH": f"{self.bobbin.path.parent}:{os.environ['PATH']}", "no_proxy": "*",
                    "PGSERVICEFILE": str(directory / "pg_service.conf"), "CURL_HOME": str(directory),
                    "JOB_COMPLETION_INDEX": "3"}
        self.shell(SETUP)
        self.clear()
        if page.name in JOB_BEFORE:
            self.follow("bobbin run --config product.conf", FINISHED)

    def write(self, name, content):
        path = self.directory / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text(self.here(content))
        path.chmod(0o600)

    def here(self, text):
        for address in ENGINE:
            text = text.replace(address, self.engine.url)
        for name in DIRECTORIES:
            text = text.replace(name, os.path.basename(name))
        text = text.replace("host=db dbname=shop", "service=shop").replace(SERVER, f"http://{self.server}")
        return text.replace("--shards 64", "--shards 6")  # of 300 rows

    def clear(self):
        """All indices and data streams go."""
        self.engine.must("DELETE", "_data_stream/*")
        for index in self.engine.must("GET", "_aliases"):
            self.engine.delete_index(index)

    def shell(self, command):
        """What it exports is there for the next one."""
        script = f". ./exports\n{command}\nstatus=$?\nexport -p >exports\nexit $status"
        (self.directory / "exports").touch()
        return subprocess.run(["bash", "-c", script], cwd=self.directory, env=self.env, check=False,
                              capture_output=True, text=True, timeout=60)

    def follow(self, command, status):
        done = self.shell(self.here(command))
        assert done.returncode == status, f"{self.page.name}: {command}\n{done.stdout[-1000:]}{done.stderr[-2000:]}"
        return done

    def leave_running(self, command):
        """A server, which ends with the test."""
        words = shlex.split(self.here(command), comments=True)
        process = self.bobbin.start([*words[1:], "--listen", self.server], env=self.env, cwd=self.directory)
        wait_for(lambda: "listening on" in process.stderr_text() or process.poll() is not None, "a server")
        self.client = Client(f"http://{self.server}")

    def assert_first_task_is_done(self):
        """A later one may have been stopped."""
        first = wait_for(lambda: (tasks := self.client.list()) and not tasks[-1]["active"] and tasks[-1], "a task's end")
        assert (first["error"], first["progress"]) == (None, 100)


@pytest.mark.parametrize("name", FOLLOWED)
def test_a_page_can_be_followed(opensearch, bobbin, postgres, tmp_path, name):
    page = ROOT / "README.md" if name == "README.md" else ROOT / "docs" / name
    reader = Reader(bobbin, postgres, opensearch, page, tmp_path)
    expected = dict(FOLLOWED[name])
    for name, command in steps_of(page):
        if name:
            reader.write(name, command)
        elif command.startswith("bobbin serve"):
            reader.leave_running(command)
        elif not reason_of(command, NOT_HERE):
            start = next((start for start in expected if command.startswith(start) and "--dry-run" not in command), None)
            reader.follow(command, expected.pop(start) if start else FINISHED)
    assert not expected, f"nothing ended so: {expected}"
    if reader.client:
        reader.assert_first_task_is_done()
    bobbin.end_all()
    reader.clear()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_command_is_one_that_bobbin_takes(bobbin, tmp_path, page):
    (tmp_path / "models").mkdir()
    for name, content in FILES.items():
        (tmp_path / name).write_text(content)
    for command in of_page(page):
        if program(command) != "bobbin":
            continue
        words = bobbin_words(command)
        if words in (["--help"], ["--version"]):
            continue
        done = bobbin.run([*words, "--help"], cwd=tmp_path)
        assert done.returncode == FINISHED, f"{command}\n{done.stderr}"


def is_commands(lines):
    """Does each line begin with a program, or go on with the line before?"""
    return all(program(line) in PROGRAMS or before.endswith("\\") for before, line in zip(["", *lines], lines))


def what_is_shown(page):
    """The parts of blocks, between empty lines, that are neither a file nor commands."""
    parts = [part for before, code in blocks(page.read_text()) if not given_file(before) for part in code.split("\n\n")]
    return [part for part in parts if not is_commands(part.splitlines())]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_block_is_a_file_or_commands_or_known_to_be_shown(page):
    shown, starts = what_is_shown(page), SHOWN.get(page.name, [])
    assert len(shown) == len(starts), shown
    for part, start in zip(shown, starts):
        assert part.startswith(start)


def test_each_command_is_followed_or_somebody_else_runs_it():
    for page in PAGES:
        for command in of_page(page):
            is_followed = page.name in FOLLOWED and program(command) in FOLLOWED_PROGRAMS
            assert is_followed or reason_of(command, NOT_HERE), f"{page.name}: {command}"


def test_a_reason_is_not_kept_longer_than_its_command():
    found = [command for page in PAGES for command in of_page(page)]
    for start in NOT_HERE:
        assert any(command.startswith(start) for command in found), start


def test_links_lead_somewhere():
    for page in PAGES:
        for name in re.findall(r"(?<![\w/])(?:docs|examples|packaging|tests|script|bench|src)/[\w./-]*\w", page.read_text()):
            is_there = (ROOT / name).exists() or list(ROOT.glob(name + ".*")) or list(ROOT.glob(name + "*"))
            assert is_there, f"{page.name}: {name}"


def test_every_exit_status_is_explained():
    kinds = re.findall(r'^KIND\((\w+), (\d+), \w+, "(.*)"\)$', (ROOT / "src/base/errors.def").read_text(), re.MULTILINE)
    page = (ROOT / "docs" / "operating.md").read_text()
    rows = re.findall(r"^\| (\d+) \| (\w+) \| (.+?) \| .+ \|$", page, re.MULTILINE)
    assert [(name, status, words) for status, name, words in rows] == kinds


def test_the_messages_that_are_explained_are_those_of_the_program():
    source = "".join(path.read_text() for path in (ROOT / "src").rglob("*.c"))
    source = re.sub(r'"\s*(?:PRI\w+\s*)?"', "", source)  # literals side by side are one
    page = (ROOT / "docs" / "operating.md").read_text().split("## Messages")[1].split("## Every day")[0]
    messages = re.findall(r"^\| `(.+?)` \|", page, re.MULTILINE)
    assert len(messages) > 20
    for message in messages:
        for part in message.split("..."):
            assert part.strip() in source, f"nobody says \"{part}\""
