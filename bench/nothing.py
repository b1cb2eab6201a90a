"""The null source and the null sink: what bobbin is measured between when nothing else is to count."""

import http.client
import json
import shutil
import subprocess

from measuring import fail

INDEX = "null"


class Nothing:
    """A program of bench/ that runs beside bobbin's; its first line says where it is."""

    def __init__(self, program, *arguments):
        if not program.exists():
            fail(f"{program}: no such program; make {program.name} in {program.parent.parent} builds it")
        self.process = subprocess.Popen([program, *map(str, arguments)], text=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.address = self.process.stdout.readline().strip()

    def stop(self):
        self.process.kill()
        self.process.wait()


class NullSource(Nothing):
    """ROWS rows with titles of BYTES bytes."""

    def __init__(self, build, directory, rows, size):
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        super().__init__(build / "bench" / "null_source", directory, rows, size)

    def options(self):
        return ["--dsn", self.address, "--table", "big", "--index", INDEX]


class NullSink(Nothing):
    def __init__(self, build):
        super().__init__(build / "bench" / "null_sink")
        self.connection = http.client.HTTPConnection(self.address.removeprefix("http://"))

    def options(self):
        return ["--url", self.address]

    def counts(self):
        """documents and bytes of all bulk requests so far"""
        self.connection.request("GET", "/null/count")
        answer = json.load(self.connection.getresponse())
        return answer["documents"], answer["bytes"]
