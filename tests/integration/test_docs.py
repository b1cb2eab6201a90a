"""The documentation is true: its commands work, its tables are the program's."""

import os
import re
import subprocess

import pytest

from documents import blocks, bobbin_words, commands, given_file
from engines import ROOT
from jobs import DEAD_LETTERS, FINISHED

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")], key=lambda page: page.name)
PROGRAMS = ("bobbin", "psql", "curl", "zcat", "zstdcat")
HERE = ("http://localhost:9200", "http://es:9200", "https://es:9200")

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
    "README.md": {},
}
JOB_BEFORE = ("faq.md", "operating.md")  # they speak of a job that has been run
NO_FIXTURE = ("tutorial.md",)  # it makes the tables itself

# Commands of these pages that are not run. The option parser takes them all.
ONLY_ACCEPTED = {
    "aws.md": "instances: tests/packages/test_aws_boot.py",
    "fleet.md": "commands for several machines: test_fleet.py",
    "refresh.md": "steps with scripts and workers: test_refresh.py, test_index.py, test_table_steps.py",
    "shards.md": "a shard of sixteen: test_plan.py",
    "serve.md": "a server: test_serve.py",
}
NOT_RUN = {
    "bobbin run --config product.conf --url https://search-shop": "AWS is not at hand: test_aws.py signs for moto",
    "bobbin run --config product.conf --url https://es:9200 --ca": "test_access.py has TLS and users",
    "bobbin serve": "it doesn't end: test_serve.py",
    "curl http://localhost:8003": "it needs the server",
}

FILES = {
    "product.sql": "SELECT id, name, price, updated_on FROM product\n",
    "event.sql": 'SELECT id, created_on AS "@timestamp", kind FROM event\n',
    "product.json": '{"settings": {"number_of_shards": 1, "number_of_replicas": 0}, "mappings": {"dynamic": false}}\n',
    "product.conf": "dsn = service=shop\nquery = product.sql\nurl = http://localhost:9200\nindex = product\n"
                    "alias = product-live\ncreate-index = product.json\nspool = product.spool\n",
    "image.conf": "alias = image\n",
    "product.ndjson": "".join(f'{{"_id": "{i}", "_source": {{"name": "n"}}}}\n' for i in range(30)),
    "elastic.password": "secret\n",
    "ca.crt": "",
}
SETUP = "printf '{\"sku\": \"a\"}\\n' | gzip > product.json.gz; mkdir -m 700 metrics models"


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
        conninfo = postgres.fresh_database("shop")
        if page.name not in NO_FIXTURE:
            postgres.psql("-f", ROOT / "tests" / "integration" / "data" / "shop.sql", conninfo=conninfo)
        (directory / "pg_service.conf").write_text("[shop]\n" + "\n".join(conninfo.split()) + "\n")
        for name, content in FILES.items():
            self.write(name, content)
        self.shell(SETUP)
        self.clear()
        if page.name in JOB_BEFORE:
            self.follow("bobbin run --config product.conf", FINISHED)

    def write(self, name, content):
        (self.directory / name).write_text(self.here(content))
        (self.directory / name).chmod(0o600)

    def here(self, text):
        for address in HERE:
            text = text.replace(address, self.engine.url)
        return text.replace("host=db dbname=shop", "service=shop").replace("/var/lib/bobbin-metrics", "metrics")

    def clear(self):
        """All indices and data streams go."""
        self.engine.must("DELETE", "_data_stream/*")
        for index in self.engine.must("GET", "_aliases"):
            self.engine.delete_index(index)

    def shell(self, command):
        env = {**os.environ, "PATH": f"{self.bobbin.path.parent}:{os.environ['PATH']}", "no_proxy": "*",
               "PGSERVICEFILE": str(self.directory / "pg_service.conf")}
        return subprocess.run(["bash", "-c", command], cwd=self.directory, env=env, check=False,
                              capture_output=True, text=True, timeout=60)

    def follow(self, command, status):
        done = self.shell(self.here(command))
        assert done.returncode == status, f"{self.page.name}: {command}\n{done.stdout[-1000:]}{done.stderr[-2000:]}"
        return done


@pytest.mark.parametrize("name", FOLLOWED)
def test_a_page_can_be_followed(opensearch, bobbin, postgres, tmp_path, name):
    page = ROOT / "README.md" if name == "README.md" else ROOT / "docs" / name
    reader = Reader(bobbin, postgres, opensearch, page, tmp_path)
    expected = dict(FOLLOWED[name])
    for name, command in steps_of(page):
        if name:
            reader.write(name, command)
        if name or reason_of(command, NOT_RUN):
            continue
        start = next((start for start in expected if command.startswith(start) and "--dry-run" not in command), None)
        reader.follow(command, expected.pop(start) if start else FINISHED)
    assert not expected, f"nothing ended so: {expected}"
    reader.clear()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_command_is_one_that_bobbin_takes(bobbin, tmp_path, page):
    for name, content in FILES.items():
        (tmp_path / name).write_text(content)
    for command in of_page(page):
        if "bobbin " not in command:
            continue
        words = bobbin_words(command)
        if words in (["--help"], ["--version"]):
            continue
        done = bobbin.run([*words, "--help"], cwd=tmp_path)
        assert done.returncode == FINISHED, f"{command}\n{done.stderr}"


def test_what_is_not_run_is_in_the_documentation():
    """A reason is not kept longer than its command."""
    found = [command for page in PAGES for command in of_page(page)]
    with_commands = {page.name for page in PAGES if any("bobbin " in command for command in of_page(page))}
    assert with_commands == FOLLOWED.keys() | ONLY_ACCEPTED.keys()
    for start in NOT_RUN:
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
