"""The systemd units at work: the real systemd, as the first process of a system in which the package is installed, runs them as
they are shipped, against a real PostgreSQL and an Elasticsearch with TLS and users, whose passwords come as credentials.

Drop-ins change waiting times and an address, nothing else.
"""

import subprocess
from types import SimpleNamespace

import pytest

from conftest import ROOT, Chroot, run
from documents import commands_of_page
from engines import free_address
from jobs import CONFIG, DEAD_LETTERS, DENIED, NO_MAPPING, NUMBERS_ONLY, Database, next_name, wait_for
from serving import Client
from system import System
from test_access import fingerprint

PASSWORD, PG_PASSWORD = "admin-s3cret", "pg-s3cret"
ROWS = 600
SMALL = "window-rows = 50\nframe-size = 4K\nsegment-size = 16K\n"
SERVICES = ("bobbin@", "bobbin-work@", "bobbin-refresh@", "bobbin-serve")
SERVE, SOCKET = "bobbin-serve.service", "bobbin-serve.socket"
DONE = ("inactive", "success", 0)
MIB = 1 << 20


@pytest.fixture(scope="module")
def system(starting, package, tmp_path_factory):
    """One for all of them: it has not more of the machine than any machine has."""
    chroot = Chroot(tmp_path_factory.mktemp("system") / "chroot")
    chroot.install_package(package)
    system = System(chroot)
    try:
        system.boot()
        yield system
        system.shut_down()
    finally:
        system.end()


@pytest.fixture(scope="module")
def database(services):
    postgres, _ = services
    database = Database(postgres, postgres.fresh_database("units"))
    database.execute(f"ALTER TABLE {database.make_marked(ROWS)} RENAME TO product")
    database.execute(f"DROP ROLE IF EXISTS mover; CREATE ROLE mover LOGIN PASSWORD '{PG_PASSWORD}';"
                     "GRANT SELECT ON product TO mover")
    return database


@pytest.fixture(scope="module")
def engine(services):
    return services[1]


@pytest.fixture(scope="module")
def machine(system, database, engine):
    """The system, with what a person gives the units: secrets, which are root's, and where all is."""
    system.write("/etc/bobbin/credentials/password", PASSWORD, 0o600)
    system.write("/etc/bobbin/credentials/pg_service.conf",
                 f"[units]\nhost=127.0.0.1\nport={database.postgres.port}\ndbname=units\nuser=mover\n"
                 f"password={PG_PASSWORD}\n", 0o600)
    credentials = system.run("cat", "/usr/share/doc/bobbin/examples/credentials.conf")
    for service in SERVICES:
        system.drop_in(f"{service}.service", credentials, "credentials")
        system.drop_in(f"{service}.service", "[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestartSec=200ms\n")
    return Machine(system, database, engine)


class Machine:
    """Gives the units their jobs, and looks at what becomes of them."""

    def __init__(self, system, database, engine):
        self.system, self.database, self.engine = system, database, engine
        self.authority = f"ca-fingerprint = {fingerprint(engine.tls('ca.crt'))}"  # the system has no others

    def cluster(self):
        """The lines of a configuration that say where rows come from and go to."""
        return f"dsn = service=units\nurl = {self.engine.url}\n{self.authority}\nuser = admin\n{SMALL}"

    def make_job(self, kind="bobbin@", columns="id, body", body=NO_MAPPING, more=""):
        """A job that waits at its middle, when the gate is shut: the unit that does it."""
        query = f"SELECT {columns} FROM product WHERE gate(id = {ROWS // 2 + 25})"
        job = Job(self, kind, next_name("units"), query)
        self.write_job(job.name, query, f"index = {job.name}\n{more}")
        self.engine.create_index(job.name, body)
        if kind == "bobbin-work@":
            self.as_root("plan", job.name, "--config", f"/etc/bobbin/jobs/{job.name}.conf", "--shards", 2)
        return job

    def write_job(self, name, query, more):
        self.system.write(f"/etc/bobbin/{name}.sql", query)
        self.system.write(f"/etc/bobbin/jobs/{name}.conf", f"{self.cluster()}query = {name}.sql\n{more}")

    def as_root(self, *words):
        secrets = "/etc/bobbin/credentials"
        return self.system.run("env", "-C", "/etc/bobbin", f"BOBBIN_PASSWORD_FILE={secrets}/password",
                               f"PGSERVICEFILE={secrets}/pg_service.conf", "bobbin", *words)


class Job:
    """What a unit is to do, and has done."""

    def __init__(self, machine, kind, name, query):
        self.system, self.database, self.engine = machine.system, machine.database, machine.engine
        self.name, self.query = name, query
        self.unit = f"{kind}{name}.service"

    def start(self):
        self.system.systemctl("start", self.unit)

    def start_until(self, gate):
        """Its middle."""
        gate.shut()
        self.start()
        wait_for(lambda: gate.waiting() or self.system.show(self.unit, "ActiveState") == "failed", "a dump at the gate")
        assert gate.waiting(), self.system.journal(self.unit)

    def assert_done(self):
        assert self.system.wait_for_end(self.unit) == DONE, self.system.journal(self.unit)
        assert self.engine.documents(self.name) == self.database.documents(self.query)


