"""A Kubernetes on loopback: etcd, the API server and the controllers, as script/try-kubernetes builds them. It has no node: node.py plays one."""

import json
import os
import secrets
import socket
import subprocess
from pathlib import Path

import requests

from conftest import run
from jobs import wait_for

CONTROLLERS = "job-controller,cronjob-controller,serviceaccount-controller,namespace-controller,garbage-collector-controller"
MERGE = "application/strategic-merge-patch+json"


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Cluster:
    def __init__(self, programs, directory):
        self.programs, self.directory = Path(programs), directory
        self.processes = []
        self.token = secrets.token_hex()
        self.session = requests.Session()
        self.session.trust_env = False  # no proxy, no other authorities
        self.session.headers["Authorization"] = f"Bearer {self.token}"
        self.session.verify = str(directory / "certificates/apiserver.crt")

    def start(self):
        client, peer, api, controllers = free_ports(4)
        self.url = f"https://127.0.0.1:{api}"
        run("openssl", "genrsa", "-out", self.directory / "accounts.key", "2048")
        (self.directory / "tokens.csv").write_text(f"{self.token},admin,admin,system:masters\n")
        self.begin("etcd", "--data-dir=data", "--unsafe-no-fsync", f"--listen-client-urls=http://127.0.0.1:{client}",
                   f"--advertise-client-urls=http://127.0.0.1:{client}", f"--listen-peer-urls=http://127.0.0.1:{peer}",
                   f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
                   f"--initial-cluster=default=http://127.0.0.1:{peer}")
        self.begin("kube-apiserver", f"--etcd-servers=http://127.0.0.1:{client}", "--bind-address=127.0.0.1",
                   f"--secure-port={api}", "--cert-dir=certificates", "--authorization-mode=RBAC",
                   "--token-auth-file=tokens.csv", "--service-account-issuer=https://kubernetes.default.svc",
                   "--service-account-signing-key-file=accounts.key", "--service-account-key-file=accounts.key",
                   "--service-cluster-ip-range=10.0.0.0/24", "--endpoint-reconciler-type=none",
                   "--kubelet-preferred-address-types=InternalIP")
        wait_for(self.is_ready, "the API server")
        self.begin("kube-controller-manager", f"--kubeconfig={self.kubeconfig('default')}", "--leader-elect=false",
                   "--bind-address=127.0.0.1", f"--secure-port={controllers}", "--cert-dir=controllers",
                   "--service-account-private-key-file=accounts.key", f"--controllers={CONTROLLERS}")

    def begin(self, name, *options):
        with (self.directory / f"{name}.log").open("wb") as log:
            self.processes.append(subprocess.Popen([self.programs / name, *options], cwd=self.directory, stdin=subprocess.DEVNULL,
                                                   stdout=log, stderr=subprocess.STDOUT))

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
            process.wait()

    def is_ready(self):
        assert [each.poll() for each in self.processes] == [None, None], self.directory
        try:
            return self.session.get(f"{self.url}/readyz", timeout=10).ok
        except (OSError, requests.ConnectionError):  # its certificate isn't made yet; it doesn't listen yet
            return False

    def kubeconfig(self, namespace):
        path = self.directory / f"{namespace}.kubeconfig"
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "admin", "namespace": namespace}}],
            "clusters": [{"name": "here", "cluster": {"server": self.url, "certificate-authority": self.session.verify}}],
            "users": [{"name": "admin", "user": {"token": self.token}}]}))
        return path

    def environment(self, namespace):
        """Of a shell in which kubectl speaks to that namespace."""
        return {**os.environ, "KUBECONFIG": str(self.kubeconfig(namespace)), "PATH": f"{self.programs}:{os.environ['PATH']}"}

    # --- the API, as schedulers and nodes speak it

    def ask(self, method, path, body=None, kind="application/json"):
        answer = self.session.request(method, self.url + path, data=body and json.dumps(body), headers={"Content-Type": kind},
                                      timeout=30)
        assert answer.ok, f"{method} {path}: {answer.text}"
        return answer.json()

    def bind(self, pod, node):
        """As a scheduler does."""
        self.ask("POST", f"{path_of(pod)}/binding",
                 {"metadata": {"name": pod["metadata"]["name"]}, "target": {"kind": "Node", "name": node}})

    def tell(self, pod, status):
        """A node tells what has become of a pod."""
        self.ask("PATCH", f"{path_of(pod)}/status", {"status": status}, MERGE)


def path_of(pod):
    return f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"


def ended(name, status):
    """What a node says of a container that has ended."""
    return {"name": name, "image": "bobbin", "imageID": "bobbin", "ready": False, "restartCount": 0,
            "state": {"terminated": {"exitCode": status, "reason": "Error" if status else "Completed"}}}
