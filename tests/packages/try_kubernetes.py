"""docs/kubernetes.md with a real Kubernetes, for script/try-kubernetes: its commands are done as they stand there, and Jobs answer
to exit statuses as the page says. No part of the tests that CI runs, as the Kubernetes takes long to build.
"""

import json
import os
import subprocess
import time

import pytest
import yaml

import documents
from cluster import Cluster, ended
from conftest import run
from node import Node
from pods import MANIFESTS, job_of, manifest
from test_kubernetes import ALL, BUG, HALFWAY, JOBS, KILLED, PAGE, Namespace, blocks_of_yaml, image, indexed_with_additions  # noqa: F401 a fixture
from jobs import CONFIG, DEAD_LETTERS, DENIED, DISK, FINISHED, STOPPED, USAGE, next_name, wait_for

LOG_SECONDS = 120  # until a pod has begun
MIDNIGHT = 90  # seconds in which a minute begins, and its job


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    made = Cluster(os.environ["KUBERNETES"], tmp_path_factory.mktemp("cluster"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


class User:
    """Somebody who follows the page, in a namespace that takes no pod but restricted ones."""

    def __init__(self, cluster, directory):
        self.name, self.cluster, self.directory = next_name("shop"), cluster, directory
        self.environment = cluster.environment(self.name)
        self.sh(f"kubectl create namespace {self.name}")
        self.sh(f"kubectl label namespace {self.name} pod-security.kubernetes.io/enforce=restricted")
        self.manifests = directory / "packaging/kubernetes"
        self.manifests.mkdir(parents=True)
        for name in ("config", *JOBS):
            self.write(name, manifest(name))
        (directory / "password").write_text("s3cret")

    def write(self, name, document):
        (self.manifests / f"{name}.yaml").write_text(yaml.safe_dump(document))

    def write_config(self):
        self.write("config", {**manifest("config"), "data": self.shop.config})

    def try_sh(self, line):
        return subprocess.run(["sh", "-c", line], cwd=self.directory, env=self.environment, capture_output=True, text=True, check=False)

    def sh(self, line):
        return run("sh", "-c", line, cwd=self.directory, env=self.environment)

    def apply(self, *names):
        self.sh("kubectl apply " + " ".join(f"-f {MANIFESTS}/{name}.yaml" for name in names))

    def get(self, what):
        return json.loads(self.sh(f"kubectl get {what} -o json"))

    def job(self, name):
        return self.get(f"job/{name}")["status"]

    def condition(self, name):
        """(type, reason) of a job's end."""
        found = [each for each in self.job(name).get("conditions", []) if each["status"] == "True" and each["type"] in ("Complete", "Failed")]
        return found and (found[0]["type"], found[0].get("reason"))

    def wait_for_end(self, name):
        return wait_for(lambda: self.condition(name), f"the end of {name}", 180)

    def pods(self, job):
        """Those that have not ended."""
        return [pod for pod in self.get(f"pods -l batch.kubernetes.io/job-name={job}")["items"]
                if pod["status"]["phase"] == "Pending" and "deletionTimestamp" not in pod["metadata"]]

    def wait_for_pods(self, job, count, without=()):
        """COUNT of them, among which those that have ended are not."""
        gone = {pod["metadata"]["name"] for pod in without}

        def are_there():
            pods = self.pods(job)
            return len(pods) == count and not gone & {pod["metadata"]["name"] for pod in pods} and pods

        return wait_for(are_there, f"{count} pods of {job}")

    def end(self, pod, status, **more):
        """What a node would tell."""
        self.cluster.tell(pod, {"phase": "Failed" if status else "Succeeded", **more,
                                "containerStatuses": [ended(pod["spec"]["containers"][0]["name"], status)]})


@pytest.fixture
def user(cluster, tmp_path):
    return User(cluster, tmp_path)


def test_only_restricted_pods_are_taken(user):
    refused = user.try_sh("kubectl run anything --image=registry.example.org/bobbin:0.1.0")
    assert refused.returncode != 0 and "violates PodSecurity" in refused.stderr
    user.apply("config", "plan")
    user.wait_for_pods("bobbin-product-plan", 1)


def test_the_server_takes_what_the_page_adds(user):
    document, claim = indexed_with_additions()
    user.write("added", document)
    user.write("claim", claim)
    user.sh("kubectl apply -f packaging/kubernetes/claim.yaml -f packaging/kubernetes/added.yaml")
    made, = {json.dumps(pod["spec"]["containers"][0]["restartPolicyRules"])
             for pod in user.wait_for_pods("bobbin-product", job_of("indexed")["parallelism"])}
    assert json.loads(made) == blocks_of_yaml()[0]["restartPolicyRules"]


# --- what becomes of a Job when its pods end

DRAINED = {"conditions": [{"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}]}


def test_a_pod_that_stopped_or_was_drained_is_replaced_and_not_counted(user):
    user.apply("config", "work")
    workers = job_of("work")["parallelism"]
    stopped, drained, killed, *_ = user.wait_for_pods("bobbin-product-work", workers)
    user.end(stopped, STOPPED)
    user.wait_for_pods("bobbin-product-work", workers, [stopped])
    user.end(drained, KILLED, **DRAINED)
    user.wait_for_pods("bobbin-product-work", workers, [stopped, drained])
    assert user.job("bobbin-product-work").get("failed", 0) == 0
    user.end(killed, KILLED)
    for pod in user.wait_for_pods("bobbin-product-work", workers, [stopped, drained, killed]):
        assert user.job("bobbin-product-work")["failed"] == 1
        user.end(pod, FINISHED)
    assert user.wait_for_end("bobbin-product-work")[0] == "Complete"


@pytest.mark.parametrize("status", [USAGE, DEAD_LETTERS, BUG, DENIED, CONFIG])
def test_what_no_other_pod_would_do_better_ends_the_job(user, status):
    user.apply("config", "work")
    user.end(user.wait_for_pods("bobbin-product-work", job_of("work")["parallelism"])[0], status)
    assert user.wait_for_end("bobbin-product-work") == ("Failed", "PodFailurePolicy")
    assert user.job("bobbin-product-work")["failed"] == job_of("work")["parallelism"]
    assert not user.pods("bobbin-product-work")


def index_of(pod):
    return int(pod["metadata"]["labels"]["batch.kubernetes.io/job-completion-index"])


def test_a_shard_with_dead_letters_fails_alone(user):
    """And each other that is stopped or killed gets another pod."""
    user.apply("config", "indexed")
    statuses = {0: [STOPPED, STOPPED, FINISHED], 1: [DEAD_LETTERS], 2: [BUG], 5: [DISK, FINISHED]}
    while not user.condition("bobbin-product"):
        for pod in user.pods("bobbin-product"):
            user.end(pod, statuses.get(index_of(pod), [FINISHED]).pop(0))
        time.sleep(0.2)
    assert user.condition("bobbin-product") == ("Failed", "FailedIndexes")
    job = user.job("bobbin-product")
    assert (job["failedIndexes"], job["completedIndexes"]) == ("1,2", f"0,3-{job_of('indexed')['completions'] - 1}")
    assert not any(statuses.values())


def test_a_denied_shard_ends_all(user):
    user.apply("config", "indexed")
    user.end(user.wait_for_pods("bobbin-product", job_of("indexed")["parallelism"])[2], DENIED)
    assert user.wait_for_end("bobbin-product") == ("Failed", "PodFailurePolicy")


def test_a_refresh_begins_at_its_time(user):
    """That of every minute, here."""
    user.write("refresh", {**manifest("refresh"), "spec": {**manifest("refresh")["spec"], "schedule": "* * * * *"}})
    user.sh("kubectl apply -f packaging/kubernetes/config.yaml -f packaging/kubernetes/refresh.yaml")
    job, = wait_for(lambda: user.get("jobs")["items"], "the minute", MIDNIGHT)
    user.end(user.wait_for_pods(job["metadata"]["name"], 1)[0], FINISHED)
    assert user.wait_for_end(job["metadata"]["name"])[0] == "Complete"


# --- the page's commands, with pods that run

def commands():
    """The page's, block after block."""
    found = [documents.commands(code, ["kubectl"]) for _, code in documents.blocks(PAGE.read_text())]
    return [lines for lines in found if lines]


@pytest.fixture
def shop(user, image, services, tmp_path):  # noqa: F811
    """The user's table and index, and what they write into config.yaml and the Secret."""
    user.shop = Namespace(image, services, tmp_path)
    user.write_config()
    for name, content in user.shop.objects.contents["secret", "bobbin-product"].items():
        (tmp_path / name).write_text(content)
    yield user.shop
    user.shop.gate.open()


@pytest.fixture
def node(user, shop, tmp_path):
    with Node(user.cluster, user.name, shop.image, tmp_path) as made:
        yield made


def follow(user, lines):
    """Do what the page says. Before its pod runs, a log is asked for again."""
    until = time.monotonic() + LOG_SECONDS
    for line in lines:
        while (done := user.try_sh(line)).returncode and "is waiting to start" in done.stderr and time.monotonic() < until:
            time.sleep(0.2)
        assert done.returncode == 0, f"{line}: {done.stderr}"
    return done.stdout


def test_the_workers_of_the_page_do_their_job(user, shop, node):
    assert "all 32 shards are done" in follow(user, commands()[0])
    assert user.wait_for_end("bobbin-product-work")[0] == "Complete"
    assert shop.ids("product-1") == ALL


def test_the_shards_of_the_page_are_done(user, shop, node):
    follow(user, [commands()[0][0], *commands()[1]])
    assert user.wait_for_end("bobbin-product")[0] == "Complete"
    assert shop.ids("product-1") == ALL


def test_the_refresh_of_the_page_is_done_at_once(user, shop, node):
    follow(user, [commands()[0][0], *commands()[2]])
    assert user.wait_for_end("bobbin-product-now")[0] == "Complete"
    assert shop.ids("product") == ALL


def test_a_plan_is_read_from_the_pod_that_made_it(user, shop, request):
    """Not from one that was stopped before, with its node."""
    secret, apply = commands()[0][0], commands()[1][0]
    follow(user, [secret, apply])
    stopped, = user.wait_for_pods("bobbin-product-plan", 1)
    user.cluster.bind(stopped, "lost")
    user.end(stopped, STOPPED)
    user.wait_for_pods("bobbin-product-plan", 1, [stopped])
    request.getfixturevalue("node")
    follow(user, commands()[1][1:3])
    assert len(json.loads((user.directory / "plan.json").read_text())["shards"]) == job_of("indexed")["completions"]


def test_workers_of_a_drained_node_are_replaced_and_not_counted(user, shop, node):
    shop.put_gate(f"id = {HALFWAY}")
    user.write_config()
    shop.gate.shut()
    follow(user, commands()[0][:2])
    wait_for(shop.gate.waiting, "a row at the gate")
    workers = {pod["metadata"]["name"] for pod in user.get("pods")["items"]}
    user.sh(f"kubectl delete pod {' '.join(workers)}")
    assert not workers & {pod["metadata"]["name"] for pod in user.get("pods")["items"]}
    shop.gate.open()
    assert user.wait_for_end("bobbin-product-work")[0] == "Complete"
    assert user.job("bobbin-product-work").get("failed", 0) == 0
    assert shop.ids("product-1") == ALL