def test_systemd_takes_all_units(machine):
    """As they are installed, and with credentials."""
    names = [f"{service}products.service" if "@" in service else f"{service}.service" for service in SERVICES]
    done = machine.system.try_to("systemd-analyze", "verify", "--man=no", *names, "bobbin-refresh@products.timer", SOCKET)
    assert "bobbin" not in done.stdout + done.stderr


@pytest.mark.parametrize("kind, last_words", [
    ("bobbin@", f"rows read {ROWS} = acknowledged {ROWS} + dead 0 + pending 0"),
    ("bobbin-work@", "all 2 shards are done")])
def test_a_job_is_shut_in_and_done(machine, gate, kind, last_words):
    system, job = machine.system, machine.make_job(kind)
    job.start_until(gate)
    pid = system.pid(job.unit)
    status = system.status(pid)
    assert system.run("stat", "-c", "%U", f"/proc/{pid}").strip() == "bobbin"
    assert (status["NoNewPrivs"], status["Seccomp"], int(status["CapBnd"], 16)) == ("1", "2", 0)
    assert [place for place in ("/", "/etc", "/usr", "/var", "/var/lib", "/var/spool/bobbin", "/sys/fs/cgroup")
            if system.may_write(pid, place)] == ["/var/spool/bobbin"]
    assert system.memory_limit(pid) == 64 * MIB
    shown = system.run("cat", f"/proc/{pid}/environ", f"/proc/{pid}/cmdline") + system.journal(job.unit)
    assert PASSWORD not in shown and PG_PASSWORD not in shown
    gate.open()
    job.assert_done()
    assert system.restarts(job.unit) == 0
    assert last_words in system.journal(job.unit)


@pytest.mark.parametrize("kind", ["bobbin@", "bobbin-work@"])
def test_without_postgresql_a_job_is_started_until_it_is_there(machine, database, gate, kind):
    job = machine.make_job(kind, more="give-up-after = 200ms\n")
    database.postgres.stop()
    job.start()
    wait_for(lambda: machine.system.restarts(job.unit) >= 2, "two restarts")
    database.postgres.start()
    job.assert_done()
    assert "Connection refused" in machine.system.journal(job.unit)


@pytest.mark.parametrize("status, change", [
    (DEAD_LETTERS, {"columns": "id, body, mark", "body": NUMBERS_ONLY}),
    (DENIED, {"more": "user = nobody\n"}),
    (CONFIG, {"more": "color = red\n"})])
def test_what_wants_a_person_is_not_started_again(machine, gate, status, change):
    job = machine.make_job(**change)
    machine.system.try_to("systemctl", "start", job.unit)
    assert machine.system.wait_for_end(job.unit) == ("failed", "exit-code", status)
    assert machine.system.restarts(job.unit) == 0


@pytest.mark.parametrize("kind, more", [("bobbin@", ""), ("bobbin-work@", "lease = 3s\n")])
def test_a_killed_job_goes_on(machine, gate, kind, more):
    job = machine.make_job(kind, more=more)
    job.start_until(gate)
    machine.system.systemctl("kill", "--signal=KILL", job.unit)
    wait_for(lambda: machine.system.restarts(job.unit) == 1, "a restart")
    gate.open()
    job.assert_done()
    assert "status=9/KILL" in machine.system.journal(job.unit)


def test_a_job_that_the_kernel_ends_for_its_memory_goes_on(machine, gate):
    system, job = machine.system, machine.make_job()
    system.drop_in(job.unit, "[Service]\nMemoryMax=2M\n", "memory")
    job.start()
    wait_for(lambda: system.restarts(job.unit) >= 2, "two restarts")
    assert "status=9/KILL" in system.journal(job.unit)
    system.drop_in(job.unit, "[Service]\nMemoryMax=64M\n", "memory")
    job.assert_done()


@pytest.mark.parametrize("kind", ["bobbin@", "bobbin-work@"])
def test_a_stopped_job_ends_by_itself_and_goes_on_when_started(machine, gate, kind):
    job = machine.make_job(kind)
    job.start_until(gate)
    machine.system.systemctl("stop", job.unit)
    assert machine.system.wait_for_end(job.unit) == DONE
    assert machine.system.restarts(job.unit) == 0
    gate.open()
    job.start()
    job.assert_done()


def of_pages(program):
    """The commands of that program in the pages."""
    return [command for page in sorted((ROOT / "docs").glob("*.md")) for command in commands_of_page(page, [program])]


def test_the_pages_commands_enable_units_and_show_their_log(machine, gate):
    name, query = "product", "SELECT id, body FROM product"
    machine.system.write("/etc/bobbin/product.json", "{}")
    machine.write_job(name, query, "index = product\nalias = product-live\ncreate-index = product.json\n")
    machine.engine.create_index(name, NO_MAPPING)
    machine.as_root("plan", name, "--config", "/etc/bobbin/jobs/product.conf", "--shards", 2)
    units = []
    for command in of_pages("systemctl"):
        machine.system.run("sh", "-c", command)
        units.append(command.split()[-1])
        assert machine.system.run("systemctl", "is-enabled", units[-1]).strip() == "enabled"
    assert units == ["bobbin-work@product.service", "bobbin-refresh@product.timer"]
    assert machine.system.wait_for_end(units[0]) == DONE, machine.system.journal(units[0])
    assert machine.system.show(units[1], "ActiveState") == "active"
    (command,) = of_pages("journalctl")
    assert "all 2 shards are done" in machine.system.run("sh", "-c", command)
    machine.system.systemctl("disable", "--now", *units)
    assert machine.engine.documents(name) == machine.database.documents(query)


