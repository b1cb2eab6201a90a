"""packaging/aws/user-data.yaml: an instance that a launch template of the stack has made becomes a worker, is taken
back by EC2 and boots again, goes on, and leaves its group when the job is done.

Real are systemd, cloud-init, apt and a signed repository, the package, AWS's own program, PostgreSQL, Elasticsearch with
users, and the worker. moto is AWS.
"""

import base64
import contextlib
import functools
import http.server
import json
import re
import threading

import pytest

from cloud import REGION, Cloud
from conftest import ROOT, run
from instance import Instance, Metadata
from jobs import NO_MAPPING, Database, wait_for
from test_access import fingerprint
from test_aws_stack import USER_DATA, Stack, encoded

JOB = "product-20261127"
WORKER, LEAVE = f"bobbin-work@{JOB}.service", "bobbin-aws-leave.service"
FAILED = f"bobbin-aws-failed@{WORKER}"
PASSWORD, PG_PASSWORD = "admin-s3cret", "pg-s3cret"
ROWS, SHARDS = 400, 4
QUERY = f"SELECT id, body AS title FROM product WHERE gate(id = {ROWS // 2})"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with contextlib.closing(Cloud(tmp_path_factory.mktemp("moto") / "log")) as cloud:
        yield cloud


@pytest.fixture
def machine(starting, chroot):
    """What an image of Debian's has, as far as it counts here."""
    chroot.install("cloud-init", "systemd-sysv")
    return chroot


@pytest.fixture
def engine(machine, services):
    return services[1]


@pytest.fixture
def database(machine, services):
    postgres, _ = services
    database = Database(postgres, postgres.fresh_database("shop"))
    database.execute(f"ALTER TABLE {database.make_numbers(ROWS)} RENAME TO product")
    database.execute(f"CREATE ROLE worker LOGIN PASSWORD '{PG_PASSWORD}'; GRANT SELECT ON product TO worker")
    return database


