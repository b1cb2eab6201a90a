"""The real PostgreSQL, Elasticsearch and OpenSearch, and bobbin itself, as objects for the tests.

How an engine is fetched, started and stopped is known to script/engine alone; this file calls it.
"""

import base64
import json
import os
import select
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import psycopg2

ROOT = Path(__file__).resolve().parents[2]
ENGINE = ROOT / "script" / "engine"
START_SECONDS = 1800  # a first start may have to fetch the engine
SCROLL_DOCUMENTS = 2000


class Engine:
    """One engine in a directory of its own, which goes when the tests are done."""

    start_verb = "start"

    def __init__(self, kind):
        self.kind = kind
        self.is_up = False
        self.settings = ""  # that it was started with
        # Not below pytest's own directory: the engine's user could not reach it.
        self.directory = Path(tempfile.mkdtemp(prefix=f"bobbin-{kind}-", dir="/tmp"))

    def _engine(self, *arguments, env=None):
        done = subprocess.run([ENGINE, *arguments], capture_output=True, text=True, check=False,
                              timeout=START_SECONDS, env={**os.environ, **(env or {})})
        if done.returncode != 0:
            raise RuntimeError(f"script/engine {' '.join(map(str, arguments))}:\n{done.stderr}")
        return done.stdout.strip()

    # A node of the tests is young and small: compiling its code well takes longer than the tests gain by it.
    JAVA_OPTIONS = "-XX:TieredStopAtLevel=1"

    def start(self, settings="", **environment):
        """Start it, with the data and on the port of the last time. SETTINGS: a node's, as
        `name=value name=value`. ENVIRONMENT: more of script/engine's."""
        environment |= {"BOBBIN_NODE_SETTINGS": settings, "BOBBIN_JAVA_OPTIONS": self.JAVA_OPTIONS}
        self.address = self._engine(self.start_verb, self.kind, self.directory, env=environment)
        self.is_up = True
        self.settings = settings

    def stop(self):
        """A clean stop. Its data stays."""
        self._engine("stop", self.directory)
        self.is_up = False

    def kill(self):
        """kill -9. Its data stays."""
        self._engine("kill", self.directory)
        self.is_up = False

    def restart(self, settings=""):
        self.stop()
        self.start(settings)

    def ensure_up(self, settings=""):
        """Up, with these settings."""
        if self.is_up and self.settings != settings:
            self.stop()
        if not self.is_up:
            self.start(settings)

    def remove(self):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)


