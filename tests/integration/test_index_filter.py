"""index filter: a copy without the documents that hold a term, by a task of the cluster that outlives every kill."""

import http.server
import json
import random
import signal
import threading

import pytest

from jobs import CONFIG, DIFFERENT, FINISHED, KILLED, STOPPED, USAGE, wait_for
from steps import Steps

COUNT = 2400
WORDS = [f"word{i}" for i in range(400)]
SENSITIVE = [*WORDS[:40], "two words", "provider9"]
FIELDS = ["title.raw", "tags.name.raw", "provider"]
TEXT = {"type": "text", "analyzer": "english", "fields": {"raw": {"type": "text"}}}
BODY = {"settings": {"number_of_shards": 2, "number_of_replicas": 0, "refresh_interval": "30s",
                     "max_terms_count": 25},
        "mappings": {"dynamic": False, "_meta": {"theirs": 1}, "properties": {
            "title": TEXT, "tags": {"properties": {"name": TEXT}}, "provider": {"type": "keyword"},
            "hidden": {"type": "keyword", "index": False, "doc_values": False}}}}
SLOW = ["--requests-per-second", 20]  # a batch of each shard, then minutes of rest


def make_documents():
    """Some words in the title, in two tags, a provider; a fixed seed."""
    choose = random.Random(7).choice
    return {str(i): {"title": f"{choose(WORDS)} {choose(WORDS).upper()}",
                     "tags": [{"name": choose(WORDS)}, {"name": choose(WORDS)}],
                     "provider": f"provider{i % 20}"} for i in range(COUNT)}


def is_sensitive(document):
    """As the fields' analysers see it: text in lower case, word by word; a keyword whole."""
    words = document["title"].lower().split() + [tag["name"] for tag in document["tags"]]
    return any(word in SENSITIVE for word in words) or document["provider"] in SENSITIVE


DOCUMENTS = make_documents()
KEPT = {key: document for key, document in DOCUMENTS.items() if not is_sensitive(document)}


class Filter(Steps):
    """A source of COUNT documents, and the index that they are filtered into."""

    def __init__(self, bobbin, engine, directory):
        super().__init__(bobbin, engine)
        self.terms = directory / "terms.txt"
        self.terms.write_text("\n".join(SENSITIVE) + "\n")
        self.source, self.into = self.make(BODY, "full"), self.name("filtered")
        self.put(self.source, DOCUMENTS)  # and no refresh

    def options(self, *more, fields=FIELDS, terms=None):
        words = [word for field in fields for word in ("--fields", field)]
        return ["--into", self.into, *words, "--terms", terms or self.terms, *more]

    def filter(self, *more, env=None, **others):
        return self.run("filter", self.source, *self.options(*more, **others), env=env)

    def begin(self, *more):
        """Start it; return when its task is noted."""
        process = self.start("filter", self.source, *self.options(*more))
        self.wait_for_task()
        return process

    def wait_for_task(self):
        def noted():
            return self.exists(self.into) and self.note(self.into, "filter")["task"]
        return wait_for(noted, "a task")

    def tasks(self):
        """Whole reindex tasks that run now."""
        nodes = self.engine.must("GET", "_tasks?actions=*reindex&detailed=true")["nodes"]
        return [task for node in nodes.values() for task, what in node["tasks"].items()
                if "parent_task_id" not in what and f"[{self.into}]" in what["description"]]

    def assert_filtered(self, result):
        assert result.returncode == FINISHED, result.stderr
        left_out = COUNT - len(KEPT)
        assert result.stdout == f"source {COUNT} documents, left out {left_out}, index {len(KEPT)}\n"
        assert self.engine.documents(self.into) == KEPT


@pytest.fixture
def filtering(bobbin, opensearch, tmp_path):
    filtering = Filter(bobbin, opensearch, tmp_path)
    yield filtering
    if opensearch.is_up:
        for task in filtering.tasks():
            opensearch.request("POST", f"_tasks/{task}/_cancel?wait_for_completion=true")
    filtering.remove()


