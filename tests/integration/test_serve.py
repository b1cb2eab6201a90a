"""bobbin serve: tasks by HTTP are done as jobs are, go on after anything, and strangers do no harm."""

import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
from contextlib import ExitStack

import pytest

from engines import ROOT
from jobs import STOPPED, next_name, wait_for
from serving import Client, Server, is_alive

ROWS = 600
HALF = 300  # rows before the gate
MISSING = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def table(database, gate):
    return database.make_numbers(ROWS)


@pytest.fixture
def make_serve(bobbin, database, gate, tmp_path):
    """make_serve(engine, options ...): a server that is not started yet."""
    return lambda engine=None, *options: Server(bobbin, database, engine, tmp_path, options)


@pytest.fixture
def served(make_serve, elasticsearch):
    """A server with an engine behind it, and its client."""
    server = make_serve(elasticsearch).start()
    return server, Client(server.url)


@pytest.fixture
def idle(make_serve):
    """A server without an engine."""
    server = make_serve().start()
    return server, Client(server.url)


def expected(database, table, start, end):
    return database.documents(f"SELECT id, body FROM {table} WHERE id BETWEEN {start} AND {end}")


@pytest.mark.sanitizers
def test_a_task_moves_its_rows_and_says_how_far_it_is(served, database, table, elasticsearch):
    server, client = served
    task_id, index = client.post(table, 101, 250)
    task = client.wait_for_end(task_id)
    assert task["error"] is None and task["progress"] == 100
    assert (task["model"], task["target_index"]) == ("rows", index)
    assert elasticsearch.documents(index) == expected(database, table, 101, 250)
    second, _ = client.post(table, "250", "320", index, as_form=True)  # 250 is in both: it is sent again
    assert client.wait_for_end(second)["progress"] == 100
    assert elasticsearch.documents(index) == expected(database, table, 101, 320)
    assert [task["task_id"] for task in client.list()] == [second, task_id]
    assert not server.spool(task_id).exists()
    elasticsearch.delete_index(index)


def start_halfway(client, server, table, gate):
    """A task with HALF of its rows in the index; the others wait at the gate."""
    gate.shut()
    task_id, index = client.post(table, 1, ROWS)
    gate.wait_until_reached()
    half = 100 * HALF / ROWS
    task = wait_for(lambda: (task := client.task(task_id))["progress"] >= half and task, "half of the rows")
    assert task["progress"] == half and task["active"] and task["error"] is None
    return task_id, index


def finish(client, task_id, index, database, table, engine):
    task = client.wait_for_end(task_id)
    assert (task["error"], task["progress"]) == (None, 100)
    assert engine.documents(index) == expected(database, table, 1, ROWS)
    engine.delete_index(index)


@pytest.mark.parametrize("how", ["stop", "kill", "kill the child"])
def test_a_task_goes_on_after_its_server_or_child_ended(served, database, table, gate, elasticsearch, how):
    server, client = served
    task_id, index = start_halfway(client, server, table, gate)
    child, = server.children()
    if how == "kill the child":
        os.kill(child, signal.SIGKILL)
    else:
        getattr(server, how)()
        wait_for(lambda: not is_alive(child), "the end of the child")
        client = Client(server.start().url)
        assert [task["task_id"] for task in client.list()] == [task_id]
    gate.open()
    finish(client, task_id, index, database, table, elasticsearch)


def test_a_deleted_task_stops_and_what_was_sent_stays(served, table, gate, elasticsearch):
    server, client = served
    task_id, index = start_halfway(client, server, table, gate)
    assert client.request("DELETE", f"/task/{task_id}").status_code == 202
    task = client.wait_for_end(task_id)
    assert task["progress"] == 50 and task["error"] == "stopped on request"
    assert server.children() == [] and not server.spool(task_id).exists()
    assert len(elasticsearch.documents(index)) == HALF
    assert client.request("DELETE", f"/task/{task_id}").status_code == 200
    elasticsearch.delete_index(index)


def test_others_wait_for_their_turn(make_serve, database, table, gate, elasticsearch):
    server = make_serve(elasticsearch, "--tasks", 1).start()
    client = Client(server.url)
    first, index = start_halfway(client, server, table, gate)
    second, other = client.post(table, 1, 10)
    assert client.task(second)["active"] and len(server.children()) == 1
    gate.open()
    finish(client, first, index, database, table, elasticsearch)
    assert client.wait_for_end(second)["error"] is None
    assert len(elasticsearch.documents(other)) == 10
    elasticsearch.delete_index(other)


def test_no_rows_are_all_rows(served, table):
    _, client = served
    task_id, _ = client.post(table, 10 * ROWS, 20 * ROWS)
    assert client.wait_for_end(task_id)["progress"] == 100


