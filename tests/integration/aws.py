"""Amazon OpenSearch Service as far as its doors are concerned: a proxy that lets a request pass when
botocore, AWS's own library, gives it the same signature; and the metadata service of an instance or
a container."""

import datetime
import hashlib
import json
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from proxy import Proxy

SKEW = datetime.timedelta(minutes=5)
STAMP = "%Y%m%dT%H%M%SZ"


class Refused(Exception):
    pass


def parts_of(authorization):
    """Credential, SignedHeaders and Signature of the header."""
    scheme, _, rest = authorization.partition(" ")
    if scheme != "AWS4-HMAC-SHA256":
        raise Refused("Missing Authentication Token")
    return dict(part.strip().split("=", 1) for part in rest.split(","))


def signature_of(auth, request, stamp):
    """What botocore makes of REQUEST at the time STAMP."""
    request.context["timestamp"] = stamp
    return auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)


class SignedProxy(Proxy):
    """In front of ENGINE, for SERVICE in REGION. `credentials` are those that it knows now, by the key's
    id; `refused` has why it has refused requests, `seen` the ids and tokens that it has let pass."""

    def __init__(self, engine, service="es", region="eu-west-1"):
        super().__init__(engine.url)
        self.service = service
        self.region = region
        self.credentials = {}
        self.clock_offset = datetime.timedelta()
        self.refused = []
        self.seen = []

    def know(self, key_id, secret, token=None):
        self.credentials[key_id] = Credentials(key_id, secret, token)

    def check(self, method, path, headers, body):
        try:
            self.verify(method, path, headers, body)
        except Refused as why:
            self.refused.append(str(why))
            return 403, json.dumps({"message": str(why)}).encode()
        return None

    def verify(self, method, path, headers, body):
        given = parts_of(headers.get("Authorization", ""))
        key_id, _, scope = given["Credential"].partition("/")
        stamp = headers["X-Amz-Date"]
        if scope != f"{stamp[:8]}/{self.region}/{self.service}/aws4_request":
            raise Refused(f"Credential should be scoped to a valid region, not {scope}")
        if key_id not in self.credentials:
            raise Refused("The security token included in the request is invalid.")
        self.verify_time(stamp)
        credentials = self.credentials[key_id]
        if headers.get("X-Amz-Security-Token") != credentials.token:
            raise Refused("The security token included in the request is invalid.")
        if headers["X-Amz-Content-Sha256"] != hashlib.sha256(body).hexdigest():
            raise Refused("The body is not the signed one")
        names = given["SignedHeaders"].split(";")
        if not {"host", "x-amz-date", "x-amz-content-sha256"} <= set(names):
            raise Refused(f"not all that must be signed is: {names}")
        signed = {name: headers[name] for name in names}
        auth = SigV4Auth(credentials, self.service, self.region)
        for request in both_readings(method, path, signed, body):
            if signature_of(auth, request, stamp) != given["Signature"]:
                raise Refused("The request signature we calculated does not match")
        self.seen.append((key_id, headers.get("X-Amz-Security-Token")))

    def verify_time(self, stamp):
        now = datetime.datetime.utcnow() + self.clock_offset
        sent = datetime.datetime.strptime(stamp, STAMP)
        if sent < now - SKEW:
            raise Refused(f"Signature expired: {stamp} is now earlier than {now - SKEW:{STAMP}}")
        if sent > now + SKEW:
            raise Refused(f"Signature not yet current: {stamp} is still later than {now:{STAMP}}")


def both_readings(method, path, signed, body):
    """The request with its query as it stands in the URL, and with a query that is decoded and encoded
    again: a service may do either."""
    url = f"http://{signed['host']}{path}"
    bare, _, query = url.partition("?")
    yield AWSRequest(method, url, headers=signed, data=body)
    yield AWSRequest(method, bare, headers=signed, data=body,
                     params=dict(urllib.parse.parse_qsl(query, keep_blank_values=True)))


class MetadataHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self):
        status, text = self.server.service.answer(self.command, self.path, self.headers)
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = answer


class MetadataService:
    """IMDSv2, and a container's credentials at /container. `give` makes the credentials that it answers
    from now on; `requests` has what it was asked, with headers; `good_rounds`, unless it is None, is how often it
    still gives a session token before it answers 500."""

    ROLES = "/latest/meta-data/iam/security-credentials/"
    TOKEN = "session-t0ken"
    CONTAINER_TOKEN = "container-t0ken"

    def __init__(self):
        self.requests = []
        self.credentials = {}
        self.good_rounds = None
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), MetadataHandler)
        self.server.daemon_threads = True
        self.server.service = self
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def give(self, key_id, secret, token, seconds):
        expires = datetime.datetime.utcnow() + datetime.timedelta(seconds=seconds)
        self.credentials = {"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": key_id,
                            "SecretAccessKey": secret, "Token": token,
                            "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ")}

    def answer(self, method, path, headers):
        self.requests.append((method, path, dict(headers)))
        if method == "PUT" and self.good_rounds is not None:
            self.good_rounds -= 1
            if self.good_rounds < 0:
                return 500, ""
        if path == "/container":
            is_known = headers.get("Authorization") == self.CONTAINER_TOKEN
            return (200, json.dumps(self.credentials)) if is_known else (401, "")
        if (method, path) == ("PUT", "/latest/api/token"):
            return (200, self.TOKEN) if headers.get("X-aws-ec2-metadata-token-ttl-seconds") else (400, "")
        if headers.get("X-aws-ec2-metadata-token") != self.TOKEN:
            return 401, ""
        if path == self.ROLES:
            return 200, "worker role"
        return (200, json.dumps(self.credentials)) if path == f"{self.ROLES}worker%20role" else (404, "")

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
