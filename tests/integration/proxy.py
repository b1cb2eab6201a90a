"""A recording HTTP proxy in front of a search engine, which may also answer in its place."""

import gzip
import http.client
import json
import threading
import urllib.parse
from collections import Counter
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from jobs import operations

HOP_HEADERS = {"connection", "transfer-encoding", "content-length", "keep-alive"}


@dataclass
class BulkRequest:
    path: str
    headers: dict
    body: bytes

    @property
    def first_id(self):
        (_, metadata), = json.loads(self.body.split(b"\n", 1)[0]).items()
        return metadata["_id"]

    @property
    def documents(self):
        """Operations that have a source line."""
        return self.body.count(b"\n") // 2


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except ConnectionError:  # the client was killed
            self.close_connection = True

    def log_message(self, *_):
        pass

    def forward(self):
        proxy = self.server.proxy
        body = self.read_body()
        if body is None:
            self.close_connection = True
            return
        answer = proxy.check(self.command, self.path, self.headers, body)
        if not answer and "/_bulk" in self.path:
            answer = proxy.see(BulkRequest(self.path, dict(self.headers), self.plain(body)))
        elif proxy.answer_other:
            answer = proxy.answer_other
        self.reply(*(answer or self.ask(body)))

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = forward

    def read_body(self):
        """None: the client went away before its end."""
        if self.headers.get("Transfer-Encoding", "") == "chunked":
            return self.read_chunks()
        size = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(size)
        return body if len(body) == size else None

    def read_chunks(self):
        body = b""
        while line := self.rfile.readline():
            size = int(line, 16)
            body += self.rfile.read(size)
            self.rfile.readline()
            if size == 0:
                return body
        return None

    def plain(self, body):
        return gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body

    def ask(self, body):
        upstream = http.client.HTTPConnection(self.server.proxy.upstream, timeout=120)
        try:
            headers = {name: value for name, value in self.headers.items()
                       if name.lower() not in HOP_HEADERS}
            upstream.request(self.command, self.path, body, headers)
            response = upstream.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException):
            return 502, b"{}"
        finally:
            upstream.close()

    def reply(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Proxy:
    """`requests` has the bulk requests that came in whole. `answer`, when set, is called with each:
    it returns (status, body) to answer itself, None to pass the request on. `answer_other`, when set,
    is such an answer for all other requests."""

    def __init__(self, url="http://127.0.0.1:1"):
        self.upstream = urllib.parse.urlsplit(url).netloc
        self.requests = []
        self.answer = None
        self.answer_other = None
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.block_on_close = False
        self.server.proxy = self
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def check(self, method, path, headers, body):
        """(status, body) to refuse a request of any kind, None to let it pass."""

    def see(self, request):
        self.requests.append(request)
        return self.answer(request) if self.answer else None

    def sent_again(self):
        """How many bulk requests carried a frame that an earlier one carried."""
        frames = Counter(request.first_id for request in self.requests)
        return sum(frames.values()) - len(frames)

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class Accepting(Proxy):
    """A cluster of which nothing is real: it takes all documents but those whose `mark` is a word, as
    with NUMBERS_ONLY, and answers at once."""

    is_up = False  # there is no index to clear up

    def __init__(self):
        super().__init__()
        self.answer = self._take
        self.answer_other = 200, b'{"index":{"settings":{"index":{"uuid":"1"}}}}'
        self._documents = {}

    def _take(self, request):
        items = [{"index": self._take_one(metadata["_id"], source)}
                 for metadata, source in operations(request.body)]
        return 200, json.dumps({"took": 1, "errors": True, "items": items}).encode()

    def _take_one(self, document_id, source):
        if source.get("mark"):
            return {"status": 400, "error": {"type": "document_parsing_exception", "reason": "mark"}}
        self._documents[document_id] = source
        return {"status": 201}

    def documents(self, _index):
        return self._documents

    def forget(self):
        self._documents = {}