def test_dead_letters_are_an_error_and_stay(served, database, elasticsearch):
    server, client = served
    table = database.make_marked(100)
    index = next_name("served")
    elasticsearch.create_index(index, {"mappings": {"dynamic": False, "properties": {"body": {"type": "date"}}}})
    task_id, _ = client.post(table, 1, 100, index)
    task = client.wait_for_end(task_id)
    assert "100 documents were refused" in task["error"] and "(exit status 65)" in task["error"]
    assert task["progress"] < 100
    listed = server.bobbin.run(["dead", "list", server.spool(task_id)])
    assert listed.stdout.count("\n") > 100
    elasticsearch.delete_index(index)


def test_what_can_not_be_done_is_told(idle):
    server, client = idle
    task_id, _ = client.post("no_such_table", 1, 10)
    task = client.wait_for_end(task_id)
    assert "no_such_table" in task["error"] and "(exit status 78)" in task["error"]
    assert (task["progress"], server.children()) == (0, [])


def test_what_does_not_answer_is_given_up_after_a_while(make_serve, table):
    """Nothing listens at the cluster's address."""
    server = make_serve(None, "--give-up-after", "2s")
    server.start(env={"BOBBIN_GIVE_UP_AFTER": "500ms"})  # the children's: their command line has none
    client = Client(server.url)
    task_id, _ = client.post(table, 1, 10)
    task = client.wait_for_end(task_id)
    assert "(exit status 75)" in task["error"]
    assert "it ended early, and goes on in 1 s" in server.log()


GOOD = {"model_name": "rows", "table_name": "t", "target_index": "i", "start_id": 1, "end_id": 2}
REFUSED = {
    "no JSON": ({"data": "{"}, 400, "JSON"),
    "no object": ({"json": [GOOD]}, 400, "object"),
    "nothing": ({"data": ""}, 400, "JSON"),
    "unknown model": ({"json": {**GOOD, "model_name": "audio"}}, 400, "model_name \"audio\" is unknown"),
    "a path": ({"json": {**GOOD, "model_name": "../models/rows"}}, 400, "model_name"),
    "a statement": ({"json": {**GOOD, "table_name": "t; DROP TABLE t"}}, 400, "table_name"),
    "a schema": ({"data": {**GOOD, "table_name": "public.t"}}, 400, "identifier"),
    "an index's path": ({"json": {**GOOD, "target_index": "i/_doc"}}, 400, "target_index"),
    "out of order": ({"json": {**GOOD, "start_id": 3}}, 400, "out of order"),
    "words for ids": ({"data": {**GOOD, "end_id": "all"}}, 400, "end_id"),
    "a missing field": ({"data": {key: GOOD[key] for key in GOOD if key != "end_id"}}, 400, "end_id is missing"),
    "too large": ({"data": json.dumps(GOOD) + 65536 * " "}, 413, "64 KiB"),
    "far too large": ({"data": 5_000_000 * b"x"}, 413, "64 KiB"),
    "another site's": ({"json": GOOD, "headers": {"Origin": "http://evil.example"}}, 403, "another site"),
}


def test_what_is_wrong_is_refused_and_named(idle):
    server, client = idle
    for name, (arguments, status, words) in REFUSED.items():
        answer = client.request("POST", "/task", **arguments)
        assert answer.status_code == status, name
        assert words in answer.json()["message"], name
    for method, path, status in (("GET", f"/task/{MISSING}", 404), ("DELETE", f"/task/{MISSING}", 404),
                                 ("GET", "/nothing", 404), ("PUT", "/task", 405), ("DELETE", "/task", 405)):
        answer = client.request(method, path)
        assert answer.status_code == status and answer.json()["message"], (method, path)
    assert client.list() == [] and [path.name for path in server.state.iterdir()] == ["lock"]


def test_with_a_token_only_who_has_it_may_ask(make_serve, tmp_path):
    secret = tmp_path / "token"
    secret.write_text("s3cret-token\n")
    secret.chmod(0o600)
    server = make_serve(None, "--token-file", secret).start()
    stranger, friend = Client(server.url), Client(server.url, token="s3cret-token")
    for method, path in (("GET", "/"), ("GET", "/task"), ("POST", "/task"), ("GET", "/metrics"),
                         ("GET", f"/task/{MISSING}"), ("DELETE", f"/task/{MISSING}")):
        for client in (stranger, Client(server.url, token="s3cret-toke")):
            assert client.request(method, path).status_code == 401, (method, path)
        assert friend.request(method, path).status_code in (200, 400, 404), (method, path)
    assert stranger.request("GET", "/", auth=("anybody", "s3cret-token")).status_code == 200
    assert stranger.request("GET", "/healthcheck").status_code == 200
    assert "s3cret" not in server.log()