def refused(result, status, words):
    assert (result.returncode, result.stdout) == (status, ""), result.stderr
    assert words in result.stderr, result.stderr


def test_documents_with_a_term_are_left_out_and_no_others(filtering):
    assert 0.2 * COUNT < len(KEPT) < 0.8 * COUNT
    result = filtering.filter("--async-translog")
    filtering.assert_filtered(result)
    assert "--fields title.raw: of its type, text, single words are compared" in result.stderr
    assert filtering.loading(filtering.into) == ("-1", "0")
    filtering.do("restore", filtering.into)
    settings = filtering.settings(filtering.into)
    assert (settings["index.refresh_interval"], settings["index.number_of_shards"]) == ("30s", "2")
    of_both = [filtering.engine.must("GET", f"{index}/_mapping")[index]["mappings"]
               for index in (filtering.source, filtering.into)]
    assert of_both[0]["properties"] == of_both[1]["properties"] and of_both[1]["dynamic"] == "false"
    assert filtering.meta(filtering.source) == {"theirs": 1} and filtering.meta(filtering.into)["theirs"] == 1


def test_an_alias_is_the_index_that_it_stands_for(filtering):
    index, alias = filtering.source, filtering.name("alias")
    filtering.engine.must("PUT", f"{index}/_alias/{alias}")
    filtering.source = alias
    filtering.assert_filtered(filtering.filter())
    assert filtering.note(filtering.into, "filter")["source"] == index
    filtering.engine.must("PUT", f"{filtering.into}/_alias/{alias}")
    refused(filtering.filter(), CONFIG, f"{alias} is the name of an alias")


def test_a_second_run_counts_only_and_what_is_lost_comes_back(filtering):
    filtering.assert_filtered(filtering.filter())
    assert "is filtered already" in filtering.filter().stderr
    lost = next(iter(KEPT))
    filtering.engine.must("DELETE", f"{filtering.into}/_doc/{lost}")
    result = filtering.filter()
    assert result.returncode == DIFFERENT and f"{filtering.into} has {len(KEPT) - 1}" in result.stderr
    filtering.assert_filtered(filtering.filter())


@pytest.mark.parametrize("point", ["filter-created", "filter-started"])
def test_killed_between_two_steps_it_goes_on_with_the_same_task(filtering, point):
    assert filtering.filter(*SLOW, env={"BOBBIN_CRASH_AT": point}).returncode == KILLED
    begun = filtering.tasks()
    assert len(begun) == (point == "filter-started")
    assert filtering.note(filtering.into, "filter")["task"] == ""
    filtering.assert_filtered(filtering.filter())
    if begun:
        assert filtering.note(filtering.into, "filter")["task"] == begun[0]


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGTERM])
def test_stopped_while_it_waits_the_task_goes_on_and_is_waited_for_again(filtering, signal_number):
    process = filtering.begin(*SLOW)
    process.send_signal(signal_number)
    assert process.wait(20) == (STOPPED if signal_number == signal.SIGTERM else KILLED)
    task, = filtering.tasks()
    if signal_number == signal.SIGTERM:
        assert f"task {task} goes on: the same command waits for it" in process.stderr_text()
    second = filtering.start("filter", filtering.source, *filtering.options(*SLOW))
    wait_for(lambda: second.poll() is not None or len(filtering.tasks()) == 1, "the second")
    second.kill()
    second.wait(20)
    filtering.engine.must("POST", f"_reindex/{task}/_rethrottle?requests_per_second=-1")
    result = filtering.filter()
    filtering.assert_filtered(result)
    assert filtering.note(filtering.into, "filter")["task"] == task


def test_two_at_once_do_no_harm(filtering):
    both = [filtering.start("filter", filtering.source, *filtering.options()) for _ in range(2)]
    statuses = [process.wait(60) for process in both]
    assert FINISHED in statuses and set(statuses) <= {FINISHED, DIFFERENT, STOPPED}
    filtering.assert_filtered(filtering.filter())


