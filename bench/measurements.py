"""What bench/run measures, each with the same rows and into an index made anew: the limits, bobbin, and the others.

All programs that write to the index are told the same rows. The files that some of them read (bulk bodies for
curl, lines of {"_id":...,"_source":...} for the loaders) are cut from a spool before.
"""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import Callable

import others
import pgsync_copy
from measuring import ROOT, DiskWatch, disk_use, fail, measure, say
from throwaway import INDEX, SESSION, Source, Target

BODY_BYTES = 4 << 20  # bobbin's default
CURLS = 2
BULK = "_bulk?filter_path=took,errors,items.*.status,items.*.error"  # as bobbin asks


class Bench:
    """One shape of rows in a PostgreSQL of its own, and an Elasticsearch to take them."""

    def __init__(self, program, work, shape):
        self.program = program
        self.work = work
        self.shape = shape
        self.source = self.target = None
        self.bytes = 0  # of all documents
        self.file = work / "documents.ndjson"

    def prepare(self, rows):
        self.source = Source(self.work, self.shape)
        self.source.fill(rows)
        self.source.write_windows(self.work / "windows.sql")
        self.target = Target(self.work, self.shape)
        say("preparing the bulk bodies and the loaders' file, and warming the engine up")
        self.dump()
        self.write_bodies()
        self.take(MEASUREMENTS["curl"])

    def stop(self):
        for engine in filter(None, (self.source, self.target)):
            engine.stop()

    def expect_documents(self, name):
        count = self.target.count()
        if count != self.source.documents:
            fail(f"{name}: {count} documents in the index, not {self.source.documents}")

    def take(self, measurement):
        """One measurement, into an empty index when it writes to one."""
        self.target.empty_index()
        figures = self.source.measured(lambda: self.measured(measurement))
        if measurement.fills_index:
            self.expect_documents(measurement.name)
        say(f"{measurement.name}: {figures.wall:.2f} s, {figures.cpu:.2f} s of CPU, {figures.rss:.1f} MiB")
        return figures

    def measured(self, measurement):
        before = self.target.cpu()
        figures = measurement.function(self)
        figures.engine = self.target.cpu() - before if measurement.fills_index else 0.0
        return figures

    # --- the limits

    def copy(self):
        command = self.source.psql_command("-o", "/dev/null", "-f", self.work / "windows.sql")
        return measure(self.work, [command], {"PGOPTIONS": SESSION})

    def curl(self):
        self.fresh("answers").mkdir()
        figures = measure(self.work, [["curl", "-q", "-sS", "--fail", "--noproxy", "*", "-K",
                                       config] for config in sorted(self.work.glob("curl.*"))])
        for answer in (self.work / "answers").iterdir():
            if '"errors":false' not in answer.read_text():
                fail(f"curl: {answer.read_text()[:500]}")
        figures.disk = disk_use(self.work / "bodies")
        return figures

    # --- bobbin

    def dump(self):
        return self.bobbin("dump", "spool", *self.source_options(), "--keep",
                           last=f"rows read {self.source.documents} ")

    def replay(self):
        return self.bobbin("replay", "replayed", "--url", self.target.address, "--keep", copy_of="spool")

    def both(self):
        return self.bobbin("run", "run", *self.source_options(), "--url", self.target.address)

    def load(self):
        return self.bobbin("load", "loaded", self.file, "--url", self.target.address, "--index", INDEX, last="")

    def can_load(self):
        return subprocess.run([self.program, "load", "--help"], capture_output=True, check=False).returncode == 0

    def source_options(self):
        return ["--dsn", self.source.address, "--query", self.source.query_file, "--index", INDEX]

    def bobbin(self, command, spool, *options, copy_of=None, last="pending 0"):
        """Measure bobbin with a new spool. LAST has to be in its last line."""
        path = self.fresh(spool)
        if copy_of:
            shutil.copytree(self.work / copy_of, path)
            os.sync()
        with DiskWatch(path) as watch:
            figures = measure(self.work, [[self.program, command, "--spool", path, *options]])
        figures.disk = watch.peak
        text = (self.work / "output.0").read_text(errors="replace")
        if last not in text.rstrip().rpartition("\n")[2]:
            fail(f'bobbin {command}: no "{last}" in the last line:\n{text[-1000:]}')
        return figures

    # --- what a user would pick instead

    def python(self, *options):
        return measure(self.work, [[others.python(), ROOT / "bench" / "python_worker.py", "--dsn",
                                    self.source.address, "--to", self.source.last, "--url", self.target.address,
                                    "--index", INDEX, *self.shape.worker, *options]])

    def python_dsl(self):
        return self.python("--dsl")

    def go(self):
        return self.go_worker("-dsn", self.source.address, "-query", self.source.query_file)

    def go_load(self):
        return self.go_worker("-file", self.file)

    def go_worker(self, *options):
        return measure(self.work, [[others.go_worker(), *options, "-url", self.target.address, "-index", INDEX]])

    def elasticdump(self):
        program, environment = others.elasticdump(self.target.version())
        return measure(self.work, [[program, f"--input={self.file}", "--type=data", "--quiet", "--noRefresh",
                                    f"--output={self.target.address}/{INDEX}",
                                    f"--limit={self.shape.elasticdump_limit}"]], environment)

    def pgsync(self):
        return pgsync_copy.copy(self)

    # --- the files that are prepared

    def fresh(self, name):
        path = self.work / name
        shutil.rmtree(path, ignore_errors=True)
        return path

    def write_bodies(self):
        """Cut what the spool holds into bodies of 4 MiB, say in curl's words how to send them, and write the file
        of lines."""
        bodies = self.fresh("bodies")
        bodies.mkdir()
        segments = sorted((self.work / "spool").glob("*.seg.zst"))
        configs = [[] for _ in range(CURLS)]
        with (open(self.file, "wb") as lines,
              subprocess.Popen(["zstd", "-dcq", *segments], stdout=subprocess.PIPE) as zstd):
            for number, body in enumerate(cut_bodies(self.copy_lines(zstd.stdout, lines))):
                (bodies / str(number)).write_bytes(body)
                configs[number % CURLS].append(self.transfer(number))
        if zstd.returncode != 0:
            fail("zstd can't read the spool")
        for number, transfers in enumerate(filter(None, configs)):
            (self.work / f"curl.{number}").write_text("next\n".join(transfers))

    def copy_lines(self, bodies, lines):
        """Pass bulk operations (an action line, a source line) on, and write each to LINES as a line."""
        for action in bodies:
            source = next(bodies)
            identifier = json.loads(action)["index"]["_id"]
            lines.write(b'{"_id":%s,"_source":%s}\n' % (json.dumps(identifier).encode(), source.rstrip(b"\n")))
            self.bytes += len(source)
            yield action + source

    def transfer(self, number):
        return (f'url = "{self.target.address}/{INDEX}/{BULK}"\n'
                'request = "POST"\n'
                'header = "Content-Type: application/x-ndjson"\n'
                'header = "Expect:"\n'
                f'upload-file = "{self.work}/bodies/{number}"\n'
                f'output = "{self.work}/answers/{number}"\n')


