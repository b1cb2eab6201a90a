"""bobbin serve, and a client of its API that was written from the API's description alone."""

import os
import re
import signal
from datetime import datetime

import requests

from jobs import FINISHED, next_name, wait_for

TASK_KEYS = {"task_id", "active", "model", "target_index", "progress", "start_time", "finish_time", "error"}
INDEX = '{"settings": {"number_of_replicas": 0, "number_of_shards": 1}, "mappings": {"dynamic": false}}'


class Server:
    """A server of one model, `rows`: the table's rows, at the gate when that is shut, in small windows."""

    QUERY = "SELECT id, body FROM {table} WHERE gate(id = 325)"

    def __init__(self, bobbin, database, engine, directory, options=()):
        self.bobbin, self.directory, self.engine = bobbin, directory, engine
        self.state = directory / "state"
        self.models = directory / "models"
        self.options = options
        self.models.mkdir()
        self.process = self.url = None
        query, body = directory / "rows.sql", directory / "index.json"
        query.write_text(self.QUERY)
        body.write_text(INDEX)
        url = engine.url if engine else "http://127.0.0.1:1"
        self.write_model("rows", f"dsn = {database.conninfo}\nquery = {query}\nurl = {url}\ncreate-index = {body}\n"
                         "window-rows = 50\nframe-size = 4K\nsegment-size = 16K\n")

    def write_model(self, name, text):
        (self.models / f"{name}.conf").write_text(text)

    def start(self, *options, env=None):
        """Start it; it listens when this returns."""
        self.process = self.bobbin.start(
            ["serve", "--listen", "127.0.0.1:0", "--models", self.models, "--state", self.state,
             *self.options, *options], env=env)
        found = wait_for(lambda: self.process.poll() is not None or re.search(
            r"listening on (http://\S+)", self.process.stderr_text()), "the server")
        assert self.process.poll() is None, self.log()
        self.url = found[1]
        return self

    def stop(self):
        """A clean stop."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == FINISHED, self.log()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(60)

    def log(self):
        return self.process.stderr_text()

    def children(self):
        """The numbers of its children."""
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        with open(path, encoding="ascii") as children:
            return [int(number) for number in children.read().split()]

    def spool(self, task):
        return self.state / f"{task}.spool"


class Client:
    """Speaks the API."""

    def __init__(self, url, token=None):
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False  # no proxy: it is this machine
        if token:
            self.session.headers["Authorization"] = f"Bearer {token}"

    def request(self, method, path, **arguments):
        return self.session.request(method, f"{self.url}{path}", timeout=30, **arguments)

    def post(self, table, start_id, end_id, index=None, as_form=False, model="rows"):
        """Start a task; (its id, the index)."""
        index = index or next_name("served")
        body = {"model_name": model, "table_name": table, "target_index": index, "start_id": start_id,
                "end_id": end_id}
        answer = self.request("POST", "/task", **({"data": body} if as_form else {"json": body}))
        assert answer.status_code == 202, answer.text
        accepted = answer.json()
        assert re.fullmatch("[0-9a-f]{32}", accepted["task_id"])
        assert accepted["status_check"] == f"{self.url}/task/{accepted['task_id']}"
        assert accepted["message"]
        return accepted["task_id"], index

    def task(self, task_id):
        """What the server says of a task; it is well-formed."""
        answer = self.request("GET", f"/task/{task_id}")
        assert answer.status_code == 200, answer.text
        task = answer.json()
        assert set(task) == TASK_KEYS and task["task_id"] == task_id
        assert 0 <= task["progress"] <= 100
        assert datetime_of(task["start_time"])
        assert (task["finish_time"] is None) == task["active"]
        return task

    def wait_for_end(self, task_id):
        """The task when it has ended; on the way its progress never falls, and is 100 at the end only."""
        progress = [0]

        def has_ended():
            task = self.task(task_id)
            assert task["progress"] >= progress[-1]
            assert not task["active"] or task["progress"] < 100
            progress.append(task["progress"])
            return None if task["active"] else task

        task = wait_for(has_ended, f"the end of task {task_id}")
        assert datetime_of(task["finish_time"]) >= datetime_of(task["start_time"])
        return task

    def list(self):
        return self.request("GET", "/task").json()


def datetime_of(text):
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}", text)
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f")


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