class Postgres(Engine):
    """PostgreSQL: anyone on the unix socket, the password `bobbin` on 127.0.0.1."""

    def __init__(self):
        super().__init__("postgresql")

    @property
    def conninfo(self):
        """Where it listens: `host=... port=... user=bobbin dbname=postgres`."""
        return self.address

    @property
    def port(self):
        return int(psycopg2.extensions.parse_dsn(self.address)["port"])

    def tcp_conninfo(self, user="bobbin", password="bobbin", dbname="postgres"):
        return (f"host=127.0.0.1 port={self.port} user={user} password={password} "
                f"dbname={dbname}")

    def connect(self, conninfo=None):
        """A psycopg2 connection in autocommit mode; a server that a test has stopped is started.

        Without JIT, which for small tables that were never analysed takes a third of a second.
        """
        self.ensure_up()
        connection = psycopg2.connect(conninfo or self.conninfo)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SET jit = off")
        return connection

    def execute(self, sql, parameters=None, conninfo=None):
        """Run SQL on a connection of its own; the rows of the last statement, None if it has none."""
        connection = self.connect(conninfo)
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, parameters)
                return cursor.fetchall() if cursor.description else None
        finally:
            connection.close()

    def psql(self, *arguments, conninfo=None):
        """Run psql, which knows `-f FILE` and `-v name=value`; its output."""
        done = subprocess.run(
            ["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", conninfo or self.conninfo,
             *map(str, arguments)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"psql {arguments}: {done.stderr}")
        return done.stdout

    def fresh_database(self, name):
        """Make an empty database (a left one of that name goes); its conninfo."""
        self.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        self.execute(f'DROP DATABASE IF EXISTS "{name}"')  # waits 5 s for who is about to leave
        self.execute(f'CREATE DATABASE "{name}"')
        return self.conninfo.replace("dbname=postgres", f"dbname={name}")


class SearchEngine(Engine):
    """Elasticsearch or OpenSearch."""

    @property
    def url(self):
        return self.address

    def opener(self):
        return DIRECT

    def headers(self):
        """Those that all requests have."""
        return {}

    def send(self, method, path, body=None, timeout=60):
        """One request; (status, bytes). BODY: bytes or text as they are, other things as JSON."""
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        is_bulk = "_bulk" in path
        request = urllib.request.Request(
            f"{self.url}/{path.lstrip('/')}", data=body, method=method,
            headers={"Content-Type": "application/x-ndjson" if is_bulk else "application/json",
                     **self.headers()})
        try:
            with self.opener().open(request, timeout=timeout) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def request(self, method, path, body=None, timeout=60):
        """One request; (status, JSON), the JSON None when the answer is empty."""
        status, answer = self.send(method, path, body, timeout)
        return status, json.loads(answer) if answer else None

    def must(self, method, path, body=None):
        """A request that succeeds; its JSON."""
        status, answer = self.request(method, path, body)
        if status >= 300:
            raise RuntimeError(f"{method} {path}: {status} {answer}")
        return answer

    def create_index(self, name, body=None):
        self.must("PUT", name, body)

    def delete_index(self, name):
        """Delete it, if it is there."""
        self.must("DELETE", f"{name}?ignore_unavailable=true")

    def delete_documents(self, index):
        """Delete all documents; the index stays."""
        ids = list(self.documents(index))
        for at in range(0, len(ids), 20000):
            lines = [json.dumps({"delete": {"_id": name}}) for name in ids[at:at + 20000]]
            self.must("POST", f"{index}/_bulk?filter_path=errors", "\n".join(lines) + "\n")

    def refresh(self, index):
        self.must("POST", f"{index}/_refresh")

    def count(self, index):
        """How many documents a search sees: refresh first."""
        return self.must("GET", f"{index}/_count")["count"]

    def documents(self, index, **json_options):
        """All documents after a refresh: id -> _source. JSON_OPTIONS go to json.loads, for exact
        numbers for example: parse_float=decimal.Decimal."""
        self.refresh(index)
        documents = {}
        body = {"size": SCROLL_DOCUMENTS, "sort": ["_doc"], "query": {"match_all": {}}}
        status, answer = self.send("POST", f"{index}/_search?scroll=2m", body)
        while True:
            if status != 200:
                raise RuntimeError(f"{index}: {status} {answer[:1000]}")
            page = json.loads(answer, **json_options)
            if not page["hits"]["hits"]:
                break
            documents.update((hit["_id"], hit["_source"]) for hit in page["hits"]["hits"])
            status, answer = self.send("POST", "_search/scroll",
                                       {"scroll": "2m", "scroll_id": page["_scroll_id"]})
        self.must("DELETE", "_search/scroll", {"scroll_id": page["_scroll_id"]})
        return documents

    def source_bytes(self, index, document_id):
        """The source line of one document exactly as it was sent, or None."""
        name = urllib.request.quote(str(document_id), safe="")
        status, answer = self.send("GET", f"{index}/_source/{name}")
        return answer if status == 200 else None


class SecuredElasticsearch(SearchEngine):
    """Elasticsearch with TLS and users, as script/lib/secure-elasticsearch says."""

    start_verb = "start-secure"

    def __init__(self):
        super().__init__("elasticsearch")

    def tls(self, name):
        """The path of a certificate or key: ca.crt, client.key, ..."""
        return self.directory / "config" / "tls" / name

    def start(self, settings="", client_auth="none"):
        super().start(settings, BOBBIN_CLIENT_AUTH=client_auth)

    def opener(self):
        context = ssl.create_default_context(cafile=self.tls("ca.crt"))
        context.load_cert_chain(self.tls("client.crt"), self.tls("client.key"))
        return urllib.request.build_opener(urllib.request.ProxyHandler({}),
                                           urllib.request.HTTPSHandler(context=context))

    def headers(self):
        return {"Authorization": "Basic " + base64.b64encode(b"admin:admin-s3cret").decode()}


# The engines are on this machine: no proxy that the environment may name.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def free_address():
    """HOST:PORT at which nobody listens now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


class SearchEngines:
    """All search engines, at most one of them up: each wants a gigabyte and both cores. CLASSES: name -> class, of
    those that are not just a node."""

    def __init__(self, classes):
        self._classes = classes
        self._made = {}

    def get(self, kind):
        """The engine, perhaps down."""
        if kind not in self._made:
            self._made[kind] = self._classes[kind]() if kind in self._classes else SearchEngine(kind)
        return self._made[kind]

    def use(self, kind):
        """The engine, up, and the others down."""
        engine = self.get(kind)
        for other in self._made.values():
            if other is not engine and other.is_up:
                other.stop()
        engine.ensure_up()
        return engine

    def remove(self):
        for engine in self._made.values():
            engine.remove()


@dataclass
class Result:
    """What a finished bobbin left behind."""

    returncode: int  # negative: the signal that ended it
    stdout: str
    stderr: str
    maxrss_kib: int
    seconds: float


class Running(subprocess.Popen):
    """A started bobbin. Its output goes to files: nothing waits for a reader."""

    stdout_path: Path
    stderr_path: Path

    def wait(self, timeout=None):
        """Returns as soon as it ends: Popen's own looks with up to 50 ms between."""
        if timeout is None or self.returncode is not None:
            return super().wait()
        pidfd = os.pidfd_open(self.pid)
        try:
            is_over = select.select([pidfd], [], [], timeout)[0]
        finally:
            os.close(pidfd)
        return super().wait(None if is_over else 0)

    def stdout_text(self):
        return self.stdout_path.read_text(errors="replace")

    def stderr_text(self):
        return self.stderr_path.read_text(errors="replace")


class Bobbin:
    """Runs the program under test: $BOBBIN, or build/bobbin."""

    def __init__(self, directory):
        self.path = Path(os.environ.get("BOBBIN", ROOT / "build" / "bobbin")).resolve()
        if not os.access(self.path, os.X_OK):
            raise RuntimeError(f"{self.path}: no such program; build it or set BOBBIN")
        self._directory = directory
        self._started = []

    def _popen(self, command, env, **options):
        number = len(self._started)
        stdout_path = self._directory / f"{number}.out"
        stderr_path = self._directory / f"{number}.err"
        with open(stdout_path, "wb") as stdout, open(stderr_path, "wb") as stderr:
            process = Running([str(word) for word in command], stdin=subprocess.DEVNULL,
                              stdout=stdout, stderr=stderr, env={**os.environ, **(env or {})},
                              start_new_session=True, **options)
        process.stdout_path, process.stderr_path = stdout_path, stderr_path
        self._started.append(process)
        return process

    def start(self, args, env=None, **options):
        """Start it and go on; what still runs when the test ends is killed."""
        return self._popen([self.path, *args], env, **options)

    def start_shell(self, script, **options):
        """Start a shell with SCRIPT: what it starts is of one process group."""
        return self._popen(["sh", "-c", script], None, **options)

    def run(self, args, env=None, timeout=120, **options):
        """Run it to its end. Longer than TIMEOUT seconds is an error.

        A process begins with the peak memory of the one that it was forked from, so this large
        Python would be measured, not bobbin. time(1) is small: it starts bobbin and reads its
        getrusage.
        """
        usage = self._directory / f"{len(self._started)}.usage"
        begun = time.monotonic()
        process = self._popen(["time", "-q", "-f", "%M", "-o", usage, self.path, *args], env,
                              **options)
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            kill_group(process)
            raise RuntimeError(f"bobbin {args} ran longer than {timeout} s:\n"
                               f"{process.stderr_text()[-4000:]}") from None
        return Result(returncode=code if code < 128 else 128 - code, stdout=process.stdout_text(),
                      stderr=process.stderr_text(), maxrss_kib=int(usage.read_text()),
                      seconds=time.monotonic() - begun)

    def end_all(self):
        for process in self._started:
            kill_group(process)


def kill_group(process):
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
