"""pgsync's first copy of a table, for bench/run: from a PostgreSQL with logical replication, with a Redis beside it.

What it leaves in PostgreSQL (a slot, a view of its own)
and in Redis is gone afterwards: else the next round would copy changes only.
"""

import json
import shutil
import subprocess
import time
from contextlib import contextmanager

import others
from measuring import ROOT, fail, measure
from throwaway import INDEX

STARTER = ROOT / "bench" / "pgsync_start.py"


@contextmanager
def redis(directory):
    """A Redis that keeps nothing on disk; its socket's path."""
    socket = directory / "redis"
    server = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", socket, "--save", "", "--dir", directory],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 30
        while not socket.exists():
            if server.poll() is not None or time.monotonic() > until:
                fail("redis-server does not start")
            time.sleep(0.05)
        yield socket
    finally:
        server.terminate()
        server.wait()


def environment(bench, directory, socket):
    port = (bench.source.directory / "port").read_text().strip()
    return {"SCHEMA": str(directory / "schema.json"), "CHECKPOINT_PATH": str(directory), "REDIS_URL": f"unix://{socket}",
            "PG_HOST": "127.0.0.1", "PG_PORT": port, "PG_USER": "bobbin", "PG_PASSWORD": "bobbin",
            "ELASTICSEARCH_URL": bench.target.address, "ELASTICSEARCH_VERSION": bench.target.version()}


def copy(bench):
    """The figures of `pgsync`, which begins with a copy of all rows and ends after it."""
    directory = bench.fresh("pgsync")
    directory.mkdir()
    (directory / "schema.json").write_text(json.dumps([
        {"database": "postgres", "index": INDEX, "nodes": {"table": bench.shape.table}}]))
    programs = others.pgsync()
    with redis(directory) as socket:
        variables = environment(bench, directory, socket)
        command = [programs / "python", STARTER]
        config = ["--config", directory / "schema.json"]
        bootstrap = [*command, programs / "bootstrap", *config]
        measure(bench.work, [bootstrap], variables)
        try:
            return measure(bench.work, [[*command, programs / "pgsync", *config]], variables)
        finally:
            measure(bench.work, [[*bootstrap, "--teardown"]], variables)
            shutil.rmtree(directory, ignore_errors=True)
