"""An Airflow with bobbin_airflow installed, a metadata database of its own, and Openverse's tables to refresh."""

import json
import os
import re
import shutil
import signal
import subprocess

from conftest import ROOT, run
from documents import commands_of_page
from jobs import NOWHERE, Database, wait_for

EXAMPLE = ROOT / "examples/openverse"
PACKAGE = ROOT / "packaging/airflow"
RUN_SECONDS = 180


def of_page(program):
    """The command of docs/airflow.md."""
    (command,) = commands_of_page(ROOT / "docs/airflow.md", [program])
    return command


class Airflow:
    """The package is installed as docs/airflow.md says, but beside Airflow's own virtual environment, which has all that it needs."""

    def __init__(self, directory, program, environment):
        self.runner, self.log = None, directory / "log"
        self.venv = run(ROOT / "script/lib/venv", "airflow").strip()
        self.directory, self.home, self.dags = directory, directory / "home", directory / "dags"
        self.dags.mkdir(parents=True)
        self.environment = {
            **os.environ, **environment, "AIRFLOW_HOME": str(self.home),
            "PIP_PREFIX": str(directory / "site"), "PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_QUIET": "1",
            "PYTHONPATH": str(directory / "site/lib/python3.11/site-packages"),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.dags), "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "PATH": f"{program.parent}:{self.venv}/bin:{os.environ['PATH']}", "no_proxy": "*"}
        self.environment.pop("PYTHONDONTWRITEBYTECODE", None)  # Airflow is large: it is compiled once
        self.install()
        self.sh("airflow db migrate")

    def install(self):
        command = of_page("pip")
        assert commands_of_page(ROOT / "docs/install.md", ["pip"]) == [command.split(" #")[0]]
        shutil.copytree(PACKAGE, self.directory / "packaging/airflow")
        self.sh(command)

    def sh(self, command):
        return run("sh", "-c", command, cwd=self.directory, env=self.environment)

    def add_connection(self, name, uri):
        """To be done before the beginning."""
        self.environment[f"AIRFLOW_CONN_{name.upper()}"] = uri

    def begin(self):
        """From here on DAGs can be run."""
        with open(self.log, "wb") as log:
            self.runner = subprocess.Popen(
                [f"{self.venv}/bin/python", ROOT / "tests/packages/run_dags.py"], stdin=subprocess.PIPE, stdout=log,
                stderr=log, env=self.environment, text=True, start_new_session=True)

    def start(self, file, dag):
        """Begin a run of a DAG."""
        return Flow(self, self.dags / file, dag)

    def close(self):
        if self.runner:
            end_group(self.runner)

    def kept(self):
        """All that anybody may read of the runs: the log and the metadata database."""
        return self.log.read_bytes() + b"".join(path.read_bytes() for path in self.home.glob("airflow.db*"))


def end_group(process):
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class Flow:
    """A run of a DAG."""

    def __init__(self, airflow, file, dag):
        self.airflow, self.begun = airflow, airflow.log.stat().st_size
        self.result = airflow.directory / f"{dag}.json"
        self.result.unlink(missing_ok=True)
        wish = {"file": str(file), "dag": dag, "result": str(self.result)}
        print(json.dumps(wish), file=airflow.runner.stdin, flush=True)

    def log(self):
        return self.airflow.log.read_bytes()[self.begun:].decode(errors="replace")

    def finish(self):
        """Wait for its end: (the run's state, task -> states)."""
        wait_for(lambda: self.result.exists() or self.airflow.runner.poll() is not None, "the DAG's end", RUN_SECONDS)
        assert self.result.exists(), self.log()[-6000:]
        found = json.loads(self.result.read_text())
        return found["state"], found["tasks"]

    def succeed(self):
        state, tasks = self.finish()
        assert state == "success", self.log()
        return tasks


class Openverse:
    """A live database, one upstream, a search engine, and a directory with config files for both models."""

    LIVE_ROWS, UPSTREAM_ROWS = 1000, 3000
    PASSWORD = "it's \\ 5ecret"

    def __init__(self, postgres, engine, directory):
        self.postgres, self.engine, self.directory = postgres, engine, directory / "configs"
        shutil.copytree(EXAMPLE, self.directory)
        self.upstream, self.live = self._make("upstream", self.UPSTREAM_ROWS), self._make("live", self.LIVE_ROWS)
        self._join()
        self.filter("castle")
        for model in ("image", "audio"):
            (self.directory / f"index-{model}.json").write_text(
                run(ROOT / "script/lib/plain-index", EXAMPLE / f"index-{model}.json"))
            self.write_config(model, model)

    def _make(self, name, rows):
        conninfo = self.postgres.fresh_database(name)
        self.postgres.psql("-v", f"rows={rows}", "-f", EXAMPLE / "schema.sql", "-f", EXAMPLE / "generate.sql",
                           conninfo=conninfo)
        return Database(self.postgres, conninfo)

    def _join(self):
        """The way upstream, and a user who can do it all and has a password."""
        socket, port = self.postgres.directory, self.postgres.port
        self.live.execute(f"""
            CREATE EXTENSION postgres_fdw;
            CREATE SERVER upstream FOREIGN DATA WRAPPER postgres_fdw
                OPTIONS (host '{socket}', port '{port}', dbname 'upstream');
            CREATE ROLE refresher SUPERUSER LOGIN PASSWORD %s;
            CREATE USER MAPPING FOR refresher SERVER upstream OPTIONS (user 'bobbin')""", (self.PASSWORD,))

    def write_config(self, name, model, more="", **changes):
        """NAME.conf: refresh.conf for the model, as it is here. It has no password, and no cluster. MORE: lines."""
        lines = {"dsn": f"host=127.0.0.1 port={self.postgres.port} dbname=live user=refresher", "query": f"{model}.sql",
                 "table": f"temp_import_{model}", "url": NOWHERE, "create-index": f"index-{model}.json",
                 "alias": model, "spool": self.directory / "spool", **changes}
        text = (EXAMPLE / "refresh.conf").read_text().replace("table=image", f"table={model}").replace(
            "upstream_table=image", f"upstream_table={model}")
        for key, value in lines.items():
            text, count = re.subn(rf"(?m)^{key} = .*$", lambda _, key=key, value=value: f"{key} = {value}", text)
            assert count == 1, key
        text = re.sub(r"(?m)^; (fields = )", r"\1", text).replace(
            "; terms = https://example.org/sensitive-terms.txt", "terms = terms.txt")
        (self.directory / f"{name}.conf").write_text(f"{text}\n[more]\nlease = 3s\n{more}")

    def filter(self, term):
        """The term that filtered indexes are to be without."""
        self.term = term
        (self.directory / "terms.txt").write_text(f"{term}\n")

    def has_term(self, document):
        """Does one of the fields that are looked at hold the term?"""
        texts = [document.get("title"), document.get("description"), *(tag["name"] for tag in document.get("tags", []))]
        return any(re.search(rf"\b{self.term}\b", str(text)) for text in texts)

    def behind(self, alias):
        """The one index that the alias stands for."""
        name, = self.engine.must("GET", f"_alias/{alias}")
        return name

    def make_old(self, alias):
        """An index that the alias stands for until it is replaced."""
        self.engine.must("PUT", f"{alias}-old/_doc/1?refresh=true", {"old": True})
        self.engine.must("PUT", f"{alias}-old/_alias/{alias}")

    def table_number(self, table):
        """Another table of the same name has another."""
        return self.live.execute(f"SELECT '{table}'::regclass::oid::bigint")[0][0]
