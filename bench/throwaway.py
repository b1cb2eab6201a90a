"""The PostgreSQL and the Elasticsearch that bobbin is measured with: each started in a directory of its own."""

import json
import os
import time
import urllib.request
from pathlib import Path

from measuring import ROOT, run, say

PAUSE_SECONDS = 2  # for what the last measurement left to the disk and to the engine
WINDOW_ROWS = 50_000  # bobbin's default
# The session that bobbin reads in: compiling a window's plan takes longer than it saves.
SESSION = "-c TimeZone=UTC -c jit=off -c max_parallel_workers_per_gather=0"
INDEX = "bench"
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Engine:
    """PostgreSQL or Elasticsearch, by script/engine."""

    def __init__(self, kind, work):
        self.directory = work / kind
        self.address = run([ROOT / "script" / "engine", "start", kind, self.directory])

    def stop(self):
        run([ROOT / "script" / "engine", "stop", self.directory])

    def cpu(self):
        """CPU seconds of the process and of its children that ended."""
        pid = (self.directory / "pid").read_text().split()[0]
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


class Source(Engine):
    def __init__(self, work, shape):
        super().__init__("postgresql", work)
        self.shape = shape
        self.psql("-c", "ALTER SYSTEM SET wal_level = logical")  # for pgsync; what only reads doesn't notice
        self.stop()
        self.address = run([ROOT / "script" / "engine", "start", "postgresql", self.directory])

    def fill(self, rows):
        say(f"{self.shape.name}: generating {rows:,} rows")
        for script in self.shape.scripts:
            self.psql("-v", f"rows={rows}", "-f", script)
        self.psql("-c", "CHECKPOINT")
        self.query = self.shape.query.read_text().rstrip().rstrip(";").replace("{table}", self.shape.table)
        self.query_file = self.directory.with_name("query.sql")
        self.query_file.write_text(self.query)
        self.documents = int(self.ask(f"SELECT count(*) FROM ({self.query}\n) AS q"))
        self.last = int(self.ask(f"SELECT max(id) FROM {self.shape.table}"))

    def measured(self, measurement):
        """Its figures, with the CPU that the sessions took meanwhile."""
        os.sync()
        time.sleep(PAUSE_SECONDS)
        before = self.cpu()
        figures = measurement()
        time.sleep(0.5)  # a session's CPU time counts when it has ended
        figures.postgresql = self.cpu() - before
        return figures

    def psql_command(self, *arguments):
        return ["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", self.address, *arguments]

    def psql(self, *arguments):
        return run(self.psql_command(*arguments), env={**os.environ, "PGOPTIONS": SESSION})

    def ask(self, statement):
        return self.psql("-c", statement)

    def write_windows(self, path, part="true"):
        """The statements of a dump of PART of the rows: where the window ends, then the COPY of the window."""
        upto, left, statements = "", part, []
        while upto or not statements:
            bound = self.select("q.id", left, f" OFFSET {WINDOW_ROWS - 1} LIMIT 1")
            upto = self.ask(bound)
            window = f"{left} AND q.id <= {upto}" if upto else left
            statements += ["BEGIN READ ONLY", bound, f"COPY ({self.select('q.*', window)}) TO STDOUT",
                           "COMMIT"]
            left = f"{part} AND q.id > {upto}"
        path.write_text("".join(f"{statement};\n" for statement in statements))

    def select(self, what, where, tail=""):
        return f"SELECT {what} FROM ({self.query}\n) AS q WHERE {where} ORDER BY q.id{tail}"


class Target(Engine):
    def __init__(self, work, shape):
        super().__init__("elasticsearch", work)
        self.body = json.dumps(shape.index_body()).encode()

    def request(self, method, path, body=None):
        request = urllib.request.Request(f"{self.address}/{path}", data=body, method=method,
                                         headers={"Content-Type": "application/json"})
        with DIRECT.open(request, timeout=600) as response:
            return json.load(response)

    def version(self):
        nodes = self.request("GET", "_nodes?filter_path=nodes.*.version")["nodes"]
        return next(iter(nodes.values()))["version"]

    def empty_index(self):
        self.request("DELETE", f"{INDEX}?ignore_unavailable=true")
        self.request("PUT", INDEX, self.body)
        self.request("GET", f"_cluster/health/{INDEX}?wait_for_status=green&timeout=60s")

    def count(self):
        self.request("POST", f"{INDEX}/_refresh")
        return self.request("GET", f"{INDEX}/_count")["count"]