def test_the_timer_refreshes_again_and_again(machine):
    name = next_name("nightly")
    query = "SELECT id, body FROM product"
    machine.write_job(name, query, f"alias = {name}\ncreate-index = {name}.json\n")
    machine.system.write(f"/etc/bobbin/{name}.json", '{"settings": {"number_of_replicas": 0}}')
    timer = f"bobbin-refresh@{name}.timer"
    assert "01:00" in machine.system.show(timer, "TimersCalendar")
    machine.system.drop_in(timer, "[Timer]\nOnCalendar=\nOnCalendar=*:*:0/1\nRandomizedDelaySec=0\nAccuracySec=1ms\n")
    machine.system.systemctl("enable", "--now", timer)

    def index():
        """The one that the alias stands for."""
        status, found = machine.engine.request("GET", f"_alias/{name}")
        return next(iter(found)) if status == 200 else None

    first = wait_for(index, "a refresh")
    wait_for(lambda: index() != first, "another refresh")
    machine.system.systemctl("stop", timer)
    unit = timer.replace(".timer", ".service")
    assert machine.system.wait_for_end(unit) == DONE, machine.system.journal(unit)
    assert machine.engine.documents(name) == machine.database.documents(query)


@pytest.fixture
def client(machine):
    """Of a server that nobody has started; systemd listens."""
    address, system = free_address(), machine.system
    system.write("/etc/bobbin/rows.sql", "SELECT id, body FROM {table}")
    system.write("/etc/bobbin/rows.json", "{}")
    system.write("/etc/bobbin/models/rows.conf",
                 f"{machine.cluster()}query = rows.sql\ncreate-index = rows.json\n")
    system.drop_in(SOCKET, f"[Socket]\nListenStream=\nListenStream={address}\n", "address")
    system.systemctl("enable", "--now", SOCKET)
    yield Client(f"http://{address}")
    system.systemctl("stop", SOCKET, SERVE)


def assert_moves_rows(client, machine):
    task, index = client.post("product", 101, 250)
    assert client.wait_for_end(task)["error"] is None
    assert machine.engine.documents(index) == machine.database.documents(
        "SELECT id, body FROM product WHERE id BETWEEN 101 AND 250")


def test_the_first_request_starts_the_server_and_a_clean_stop_ends_it(machine, client):
    system = machine.system
    assert system.show(SERVE, "ActiveState") == "inactive"
    assert_moves_rows(client, machine)
    assert (system.show(SERVE, "ActiveState"), system.show(SERVE, "WatchdogUSec")) == ("active", "1min")
    assert system.memory_limit(system.pid(SERVE)) == 192 * MIB
    system.systemctl("stop", SOCKET, SERVE)
    assert system.wait_for_end(SERVE) == DONE
    assert f"listening on {client.url}" in system.journal(SERVE)


def test_the_watchdog_hears_the_server_and_ends_one_that_hangs(machine, client):
    system = machine.system
    system.drop_in(SERVE, "[Service]\nWatchdogSec=1s\n", "watchdog")
    assert_moves_rows(client, machine)
    heard = system.show(SERVE, "WatchdogTimestampMonotonic")
    wait_for(lambda: system.show(SERVE, "WatchdogTimestampMonotonic") != heard, "a sign of life")
    hanging, restarts = system.pid(SERVE), system.restarts(SERVE)
    system.systemctl("kill", "--kill-whom=main", "--signal=STOP", SERVE)
    wait_for(lambda: system.restarts(SERVE) == restarts + 1, "a restart")
    assert "Watchdog timeout" in system.journal(SERVE)
    assert_moves_rows(client, machine)
    assert system.pid(SERVE) not in (0, hanging)


def test_a_system_is_booted_by_hand_as_docs_contributing_says(package, tmp_path):
    make, install, boot, enter, power_off = (
        command.replace("/tmp/try", str(tmp_path / "try")).replace("build/deb", str(package.directory))
        for command in commands_of_page(ROOT / "docs/contributing.md", ["script/lib/chroot"]))
    for command in (make, install):
        run("sh", "-c", command, cwd=ROOT)
    system = System(SimpleNamespace(directory=tmp_path / "try"))
    system.process = subprocess.Popen(["bash", "-c", f"{boot}\nwait $!"], cwd=ROOT, start_new_session=True)
    try:
        system.wait_until_up()
        assert run("sh", "-c", enter, cwd=ROOT, input="systemctl is-system-running\n") == "running\n"
        run("sh", "-c", power_off, cwd=ROOT)
        system.wait_until_off()
    finally:
        system.end()
