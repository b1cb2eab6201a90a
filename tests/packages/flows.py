"""An Airflow with bobbin_airflow installed, a metadata database of its own, and Openverse's tables to refresh."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys

from conftest import ROOT, run

sys.path.append(str(ROOT / "tests/integration"))

from jobs import Database, wait_for  # noqa: E402

EXAMPLE = ROOT / "examples/openverse"
PACKAGE = ROOT / "packaging/airflow"
RUN_SECONDS = 180


class Airflow:
    """The package is a wheel that pip has made and installed, beside Airflow's own virtual environment."""

    def __init__(self, directory, program, environment):
        self.runner, self.log = None, directory / "log"
        self.venv = run(ROOT / "script/lib/venv", "airflow").strip()
        self.directory, self.home, self.dags = directory, directory / "home", directory / "dags"
        self.dags.mkdir(parents=True)
        self.environment = {
            **os.environ, **environment, "AIRFLOW_HOME": str(self.home), "PYTHONPATH": str(directory / "site"),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.dags), "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "PATH": f"{program.parent}:{os.environ['PATH']}", "no_proxy": "*"}
        wheels = directory / "wheels"
        pip = [f"{self.venv}/bin/pip", "--quiet", "--disable-pip-version-check"]
        source = shutil.copytree(PACKAGE, directory / "source")
        run(*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", wheels, source)
        run(*pip, "install", "--no-deps", "--target", directory / "site", *wheels.glob("*.whl"))
        self.airflow("db", "migrate")

    def airflow(self, *words):
        return run(f"{self.venv}/bin/airflow", *words, env=self.environment)

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
        print(json.dumps({"file": str(file), "dag": dag, "result": str(self.result)}), file=airflow.runner.stdin, flush=True)

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
            CREATE SERVER upstream FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '{socket}', port '{port}', dbname 'upstream');
            CREATE ROLE refresher SUPERUSER LOGIN PASSWORD %s;
            CREATE USER MAPPING FOR refresher SERVER upstream OPTIONS (user 'bobbin')""", (self.PASSWORD,))

    def write_config(self, name, model, more="", **changes):
        """refresh.conf for the model, and for the engines of the test: NAME.conf. It has no password. MORE: more lines."""
        lines = {"dsn": f"host=127.0.0.1 port={self.postgres.port} dbname=live user=refresher", "query": f"{model}.sql",
                 "table": f"temp_import_{model}", "url": self.engine.url, "create-index": f"index-{model}.json",
                 "alias": model, "spool": self.directory / "spool", **changes}
        text = (EXAMPLE / "refresh.conf").read_text().replace("table=image", f"table={model}").replace(
            "upstream_table=image", f"upstream_table={model}")
        for key, value in lines.items():
            text, count = re.subn(rf"(?m)^{key} = .*$", lambda _, key=key, value=value: f"{key} = {value}", text)
            assert count == 1, key
        text = re.sub(r"(?m)^; (fields = )", r"\1", text).replace(
            "; terms = https://example.org/sensitive-terms.txt", "terms = terms.txt")
        (self.directory / f"{name}.conf").write_text(f"{text}\n[more]\nlease = 2s\n{more}")

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
