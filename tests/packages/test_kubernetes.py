"""The manifests and the image of packaging/kubernetes: Kubernetes takes them, and their containers do the job.

Each container is run as its manifest says, in the files of the image that podman makes by the Containerfile, with 64 MiB of memory,
against a real PostgreSQL and an Elasticsearch with TLS and users.
"""

import json
import re
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from conftest import ROOT, run
from image import PAGE, Image
from pods import MANIFESTS, Objects, Pod, job_of, manifest, reaction
from jobs import CONFIG, DEAD_LETTERS, DENIED, DISK, FINISHED, STOPPED, USAGE, Database, Gate, wait_for

JOBS = ("indexed", "plan", "refresh", "work")
VERSIONS = ("1.33", "1.37")  # the first in which all of it is stable, and the newest
KILLED, BUG = 137, 70
ROWS, MANY, ROW_BYTES = 3000, 25_000, 3000  # MANY: some 75 MiB
HALFWAY = 1500
IMAGE_MOST = 30 << 20
INDEX = {"settings": {"number_of_shards": 1, "number_of_replicas": 0}, "mappings": {"dynamic": False}}


# --- what Kubernetes says to them

def validate(version, *files):
    venv = run(ROOT / "script/lib/venv", "kubernetes").strip()
    return subprocess.run([f"{venv}/bin/kubernetes-validate", "--strict", "-k", version, *files],
                          capture_output=True, text=True, check=False)


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_takes_the_manifests(version):
    files = sorted(MANIFESTS.glob("*.yaml"))
    assert len(files) == len(JOBS) + 1
    done = validate(version, *files)
    assert (done.returncode, done.stdout.count(" passed ")) == (0, len(files)), done.stdout


def blocks_of_yaml():
    return [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.S)]


def indexed_with_additions():
    """The manifest with what the page adds to it, and the claim that goes with that."""
    restart, volume, claim = blocks_of_yaml()
    document = manifest("indexed")
    pod = document["spec"]["template"]["spec"]
    pod["containers"][0] |= restart
    pod["volumes"] = [volume["volumes"][0] if each["name"] == "spool" else each for each in pod["volumes"]]
    return document, claim


def test_kubernetes_takes_what_the_page_adds(tmp_path):
    """Restarts in place, which want a newer one; a volume for the spools."""
    document, claim = indexed_with_additions()
    (tmp_path / "added.yaml").write_text(yaml.safe_dump(document))
    (tmp_path / "claim.yaml").write_text(yaml.safe_dump(claim))
    assert validate("1.35", tmp_path / "added.yaml", tmp_path / "claim.yaml").returncode == 0
    done = validate("1.33", tmp_path / "added.yaml")
    assert done.returncode != 0 and "restartPolicyRules" in done.stdout


@pytest.mark.parametrize("name", JOBS)
def test_a_pod_is_as_the_restricted_standard_wants_it(name):
    pod = job_of(name)["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in (*pod.get("initContainers", []), *pod["containers"]):
        assert container["securityContext"] == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                                "capabilities": {"drop": ["ALL"]}}
        assert container["resources"]["limits"]["memory"] == container["resources"]["requests"]["memory"] == "64Mi"