def test_a_task_that_is_cancelled_is_followed_by_another(filtering):
    process = filtering.begin(*SLOW)
    task, = filtering.tasks()
    filtering.engine.must("POST", f"_tasks/{task}/_cancel")
    assert process.wait(30) == STOPPED, process.stderr_text()
    assert f"task {task} failed: " in process.stderr_text()
    result = filtering.filter()
    filtering.assert_filtered(result)
    assert f"task {task} has failed: another one copies what is missing" in result.stderr


def test_a_task_that_its_node_lost_is_followed_by_another(filtering):
    process = filtering.begin(*SLOW)
    process.kill()
    process.wait(20)
    task, = filtering.tasks()
    filtering.engine.kill()
    filtering.engine.start()
    result = filtering.filter()
    filtering.assert_filtered(result)
    assert f"task {task} is lost: another one copies what is missing" in result.stderr


def test_a_filtered_index_is_promoted_when_it_is_done(filtering):
    alias = filtering.name("alias")
    killed = filtering.filter(*SLOW, env={"BOBBIN_CRASH_AT": "filter-started"})
    assert killed.returncode == KILLED
    filtering.do("restore", filtering.into)
    refused(filtering.run("promote", filtering.into, "--alias", alias), DIFFERENT, "is not filtered to its end")
    filtering.assert_filtered(filtering.filter())
    filtering.do("promote", filtering.into, "--alias", alias)
    assert list(filtering.behind(alias)) == [filtering.into]


class TermsServer(http.server.ThreadingHTTPServer):
    """Gives the terms at /terms, and keeps what it was asked with."""

    def __init__(self):
        self.asked = []
        super().__init__(("127.0.0.1", 0), TermsHandler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, path):
        return f"http://127.0.0.1:{self.server_port}{path}"


class TermsHandler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(dict(self.headers))
        text = "\r\n".join(SENSITIVE).encode() if self.path == "/terms" else b""
        self.send_response(200 if text else 404)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def test_the_terms_come_from_a_url_that_learns_no_credentials(filtering):
    server = TermsServer()
    try:
        env = {"BOBBIN_USER": "me", "BOBBIN_PASSWORD": "s3cret"}
        refused(filtering.filter(terms=server.url("/none"), env=env), CONFIG, "--terms: the server answered 404")
        filtering.assert_filtered(filtering.filter(terms=server.url("/terms"), env=env))
        assert len(server.asked) == 2 and not any("Authorization" in asked for asked in server.asked)
    finally:
        server.shutdown()
        server.server_close()


def test_what_would_filter_something_else_is_refused(filtering, tmp_path):
    empty = tmp_path / "empty.txt"
    empty.write_text("\n")
    one = tmp_path / "one.txt"
    one.write_text("word1\n")
    refused(filtering.filter(terms=empty), CONFIG, "--terms: it holds no term")
    refused(filtering.filter(terms=tmp_path / "none"), CONFIG, "none")
    refused(filtering.filter(fields=["titel.raw"]), CONFIG, "--fields titel.raw: the index has no such field")
    refused(filtering.filter(fields=["hidden"]), CONFIG, "--fields hidden: the field can't be searched")
    refused(filtering.run("filter", filtering.source, "--terms", one), USAGE, "--into is missing")
    refused(filtering.run("filter", filtering.into, "--into", filtering.into, "--fields", "provider", "--terms", one),
            USAGE, "is the index that is filtered")
    assert not filtering.exists(filtering.into)
    filtering.assert_filtered(filtering.filter())
    refused(filtering.filter(terms=one), CONFIG, "or by other terms or fields: delete it, and filter again")
    refused(filtering.filter(fields=["provider"]), CONFIG, "by other terms or fields")
    by_hand = filtering.make(BODY)
    refused(filtering.run("filter", filtering.source, "--into", by_hand, "--fields", "provider", "--terms", one),
            CONFIG, "is there already, and no filter made it")
    assert json.loads(filtering.filter("--json").stdout) == {
        "source": COUNT, "left_out": COUNT - len(KEPT), "index": len(KEPT)}
