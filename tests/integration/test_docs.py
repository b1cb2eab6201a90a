"""The documentation is true: its commands work, its tables are the program's."""

import contextlib
import itertools
import os
import re
import shlex
import subprocess
import sys

import pytest

from aws import SignedProxy
from documents import blocks, bobbin_words, commands, commands_of_page, given_file, mentions, program
from engines import ROOT, free_address
from jobs import DEAD_LETTERS, FINISHED, all_in, ledger, wait_for
from serving import Client

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")], key=lambda page: page.name)
FOLLOWED_PROGRAMS = ("bobbin", "psql", "curl", "elasticdump", "zcat", "zstdcat", "export")
ENGINE = ("http://localhost:9200", "http://es:9200", "https://es:9200")
AMAZON = "bobbin run --config product.conf --url https://search-shop"
SECURED = "bobbin run --config product.conf --url https://es:9200 --ca"
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
BEFORE = {("aws.md", "bobbin job watch"): "bobbin work product --config product.conf"}  # what an instance's unit does meanwhile
NO_FIXTURE = ("tutorial.md",)  # it makes the tables itself
ROWS = 300  # of data/shop.sql

# (page, how a command begins): who runs it, all that begin so on that page.
RUN_BY = {
    ("README.md", "script/demo"): "script/test",
    ("README.md", "script/deb"): "tests/packages/test_from_tree.py",
    ("README.md", "script/packages"): "tests/packages/test_from_tree.py",
    ("README.md", "script/test"): ".ci/run",
    ("airflow.md", "airflow"): "tests/packages/test_airflow.py",
    ("airflow.md", "pip"): "tests/packages/flows.py",
    ("aws.md", "aws"): "tests/packages/test_aws_page.py",
    ("aws.md", "data=$(gzip"): "tests/packages/test_aws_page.py",
    ("aws.md", "journalctl"): "tests/packages/test_systemd.py",
    ("benchmark.md", "bench/plot"): "tests/integration/test_bench.py",
    ("benchmark.md", "bench/run"): "tests/integration/test_bench.py",
    ("contributing.md", "script/lib/chroot"): "tests/packages/test_systemd.py",
    ("engines.md", AMAZON): "tests/integration/test_docs.py",
    ("engines.md", SECURED): "tests/integration/test_docs.py",
    ("install.md", "apt-get"): "tests/packages/test_install.py",
    ("install.md", "autoreconf"): "tests/packages/test_from_tree.py",
    ("install.md", "echo 'deb"): "tests/packages/test_install.py",
    ("install.md", "gpg"): "tests/packages/test_install.py",
    ("install.md", "pip"): "tests/packages/flows.py",
    ("install.md", "script/apt-repo"): "tests/packages/test_install.py",
    ("install.md", "script/deb"): "tests/packages/conftest.py",
    ("install.md", "script/packages"): "tests/packages/test_from_tree.py",
    ("install.md", "systemctl"): "tests/packages/test_systemd.py",
    ("kubernetes.md", "kubectl"): "script/try-kubernetes",
    ("kubernetes.md", "podman"): "tests/packages/image.py",
    ("kubernetes.md", "script/deb"): "tests/packages/conftest.py",
    ("monitoring.md", "node_exporter"): "tests/integration/test_metrics.py",
}
PROGRAMS = {*FOLLOWED_PROGRAMS, *(start.split()[0] for _, start in RUN_BY)}