@pytest.mark.parametrize("name", JOBS)
def test_a_job_knows_the_exit_statuses(name):
    job = job_of(name)
    rules = job["podFailurePolicy"]["rules"]
    assert rules[0] == {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    assert reaction(job, STOPPED) == "Ignore"
    assert {reaction(job, status) for status in (DISK, KILLED)} == {"Count"}
    assert {reaction(job, status) for status in (USAGE, DENIED, CONFIG)} == {"FailJob"}
    if name in ("indexed", "work", "refresh"):
        expected = "FailIndex" if name == "indexed" else "FailJob"
        assert {reaction(job, status) for status in (DEAD_LETTERS, BUG)} == {expected}
    # What no schema says: the API server refuses else.
    assert job["template"]["spec"]["restartPolicy"] == "Never"
    for rule in rules[1:]:
        values = rule["onExitCodes"]["values"]
        assert values == sorted(set(values)) and 0 not in values
        assert rule["action"] != "FailIndex" or "backoffLimitPerIndex" in job


def test_the_pods_are_as_many_as_the_plan_has_shards():
    job, plan = job_of("indexed"), job_of("plan")
    of = str(job["completions"])
    assert f"--shard=$(JOB_COMPLETION_INDEX)/{of}" in job["template"]["spec"]["containers"][0]["args"]
    assert f"--shards={of}" in plan["template"]["spec"]["containers"][0]["args"]


# --- the image

@pytest.fixture(scope="module")
def image(starting, package, tmp_path_factory):
    return Image(package, tmp_path_factory.mktemp("image"))


def files_of(image):
    return [path for path in Path(image.root).rglob("*") if path.is_file() and not path.is_symlink()]


def test_the_image_holds_the_program_and_its_libraries_alone(image):
    files = files_of(image)
    programs = {path.relative_to(image.root).as_posix() for path in files if path.stat().st_mode & 0o111}
    assert {name for name in programs if not re.search(r"/(lib|ld-)[^/]*\.so", name)} == {"usr/bin/bobbin"}
    assert sum(path.stat().st_size for path in files) < IMAGE_MOST
    assert not [path for path in files if path.stat().st_mode & 0o7022 and path.name not in ("hosts", "resolv.conf")]
    assert image.config["User"] == "65532:65532"
    described = {path.name for path in files if path.parent.name == "status.d"}
    assert {"bobbin", "ca-certificates", "libc6", "libcurl4", "libpq5", "libssl3"} <= described
    assert {path.parent.name for path in files if path.name == "copyright"} == described


# --- the containers

class Namespace:
    """A table, an index, and the objects that the manifests mention; of the manifest's, only what is a user's own is changed."""

    def __init__(self, image, services, directory):
        self.image, self.directory = image, directory
        self.postgres, self.engine = services
        self.database = Database(self.postgres, self.postgres.fresh_database("shop"))
        self.database.execute("CREATE TABLE product (id bigint PRIMARY KEY, name text, price numeric, updated_on timestamptz)")
        self.add_rows(1, ROWS)
        self.gate = Gate(self.database)
        self.engine.must("DELETE", "bobbin-jobs?ignore_unavailable=true")
        for index in self.engine.must("GET", "_aliases"):
            self.engine.delete_index(index)
        config = dict(manifest("config")["data"])
        self.objects = Objects()
        self.objects.contents["configMap", "bobbin-product"] = config
        config["product.json"] = json.dumps(INDEX)
        self.configure("url", self.engine.url)
        self.configure("user", "admin")
        service = self.postgres.tcp_conninfo(dbname="shop").replace(" ", "\n")
        self.objects.contents["secret", "bobbin-product"] = {
            "password": "admin-s3cret\n", "pg_service.conf": f"[shop]\n{service}\n",
            "ca.crt": self.engine.tls("ca.crt").read_text()}

    def add_rows(self, first, last):
        """Of letters that don't compress well."""
        self.database.execute(
            "INSERT INTO product SELECT i, (SELECT string_agg(md5(i::text || j::text), '')"
            " FROM generate_series(1, %s / 32) j), i, now() FROM generate_series(%s, %s) i", (ROW_BYTES, first, last))

    @property
    def config(self):
        return self.objects.contents["configMap", "bobbin-product"]

    def configure(self, name, value):
        changed = re.sub(rf"(?m)^{name} = .*$", f"{name} = {value}" if value else "", self.config["job.conf"])
        assert changed != self.config["job.conf"]
        self.config["job.conf"] = changed

    def put_gate(self, where):
        self.config["product.sql"] = self.config["product.sql"].rstrip() + f" WHERE gate({where})\n"

    def start_until_the_gate(self, pod):
        """Its rows wait there."""
        self.gate.shut()
        pod.start(pod.spec["containers"][0])
        wait_for(lambda: self.gate.waiting() or pod.process.poll() is not None, "a row at the gate")
        assert pod.process.poll() is None, pod.text()

    def pod(self, name, index=None):
        return Pod(self.image, self.objects, job_of(name), self.directory, index)

    def run(self, name, index=None):
        pod = self.pod(name, index)
        status = pod.run()
        assert status == FINISHED, pod.text()
        return pod

    def plan(self):
        """As the page says: the log of one pod becomes the ConfigMap that all others see."""
        log = self.run("plan").text()
        self.objects.contents["configMap", "bobbin-product-plan"] = {"plan.json": log}
        return [shard.get("to") for shard in json.loads(log)["shards"]]

    def ids(self, index):
        return sorted(int(name) for name in self.engine.documents(index))


ALL = list(range(1, ROWS + 1))


@pytest.fixture
def namespace(image, services, tmp_path):
    made = Namespace(image, services, tmp_path)
    try:
        yield made
    finally:
        made.gate.open()


def run_all(namespace, job, indexes):
    with ThreadPoolExecutor(job["parallelism"]) as pool:
        for pod in pool.map(lambda index: namespace.run("indexed", index), indexes):
            assert "pending 0" in pod.text()


def test_all_indexes_together_give_every_row_also_when_one_was_killed(namespace):
    namespace.put_gate(f"id = {HALFWAY}")
    bounds = namespace.plan()
    job = job_of("indexed")
    here = next(number for number, to in enumerate(bounds) if to is None or int(to) >= HALFWAY)
    pod = namespace.pod("indexed", here)
    namespace.start_until_the_gate(pod)
    assert reaction(job, pod.kill()) == "Count"
    namespace.gate.open()
    run_all(namespace, job, [number for number in range(job["completions"]) if number != here])
    assert len(namespace.ids("product-1")) < ROWS
    run_all(namespace, job, [here])
    assert namespace.ids("product-1") == ALL


def test_workers_hand_their_shards_on_and_do_all_of_them(namespace):
    """Each pod plans in its init container, which finds the plan of the first. SIGTERM costs nothing."""
    namespace.put_gate("true")
    job = job_of("work")
    first, second = namespace.pod("work"), namespace.pod("work")
    assert first.prepare() == FINISHED, first.text()
    namespace.start_until_the_gate(first)
    first.signal(signal.SIGTERM)
    assert reaction(job, first.wait()) == "Ignore", first.text()
    namespace.gate.open()
    assert second.run() == FINISHED, second.text()
    assert "is there already" in (second.directory / "plan.log").read_text()
    assert namespace.ids("product-1") == ALL


def test_a_refresh_of_more_than_64_mib_takes_64_mib_and_each_is_a_new_index(namespace):
    namespace.run("refresh")
    assert namespace.ids("product") == ALL
    namespace.add_rows(ROWS + 1, MANY)
    namespace.run("refresh")
    assert namespace.ids("product") == list(range(1, MANY + 1))
    assert len(namespace.engine.must("GET", "_alias/product")) == 1


def test_authorities_come_from_the_image_and_errors_end_the_job(namespace):
    namespace.plan()
    job = job_of("indexed")
    namespace.configure("ca", "")  # the image's own don't know the test's, but are there: else the message is another
    pod = namespace.pod("indexed", 0)
    assert (pod.run(), "SSL certificate problem" in pod.text()) == (DENIED, True), pod.text()
    namespace.configure("index", "")
    pod = namespace.pod("indexed", 0)
    assert reaction(job, pod.run()) == "FailJob", pod.text()