def test_no_secret_is_in_a_childs_command_line_or_in_the_state(make_serve, postgres, database, table, gate,
                                                              elasticsearch):
    server = make_serve(elasticsearch)
    path = server.models / "rows.conf"
    path.write_text(path.read_text().replace(
        database.conninfo, postgres.tcp_conninfo(dbname="tests", password="'bobbin'")) + "password = s3cret\n")
    path.chmod(0o600)
    client = Client(server.start().url)
    gate.shut()
    task_id, index = client.post(table, 1, ROWS)
    gate.wait_until_reached()
    child, = server.children()
    with open(f"/proc/{child}/cmdline", "rb") as words:
        assert b"password" not in (line := words.read()) and b"s3cret" not in line
    assert "s3cret" not in (server.state / f"{task_id}.json").read_text()
    gate.open()
    assert client.wait_for_end(task_id)["error"] is None
    elasticsearch.delete_index(index)


def test_two_servers_do_not_share_a_state(idle):
    server, _ = idle
    result = server.bobbin.run(["serve", "--listen", "127.0.0.1:0", "--models", server.models, "--state",
                                server.state], timeout=30)
    assert result.returncode == STOPPED and "another bobbin serve uses it" in result.stderr


CONNECTIONS = 1000


def test_a_thousand_slow_connections_keep_nobody_out(idle):
    server, client = idle
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    host, port = re.fullmatch(r"http://(.*):(\d+)", server.url).groups()
    with ExitStack() as stack:
        for number in range(CONNECTIONS):
            connection = stack.enter_context(socket.create_connection((host, int(port)), timeout=30))
            connection.sendall((b"", b"GET /healthcheck HT", b"POST /task HTTP/1.1\r\nHost: h\r\n"
                                b"Content-Length: 1000\r\n\r\n{")[number % 3])
        for _ in range(5):
            assert Client(server.url).request("GET", "/healthcheck").status_code == 200
        assert client.list() == []
        with open(f"/proc/{server.process.pid}/status", encoding="ascii") as status:
            resident = int(re.search(r"VmRSS:\s+(\d+) kB", status.read())[1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if "sanitizers" not in str(server.bobbin.path):
        assert resident < 64 << 10
    assert Client(server.url).request("GET", "/healthcheck").json() == {"status": "200 OK"}


def test_prometheus_reads_the_metrics(served, table, gate):
    server, client = served
    task_id, index = start_halfway(client, server, table, gate)
    answer = client.request("GET", "/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    samples = {}
    for line in answer.text.splitlines():
        if not line.startswith("#"):
            name, labels, value = re.fullmatch(r"([a-z_]+)\{(.*)\} (\d+)", line).groups()
            samples[name, labels] = int(value)
        else:
            assert re.fullmatch(r"# (HELP|TYPE) [a-z_]+ \S.*", line)
    labels = f'task_id="{task_id}",model="rows",target_index="{index}"'
    assert samples["bobbin_tasks", 'state="running"'] == 1
    assert samples["bobbin_task_rows", labels] == ROWS
    assert samples["bobbin_task_documents_acknowledged", labels] == HALF
    gate.open()
    client.wait_for_end(task_id)
    server.engine.delete_index(index)


def chromium(*words):
    program = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if not program:
        raise RuntimeError("no chromium: script/packages test installs it")
    done = subprocess.run([program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", *words],
                          capture_output=True, text=True, check=True, timeout=120)
    return done.stdout


def test_the_page_shows_a_bar_in_a_real_browser(served, table, gate, tmp_path):
    server, client = served
    task_id, index = start_halfway(client, server, table, gate)
    client.post("no_such_table", 1, 10)
    wait_for(lambda: not client.list()[0]["active"], "the end of a task that can't be done")
    picture = tmp_path / "page.png"
    page = chromium("--dump-dom", f"{server.url}/")
    assert f'id="{task_id}"' in page and "running, 50.00 %: 300 documents of 600 rows" in page
    assert 'value="50.00"' in page and "no_such_table" in page
    chromium(f"--screenshot={picture}", "--window-size=390,844", f"{server.url}/")
    assert picture.stat().st_size > 5000
    gate.open()
    client.wait_for_end(task_id)
    server.engine.delete_index(index)


def test_openverses_model_reads_the_generated_rows(make_serve, generated, elasticsearch, monkeypatch):
    """The example as it is, from its own directory: only the addresses come from the environment."""
    example = ROOT / "examples" / "openverse"
    monkeypatch.chdir(example)
    server = make_serve(elasticsearch)
    shutil.copytree(example / "models", server.models, dirs_exist_ok=True)
    index = next_name("served")
    elasticsearch.create_index(index, {"mappings": {"dynamic": False}})
    server.start(env={"BOBBIN_DSN": generated.conninfo, "BOBBIN_URL": elasticsearch.url})
    client = Client(server.url)
    task_id, _ = client.post("image", 1, 2000, index, as_form=True, model="image")
    task = client.wait_for_end(task_id)
    assert (task["error"], task["progress"]) == (None, 100)
    query = (example / "image.sql").read_text().replace("{table}", "image")
    rows, = generated.execute(f"SELECT count(*) FROM ({query}) q WHERE id BETWEEN 1 AND 2000")[0]
    assert len(elasticsearch.documents(index)) == rows > 0
    elasticsearch.delete_index(index)
