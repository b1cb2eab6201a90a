"""packaging/aws/user-data.yaml: an instance that a launch template of the stack has made becomes a worker, is taken
back by EC2 and boots again, goes on, and leaves its group when the job is done.

Real are cloud-init, apt and a signed repository, the package, AWS's own program, PostgreSQL, Elasticsearch with users,
and the worker. moto is AWS.
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
from instance import Instance, Metadata, terminate
from jobs import CONFIG, FINISHED, NO_MAPPING, STOPPED, Database, Gate, wait_for
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
    chroot.install("cloud-init")
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


@pytest.fixture
def gate(database):
    gate = Gate(database)
    yield gate
    gate.open()


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
    return Instance(machine, base64.b64decode(stack.template("Arm64")["UserData"]), metadata, cloud.url)


def boot(instance):
    """cloud-init, then what is enabled and ends; what both said."""
    said = instance.cloud_init()
    return said + instance.run_unit("bobbin-aws.service")


def bobbin(instance, *words):
    """A command of bobbin's, with the worker's configuration and credentials."""
    command = ["/usr/bin/bobbin", *words, "--config", f"/etc/bobbin/jobs/{JOB}.conf"]
    return instance.chroot.run(*instance.as_bobbin(WORKER, command))


def states(instance):
    return [shard["state"] for shard in json.loads(bobbin(instance, "job", "show", JOB, "--json"))["shards"]]


def assert_secrets_are_hidden(instance):
    """They stand in root's files in memory, and nowhere else; no program got them as its argument."""
    found = run("grep", "-rlE", f"{PASSWORD}|{PG_PASSWORD}", instance.chroot.directory, "--exclude-dir=proc").split()
    secrets = [instance.path(f"/run/bobbin-aws/{name}") for name in ("password", "pg_service")]
    assert sorted(found) == sorted(map(str, secrets))
    for path in secrets:
        assert [(found.stat().st_uid, found.stat().st_mode & 0o777) for found in (path, path.parent)] == [
            (0, 0o600), (0, 0o700)]
    asked = instance.noted("aws")
    assert len(asked) == 2 and PASSWORD not in "".join(asked) + USER_DATA.read_text()


def assert_units_are_good(instance):
    files = [path.name for path in (ROOT / "packaging/aws").glob("*.service")]
    units = [WORKER, FAILED, *(name for name in files if "@" not in name)]
    said = instance.chroot.run("sh", "-c", f"systemd-analyze verify --man=no {' '.join(units)} 2>&1")
    assert "bobbin" not in said, said


def assert_systemd_knows_what_an_end_means(instance):
    """It starts a stopped worker again, and says nothing to the group until one has done all, or wants a person."""
    restarts = instance.ends("bobbin-work@.service", [FINISHED, STOPPED, CONFIG])
    assert restarts[STOPPED] > 0 and restarts[FINISHED] == restarts[CONFIG] == 0
    assert sorted(instance.noted("systemctl")) == [
        f"start --no-block bobbin-aws-failed@bobbin-work@{CONFIG}.service", f"start --no-block {LEAVE}"]


def assert_first_boot_prepares_a_worker(instance):
    said = boot(instance)
    assert "WARNING" not in said and "ignoring command 'start'" in said, said
    assert instance.enabled() == ["bobbin-aws-watch.service", "bobbin-aws.service"]
    assert instance.noted("systemctl") == [f"start --no-block {WORKER}"]


def assert_taken_back_it_hands_its_shard_over(instance, gate):
    gate.shut()
    with instance.worker(WORKER) as worker:
        gate.wait_until_reached()
        watch = instance.start("bobbin-aws-watch.service")
        instance.metadata.items["spot/instance-action"] = '{"action": "terminate", "time": "2026-11-27T06:00:00Z"}'
        said, _ = watch.communicate(timeout=60)
        assert (watch.returncode, "takes this instance back" in said) == (0, True), said
        assert instance.noted("systemctl") == ["stop bobbin-aws.service bobbin-work@*.service"]
        terminate(worker)
        gate.open()
        assert worker.wait(60) == STOPPED, worker.stdout.read()
    assert "held" not in states(instance) and states(instance) != ["done"] * SHARDS
    assert instance.after(WORKER, STOPPED) == []


def assert_second_boot_goes_on_to_the_end(instance):
    """cloud-init has nothing more to do, and the secrets are fetched again."""
    instance.shut_down()
    del instance.metadata.items["spot/instance-action"]
    said = boot(instance)
    assert "Created symlink" not in said and "Setting up" not in said, said
    assert instance.noted("systemctl") == [f"start --no-block {WORKER}"]
    with instance.worker(WORKER) as worker:
        said, _ = worker.communicate(timeout=120)
        assert worker.returncode == FINISHED, said
    assert states(instance) == ["done"] * SHARDS


def assert_it_leaves_its_group(instance, stack):
    assert instance.after(WORKER, FINISHED) == [f"start --no-block {LEAVE}"]
    assert instance.settings(LEAVE)["SuccessAction"] == ["poweroff"]
    instance.run_unit(LEAVE)
    assert stack.group()["DesiredCapacity"] == 1
    assert instance.metadata.items["instance-id"] not in {left["InstanceId"] for left in stack.instances()}
    # As its group ends it, it asks for nothing.
    instance.metadata.items["autoscaling/target-lifecycle-state"] = "Terminated"
    instance.noted("aws")
    instance.run_unit(LEAVE)
    assert instance.noted("aws") == []


def assert_a_failure_is_shown_and_a_person_waited_for(instance):
    instance.chroot.run("sed", "-i", "s/^KEEP_FAILED=.*/KEEP_FAILED=0s/", "/etc/bobbin/aws.conf")
    assert instance.after(WORKER, CONFIG) == [f"start --no-block {FAILED}"]
    assert f"{WORKER.removesuffix('.service')} has failed" in instance.run_unit(FAILED)
    assert instance.noted("systemctl") == [f"is-failed --quiet {WORKER}", f"start --no-block {LEAVE}"]


def test_an_instance_works_until_the_job_is_done(instance, stack, database, engine, gate):
    instance.write("/root/user-data.yaml", USER_DATA.read_bytes())
    assert "Valid cloud-config" in instance.chroot.run("cloud-init", "schema", "--config-file", "/root/user-data.yaml")
    assert_first_boot_prepares_a_worker(instance)
    assert_secrets_are_hidden(instance)
    assert_units_are_good(instance)
    assert_systemd_knows_what_an_end_means(instance)

    engine.create_index(JOB, NO_MAPPING)
    bobbin(instance, "plan", JOB, "--index", JOB, "--shards", str(SHARDS), "--exact")
    assert_taken_back_it_hands_its_shard_over(instance, gate)
    assert_second_boot_goes_on_to_the_end(instance)
    assert engine.documents(JOB) == database.documents(QUERY)
    assert_it_leaves_its_group(instance, stack)
    assert_a_failure_is_shown_and_a_person_waited_for(instance)
