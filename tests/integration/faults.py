"""The fault server (tests/faultserver), which acts as a search engine and breaks as its script says."""

import json
import os
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from engines import DIRECT


class FaultServer:
    """To a Job it is an engine. Each Request is known from the moment its head was read."""

    is_up = True

    def __init__(self, bobbin):
        program = Path(bobbin.path).parent / "tests" / "faultserver" / "faultserver"
        if not os.access(program, os.X_OK):
            raise RuntimeError(f"{program}: no such program; `make check TESTS=` builds it")
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.url = self.process.stdout.readline().decode().strip()

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def _ask(self, path, body=None):
        request = urllib.request.Request(f"{self.url}/_faults/{path}", data=body,
                                         method="PUT" if body is not None else "GET")
        try:
            with DIRECT.open(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise ValueError(error.read().decode()) from None

    def follow(self, *rules):
        """From now on, and counting anew, break as RULES say."""
        self._ask("script", "\n".join(rules).encode())

    def stored(self):
        """id -> {"operation", "writes", "source"}."""
        return self._ask("documents")

    def documents(self, _index):
        return {key: document["source"] for key, document in self.stored().items()}

    def writes(self, keys):
        """How often each of KEYS was accepted; one number when it is the same for all."""
        stored = self.stored()
        counts = {stored[key]["writes"] if key in stored else 0 for key in keys}
        return counts.pop() if len(counts) == 1 else counts

    def requests(self, kind=None):
        """All that was asked; of one KIND: lookup, create or bulk."""
        return [request for request in self._ask("requests") if kind in (None, request["kind"])]

    def sent(self):
        """The ids of each bulk request; None of one that was not read to its end."""
        return [request.get("ids") for request in self.requests("bulk")]

    def create_index(self, _name, _body):
        """Every index is there."""

    def delete_index(self, _name):
        """It goes with the server."""
