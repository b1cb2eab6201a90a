"""A node of cluster.py's Kubernetes: it takes a namespace's pods, runs their containers (pods.py), tells what became of them, and
has their logs. It has no images but bobbin's, and knows no more of a kubelet's work than the manifests want.
"""

import base64
import copy
import re
import signal
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from cluster import ended, path_of
from pods import Objects, Pod

PAUSE = 0.1  # seconds between two looks


class Node(threading.Thread):
    def __init__(self, cluster, namespace, image, directory):
        super().__init__()
        self.cluster, self.namespace, self.image, self.directory = cluster, namespace, image, directory
        self.name = f"node-of-{namespace}"
        self.lives = {}  # by the pod's name
        self.stopping = threading.Event()
        self.server = LogServer(self)

    def __enter__(self):
        self.cluster.ask("POST", "/api/v1/nodes", {"metadata": {"name": self.name}, "status": {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": self.server.server_port}}}})
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.join()
        for life in self.lives.values():
            life.end(signal.SIGKILL)
            life.join()
        self.server.shutdown()
        self.server.server_close()

    def run(self):
        while not self.stopping.wait(PAUSE):
            for pod in self.cluster.ask("GET", f"/api/v1/namespaces/{self.namespace}/pods")["items"]:
                self.look_at(pod["metadata"]["name"], pod)

    def look_at(self, name, pod):
        if name not in self.lives and pod["status"]["phase"] == "Pending":
            self.lives[name] = Life(self, pod)
            self.lives[name].start()
        elif name in self.lives and "deletionTimestamp" in pod["metadata"] and not self.lives[name].is_asked_to_end:
            self.lives[name].is_asked_to_end = True
            self.lives[name].end(signal.SIGTERM)

    def objects(self):
        """The namespace's, as they are now."""
        found = Objects()
        for each in self.cluster.ask("GET", f"/api/v1/namespaces/{self.namespace}/configmaps")["items"]:
            found.contents["configMap", each["metadata"]["name"]] = each.get("data", {})
        for each in self.cluster.ask("GET", f"/api/v1/namespaces/{self.namespace}/secrets")["items"]:
            found.contents["secret", each["metadata"]["name"]] = {
                name: base64.b64decode(content).decode() for name, content in each["data"].items()}
        return found


class Life(threading.Thread):
    """Of one pod, from its binding to its end."""

    def __init__(self, node, pod):
        super().__init__()
        self.node, self.cluster, self.pod = node, node.cluster, pod
        self.is_asked_to_end = False
        self.place = None

    def run(self):
        self.cluster.bind(self.pod, self.node.name)
        self.place = Pod(self.node.image, self.node.objects(), {"template": {"spec": resolved(self.pod)}}, self.node.directory)
        status = self.place.prepare()
        if status:
            self.tell_end(status, "initContainers", "initContainerStatuses")
        else:
            self.place.start(self.place.spec["containers"][0])
            self.cluster.tell(self.pod, {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]})
            self.tell_end(self.place.wait(), "containers", "containerStatuses")
        if self.is_asked_to_end:
            self.cluster.ask("DELETE", path_of(self.pod), {"gracePeriodSeconds": 0})

    def tell_end(self, status, containers, statuses):
        self.cluster.tell(self.pod, {"phase": "Failed" if status else "Succeeded",
                                     "conditions": [{"type": "Ready", "status": "False"}],
                                     statuses: [ended(self.place.spec[containers][0]["name"], status)]})

    def end(self, number):
        process = self.place and self.place.process
        if process and process.poll() is None:
            self.place.signal(number)

    def log(self, container):
        """Where what a container has said is; None before it was started."""
        path = self.place and self.place.directory / f"{container}.log"
        return path if path and path.exists() else None


def resolved(pod):
    """A pod's spec, with the variables that a node puts in: the number of its index is a label."""
    spec = copy.deepcopy(pod["spec"])
    for container in spec["containers"]:
        for variable in container["env"]:
            if "valueFrom" in variable:
                kind, name = re.fullmatch(r"metadata\.(\w+)\['(.+)'\]", variable["valueFrom"]["fieldRef"]["fieldPath"]).groups()
                variable["value"] = pod["metadata"][kind][name]
    return spec


class LogServer(ThreadingHTTPServer):
    """Where the API server asks for logs."""

    daemon_threads = True

    def __init__(self, node):
        super().__init__(("127.0.0.1", 0), LogRequest)
        self.node = node
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificates = node.cluster.directory / "certificates"
        context.load_cert_chain(certificates / "apiserver.crt", certificates / "apiserver.key")
        self.socket = context.wrap_socket(self.socket, server_side=True)


class LogRequest(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        address = urlsplit(self.path)
        _, what, _, pod, container = address.path.split("/")
        assert what == "containerLogs"
        life = self.server.node.lives.get(pod)
        path = life and life.log(container)
        self.send_response(200 if path else 400)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        if path:
            self.send(path, life, "follow=true" in address.query)
        else:
            self.wfile.write(f'container "{container}" in pod "{pod}" is waiting to start: PodInitializing'.encode())

    def send(self, path, life, follow):
        """All of it; until the end of its pod, to one who follows."""
        with path.open("rb") as log:
            is_alive = True
            while is_alive:
                is_alive = follow and life.is_alive()
                self.wfile.write(log.read())
                time.sleep(PAUSE if is_alive else 0)