class Files(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def repository(package, tmp_path, monkeypatch):
    """An apt repository of the package, on a web server: its URL, and the key that it is signed by."""
    monkeypatch.setenv("GNUPGHOME", str(tmp_path / "gnupg"))
    (tmp_path / "gnupg").mkdir(mode=0o700)
    run("gpg", "--batch", "--passphrase", "", "--quick-generate-key", "bobbin@example.org", "ed25519", "sign", "never")
    run(ROOT / "script/apt-repo", "-k", "bobbin@example.org", tmp_path / "apt", package.deb)
    handler = functools.partial(Files, directory=tmp_path / "apt")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", run("gpg", "--armor", "--export", "bobbin@example.org")
        server.shutdown()
        thread.join()
    run("gpgconf", "--kill", "all")


@pytest.fixture
def user_data(repository, engine):
    """user-data.yaml, filled in where it says so."""
    text = USER_DATA.read_text()
    url, key = repository
    pem = engine.tls("ca.crt")
    for pattern, value in {
            "https://packages.example.org/bobbin": url,
            r" *-----BEGIN PGP[^$]*?END PGP.*-----\n": re.sub("(?m)^", "      ", key.rstrip("\n")) + "\n",
            "url = .*": f"url = {engine.url}\n      ca-fingerprint = {fingerprint(pem)}\n      window-rows = 25",
            "user = .*": "user = admin",
            "SELECT id, title.*": QUERY}.items():
        text, count = re.subn(pattern, value, text)
        assert count == 1, pattern
    return text


@pytest.fixture
def stack(cloud, user_data, database):
    """A group of two workers, and their secrets."""
    password = cloud.client("secretsmanager").create_secret(Name="bobbin/password", SecretString=PASSWORD)
    port = database.postgres.port
    service = f"[shop]\nhost=127.0.0.1\nport={port}\ndbname=shop\nuser=worker\npassword={PG_PASSWORD}\n"
    ssm = cloud.client("ssm")
    ssm.put_parameter(Name="/bobbin/pg_service", Value=service, Type="SecureString")
    parameter = ssm.get_parameter(Name="/bobbin/pg_service")["Parameter"]
    stack = Stack(cloud, "booted", UserData=encoded(user_data.encode()),
                  SecretArns=f"{password['ARN']},{parameter['ARN']}")
    stack.set_job(JOB)
    stack.set_capacity(2)
    yield stack
    stack.delete()


@pytest.fixture
def metadata(stack):
    """What EC2 tells the group's first instance of itself."""
    first = stack.instances()[0]
    with contextlib.closing(Metadata()) as metadata:
        metadata.give("AKID", "secret", "t0ken", 3600)
        metadata.items = {"instance-id": first["InstanceId"], "placement/region": REGION,
                          "autoscaling/target-lifecycle-state": "InService",
                          **{f"tags/instance/{tag['Key']}": tag["Value"] for tag in first["Tags"]}}
        yield metadata


@pytest.fixture
def instance(machine, cloud, stack, metadata):
    instance = Instance(machine, base64.b64decode(stack.template("Arm64")["UserData"]), metadata, cloud.url)
    try:
        yield instance
    finally:
        instance.end()


@pytest.fixture
def plan(package, database, engine, tmp_path):
    """The job, as somebody has planned it elsewhere: a function that says how its shards are."""
    (tmp_path / "query.sql").write_text(f"{QUERY}\n")  # as cloud-init writes it
    cluster = ["--url", engine.url, "--ca", engine.tls("ca.crt"), "--user", "admin"]

    def bobbin(*words):
        return run(package.program, *words, *cluster, env={"BOBBIN_PASSWORD": PASSWORD})

    engine.create_index(JOB, NO_MAPPING)
    bobbin("plan", JOB, "--dsn", database.conninfo, "--query", tmp_path / "query.sql", "--index", JOB, "--shards", SHARDS,
           "--exact")
    return lambda: [shard["state"] for shard in json.loads(bobbin("job", "show", JOB, "--json"))["shards"]]


def assert_first_boot_makes_a_worker(instance, gate):
    instance.wait_for_worker(gate, WORKER)
    said = instance.run("cloud-init", "status", "--wait")
    assert "status: done" in said, said
    assert "WARNING" not in instance.run("cat", "/var/log/cloud-init.log", "/var/log/cloud-init-output.log")
    instance.wait_until_up()
    assert instance.enabled() == ["bobbin-aws-watch.service", "bobbin-aws.service"]


def assert_secrets_are_hidden(instance):
    """They stand in root's files in memory and in the worker's credentials, and nowhere else; no program got them as its
    argument."""
    found = instance.run("grep", "-rlsE", f"{PASSWORD}|{PG_PASSWORD}", "/etc", "/home", "/noted", "/root", "/run", "/tmp", "/var")
    secrets = ["/run/bobbin-aws/password", "/run/bobbin-aws/pg_service"]
    credentials = [f"/run/credentials/{WORKER}/{name}" for name in ("password", "pg_service")]
    assert sorted(found.split()) == secrets + credentials
    modes = instance.run("stat", "-c", "%U %a", "/run/bobbin-aws", *secrets, f"/run/credentials/{WORKER}", *credentials)
    assert modes.splitlines() == ["root 700", "root 600", "root 600", "bobbin 500", "bobbin 400", "bobbin 400"]
    asked = instance.noted()
    assert len(asked) == 2 and PASSWORD not in "".join(asked) + USER_DATA.read_text()


def assert_units_are_good(instance):
    files = [path.name for path in (ROOT / "packaging/aws").glob("*.service")]
    units = [WORKER, FAILED, *(name for name in files if "@" not in name)]
    done = instance.try_to("systemd-analyze", "verify", "--man=no", *units)
    assert "bobbin" not in done.stdout + done.stderr


def assert_a_worker_that_can_go_on_is_started_again(instance):
    """And says nothing to the group, nor waits for a person: with OnSuccess= of systemd 252 it would."""
    instance.systemctl("kill", "--signal=TERM", WORKER)
    wait_for(lambda: instance.restarts(WORKER) == 1 and instance.show(WORKER, "ActiveState") == "active", "a restart")
    for unit in (LEAVE, FAILED):
        assert instance.show(unit, "InactiveExitTimestampMonotonic") == "0"


def assert_taken_back_it_hands_its_shard_over(instance, plan):
    """And says nothing to the group, which sees it go."""
    instance.metadata.items["spot/instance-action"] = '{"action": "terminate", "time": "2026-11-27T06:00:00Z"}'
    assert instance.wait_for_end(WORKER)[:2] == ("inactive", "success"), instance.journal(WORKER)
    assert instance.wait_for_end("bobbin-aws-watch.service")[1] == "success"
    assert "takes this instance back" in instance.journal("bobbin-aws-watch.service")
    assert "held" not in plan() and plan() != ["done"] * SHARDS
    assert instance.show(LEAVE, "InactiveExitTimestampMonotonic") == "0"
    instance.shut_down()
    assert instance.noted() == []


def assert_second_boot_goes_on_to_the_end_and_leaves(instance, plan, stack):
    """cloud-init has nothing more to do, and the secrets are fetched again. When all is done it goes off by itself."""
    del instance.metadata.items["spot/instance-action"]
    instance.switch_on()
    instance.wait_until_off()
    assert plan() == ["done"] * SHARDS
    assert instance.path("/var/log/cloud-init-output.log").read_text().count("Setting up bobbin ") == 1
    assert len(instance.noted()) == 3
    assert stack.group()["DesiredCapacity"] == 1
    assert instance.metadata.items["instance-id"] not in {left["InstanceId"] for left in stack.instances()}


def assert_a_failure_is_shown_and_a_person_waited_for(instance):
    """For no time, here. As its group ends the instance already, it asks for nothing more than its secrets."""
    instance.metadata.items["autoscaling/target-lifecycle-state"] = "Terminated"
    for name, pattern, text in [("aws", "(?m)^KEEP_FAILED=.*", "KEEP_FAILED=0s"), ("worker", "(?m)^user = .*", "color = red")]:
        path = instance.path(f"/etc/bobbin/{name}.conf")
        path.write_text(re.sub(pattern, text, path.read_text()))
    instance.switch_on()
    instance.wait_until_off()
    said = instance.left_journal(FAILED)
    assert f"{WORKER.removesuffix('.service')} has failed" in said and "color" in said
    assert len(instance.noted()) == 2


def test_an_instance_works_until_the_job_is_done(instance, stack, database, engine, gate, plan):
    instance.write("/root/user-data.yaml", USER_DATA.read_bytes())
    assert "Valid cloud-config" in instance.chroot.run("cloud-init", "schema", "--config-file", "/root/user-data.yaml")
    gate.shut()
    assert_first_boot_makes_a_worker(instance, gate)
    assert_secrets_are_hidden(instance)
    assert_units_are_good(instance)
    assert_a_worker_that_can_go_on_is_started_again(instance)
    assert_taken_back_it_hands_its_shard_over(instance, plan)
    gate.open()
    assert_second_boot_goes_on_to_the_end_and_leaves(instance, plan, stack)
    assert engine.documents(JOB) == database.documents(QUERY)
    assert_a_failure_is_shown_and_a_person_waited_for(instance)