# Blocks that are neither a file nor commands begin so.
SHOWN = {
    "README.md": ["created index", "rows read"],
    "airflow.md": ["from bobbin_airflow", "image = "],
    "architecture.md": ["PostgreSQL"],
    "kubernetes.md": ["restartPolicy", "volumes:", "apiVersion"],  # tests/packages/test_kubernetes.py adds them
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


def steps_of(page):
    """(name, content) of a file that the page gives, and (None, command), in their order."""
    for before, code in blocks(page.read_text()):
        if name := given_file(before):
            yield name, code
        else:
            yield from ((None, command) for command in commands(code, PROGRAMS))


def of_command(page, command, table):
    """What TABLE has for it; None if that is nothing."""
    return next((value for (name, start), value in table.items() if name == page.name and command.startswith(start)), None)


def elasticdump_path():
    """Where bench/others.py has put it from npm, with the Node that it wants."""
    node = subprocess.run([ROOT / "script/lib/venv", "node"], check=True, capture_output=True, text=True).stdout.strip()
    path = f"{node}/bin:{os.environ['PATH']}"
    made = subprocess.run([sys.executable, "-c", "import others; print(others.elasticdump('')[0].parents[2] / '.bin')"], check=True,
                          cwd=ROOT / "bench", env={**os.environ, "PATH": path}, capture_output=True, text=True).stdout
    return f"{made.splitlines()[-1]}:{path}"


class Reader:
    """Somebody who follows a page: in a directory with its files, a database and a cluster of their own."""

    def __init__(self, bobbin, postgres, engine, page, directory):
        self.bobbin, self.engine, self.page, self.directory = bobbin, engine, page, directory
        self.server, self.client = free_address(), None
        self.names = {**dict.fromkeys(ENGINE, engine.url), SERVER: f"http://{self.server}", "host=db dbname=shop": "service=shop",
                      "--shards 64": "--shards 6",  # of 300 rows
                      **{name: os.path.basename(name) for name in DIRECTORIES}}
        conninfo = postgres.fresh_database("shop")
        if page.name not in NO_FIXTURE:
            postgres.psql("-f", ROOT / "tests" / "integration" / "data" / "shop.sql", conninfo=conninfo)
        (directory / "pg_service.conf").write_text("[shop]\n" + "\n".join(conninfo.split()) + "\n")
        for name, content in FILES.items():
            self.write(name, content)
        path = elasticdump_path() if "elasticdump --" in page.read_text() else os.environ["PATH"]
        self.env = {**os.environ, "PATH": f"{self.bobbin.path.parent}:{path}", "no_proxy": "*",
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
        """The page's examples are what stands for them here."""
        for name, here in self.names.items():
            text = text.replace(name, here)
        return text

    def clear(self):
        """All indices and data streams go; the tests' Elasticsearch has none of the latter."""
        if self.engine.kind == "opensearch":
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

    def assert_tasks_end_well(self):
        """Those that were begun until now."""
        for task in self.client.list():
            assert self.client.wait_for_end(task["task_id"])["error"] is None


def path_of(name):
    return ROOT / name if name == "README.md" else ROOT / "docs" / name


@pytest.mark.parametrize("name", FOLLOWED)
def test_a_page_can_be_followed(opensearch, bobbin, postgres, tmp_path, name):
    reader = Reader(bobbin, postgres, opensearch, path_of(name), tmp_path)
    expected = dict(FOLLOWED[name])
    for name, command in steps_of(reader.page):
        if name:
            reader.write(name, command)
        elif command.startswith("bobbin serve"):
            reader.leave_running(command)
        elif not of_command(reader.page, command, RUN_BY):
            if before := of_command(reader.page, command, BEFORE):
                reader.follow(before, FINISHED)
            start = next((start for start in expected if command.startswith(start) and "--dry-run" not in command), None)
            reader.follow(command, expected.pop(start) if start else FINISHED)
            if reader.client:
                reader.assert_tasks_end_well()
    assert not expected, f"nothing ended so: {expected}"
    bobbin.end_all()
    reader.clear()


def follow_one(reader, start):
    """That command of the page alone; all rows are in."""
    (command,) = [command for command in commands_of_page(reader.page, PROGRAMS) if command.startswith(start)]
    assert all_in(ROWS) == ledger(reader.follow(command, FINISHED).stdout)
    reader.clear()


def test_the_command_for_a_cluster_with_tls_and_users(secured, bobbin, postgres, tmp_path):
    reader = Reader(bobbin, postgres, secured, path_of("engines.md"), tmp_path)
    reader.write("ca.crt", secured.tls("ca.crt").read_text())
    reader.write("elastic.password", "admin-s3cret")
    reader.names["--user elastic"] = "--user admin"
    follow_one(reader, SECURED)


def test_the_command_for_amazon(opensearch, bobbin, postgres, tmp_path):
    reader = Reader(bobbin, postgres, opensearch, path_of("engines.md"), tmp_path)
    with contextlib.closing(SignedProxy(opensearch, region="eu-central-1")) as door:
        door.know("AKID", "secret")
        reader.env |= {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret"}
        reader.names["https://search-shop.eu-central-1.es.amazonaws.com"] = door.url
        follow_one(reader, AMAZON)
        assert door.refused == [] and set(door.seen) == {("AKID", None)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_command_is_one_that_bobbin_takes(bobbin, tmp_path, page):
    (tmp_path / "models").mkdir()
    for name, content in FILES.items():
        (tmp_path / name).write_text(content)
    for command in commands_of_page(page, PROGRAMS):
        if program(command) not in FOLLOWED_PROGRAMS or "bobbin " not in command:
            continue
        words = bobbin_words(command)
        if words in (["--help"], ["--version"]):
            continue
        done = bobbin.run([*words, "--help"], cwd=tmp_path)
        assert done.returncode == FINISHED, f"{command}\n{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_sentence_mentions_is_there(bobbin, page):
    """Commands within lines, which are seldom whole: their names and options."""
    for mentioned in mentions(page.read_text()):
        names = list(itertools.takewhile(re.compile(r"[a-z][a-z-]*").fullmatch, mentioned.split()))
        done = bobbin.run([*names, "--help"])
        assert done.returncode == FINISHED, mentioned
        for option in re.findall(r"(?<!\S)--[a-z-]+", mentioned):
            assert option in ("--help", *re.findall(r"^  (--\S+)", done.stdout, re.M)), mentioned


def is_commands(lines):
    """Does each line begin with a program, or go on with the line before?"""
    return all(program(line) in PROGRAMS or before.endswith("\\") for before, line in zip(["", *lines], lines))


def what_is_shown(page):
    """The parts of blocks, between empty lines, that are neither a file nor commands."""
    parts = [part for before, code in blocks(page.read_text()) if not given_file(before) for part in re.split("\n\n+", code)]
    return [part for part in parts if not is_commands(part.splitlines())]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_block_is_a_file_or_commands_or_known_to_be_shown(page):
    shown, starts = what_is_shown(page), SHOWN.get(page.name, [])
    assert len(shown) == len(starts), shown
    for part, start in zip(shown, starts):
        assert part.startswith(start)


def test_each_command_is_followed_or_somebody_else_runs_it():
    for page in PAGES:
        for command in commands_of_page(page, PROGRAMS):
            is_followed = page.name in FOLLOWED and program(command) in FOLLOWED_PROGRAMS
            assert is_followed or of_command(page, command, RUN_BY), f"{page.name}: {command}"


@pytest.mark.parametrize("name, start", [*RUN_BY, *BEFORE])
def test_who_runs_a_command_is_there_and_so_is_the_command(name, start):
    assert any(command.startswith(start) for command in commands_of_page(path_of(name), PROGRAMS))
    assert (ROOT / RUN_BY.get((name, start), "README.md")).exists()


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