def cut_bodies(operations):
    """Whole bulk operations, 4 MiB of them or a little more."""
    body = bytearray()
    for operation in operations:
        body += operation
        if len(body) >= BODY_BYTES:
            yield bytes(body)
            body.clear()
    if body:
        yield bytes(body)


@dataclass(frozen=True)
class Measurement:
    key: str
    name: str
    function: Callable
    fills_index: bool = True
    limit: str = "curl"  # key of the limit that its wall time is compared with
    needs: str = ""  # a program that has to be there

    def why_not(self, bench):
        """Why it is left out; empty: it is taken."""
        if self.key in bench.shape.left_out:
            return bench.shape.left_out[self.key]
        if self.needs and not shutil.which(self.needs):
            return f"`{self.needs}` is missing"
        if self.key == "load" and not bench.can_load():
            return "this bobbin has no `load`"
        return ""


MEASUREMENTS = {measurement.key: measurement for measurement in (
    Measurement("copy", "COPY limit", Bench.copy, fills_index=False, limit=""),
    Measurement("dump", "`bobbin dump`", Bench.dump, fills_index=False, limit="copy"),
    Measurement("curl", "curl limit", Bench.curl, limit=""),
    Measurement("replay", "`bobbin replay`", Bench.replay),
    Measurement("run", "`bobbin run`", Bench.both),
    Measurement("load", "`bobbin load`", Bench.load),
    Measurement("go", "Go worker", Bench.go, needs="go"),
    Measurement("go-load", "Go loader", Bench.go_load, needs="go"),
    Measurement("elasticdump", "elasticdump", Bench.elasticdump, needs="npm"),
    Measurement("python", "Python worker", Bench.python),
    Measurement("python-dsl", "Python worker with elasticsearch.dsl", Bench.python_dsl),
    Measurement("pgsync", "pgsync", Bench.pgsync, needs="redis-server"),
)}
