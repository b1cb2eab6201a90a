"""Who may do what, over real TLS with real users: and whom bobbin trusts."""

import contextlib
import re
import subprocess
from pathlib import Path

import pytest

from jobs import CONFIG, DENIED, FINISHED, all_in, ledger
from refused import changed, refuse
from tunnel import Tunnel

ROWS = 9


def user(name, password=None):
    return {"BOBBIN_USER": name, "BOBBIN_PASSWORD": password or f"{name}-s3cret"}


@pytest.fixture
def job(secured, make_job, database):
    return make_job(database.make_numbers(ROWS), secured)


@pytest.fixture
def ca(secured):
    return ["--ca", secured.tls("ca.crt")]


@pytest.fixture
def tunnel():
    with contextlib.closing(Tunnel("me", "pr0xy-s3cret")) as tunnel:
        yield tunnel


def fingerprint(path):
    shown = subprocess.run(["openssl", "x509", "-in", path, "-noout", "-fingerprint", "-sha256"],
                           check=True, capture_output=True, text=True).stdout
    return shown.strip().partition("=")[2]


def finished(job, result):
    assert result.returncode == FINISHED, result.stderr
    assert ledger(result.stdout) == all_in(ROWS)
    assert len(job.documents()) == ROWS


def warnings(result):
    return [line for line in result.stderr.splitlines() if " warning: " in line]


# -- users -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("env, words", [
    ({}, ["401", "credentials are missing or wrong"]),
    (user("writer", "wrong"), ["401", "credentials are missing or wrong"]),
    (user("nobody"), ["401", "credentials are missing or wrong"]),
    (user("stranger"), ["403", "lacks a privilege", "view_index_metadata"]),
])
def test_who_may_not_even_look_is_77(job, ca, env, words):
    refuse(job.run(*ca, env=env), DENIED, *words)
    assert not job.spool.exists()


def test_who_may_look_but_not_write_is_77_and_nothing_is_lost(job, ca):
    result = job.run(*ca, env=user("reader"))
    assert result.returncode == DENIED
    assert "indices:data/write/bulk" in result.stderr and "write" in result.stderr
    assert (ledger(result.stdout).pending, ledger(result.stdout).dead) == (ROWS, 0)
    finished(job, job.run(*ca, env=user("writer")))


def test_who_may_not_create_the_index_is_told_the_privilege(secured, make_job, database, ca, tmp_path):
    job = make_job(database.make_numbers(ROWS), secured, body=None)
    (tmp_path / "index.json").write_text("{}")
    create = ["--create-index", tmp_path / "index.json"]
    refuse(job.run(*ca, *create, env=user("reader")), DENIED, "create_index")
    finished(job, job.run(*ca, *create, env=user("writer")))


def test_a_user_in_a_url_is_that_urls_alone(job, secured, ca):
    """The first host refuses what the second one takes."""
    port = secured.url.rpartition(":")[2]
    env = {"BOBBIN_URL": f"https://writer:writer-s3cret@localhost:{port}"}
    words = job.arguments("run", *ca)
    del words[words.index("--url"):words.index("--url") + 2]
    finished(job, job.bobbin.run(words, env=env))
    env["BOBBIN_URL"] = f"https://localhost:{port} {env['BOBBIN_URL']}"
    refuse(job.bobbin.run([*words, "--again"], env=env), DENIED, "401")


# -- TLS -------------------------------------------------------------------------------------------

UNTRUSTED = {
    "the system's authorities": lambda secured: [],
    "another authority": lambda secured: ["--ca", secured.tls("other-ca.crt")],
    "another fingerprint": lambda secured: [
        "--ca-fingerprint", fingerprint(secured.tls("other-ca.crt"))],
}


@pytest.mark.parametrize("name", UNTRUSTED)
def test_a_server_that_nobody_vouches_for_is_77(job, secured, name):
    result = job.run(*UNTRUSTED[name](secured), env=user("writer"))
    refuse(result, DENIED, "localhost", "certificate", "--ca")
    assert not job.spool.exists()


@pytest.mark.parametrize("trust", ["--ca", "--ca-fingerprint"])
def test_a_certificate_for_another_host_is_77(job, secured, trust):
    job.url = secured.url.replace("localhost", "127.0.0.1")
    value = {"--ca": secured.tls("ca.crt"),
             "--ca-fingerprint": fingerprint(secured.tls("ca.crt"))}[trust]
    refuse(job.run(trust, value, env=user("writer")), DENIED, "127.0.0.1", "another host")


@pytest.mark.parametrize("form", [str, str.lower, lambda text: text.replace(":", "")])
def test_an_authority_is_known_by_its_fingerprint(job, secured, form):
    result = job.run("--ca-fingerprint", form(fingerprint(secured.tls("ca.crt"))), env=user("writer"))
    finished(job, result)
    assert warnings(result) == []


def test_the_servers_own_fingerprint_is_good_too(job, secured):
    finished(job, job.run("--ca-fingerprint", fingerprint(secured.tls("node.crt")),
                          env=user("writer")))


@pytest.mark.parametrize("value", ["ab:cd", "z" * 64, ""])
def test_a_fingerprint_that_is_none_is_78(job, value):
    result = job.run("--ca-fingerprint", value, env=user("writer"))
    refuse(result, CONFIG, "64 hexadecimal digits")


def test_insecure_is_warned_of_at_each_start(job, secured):
    job.url = secured.url.replace("localhost", "127.0.0.1")
    for again in ([], ["--again"]):
        result = job.run("--insecure", *again, env=user("writer"))
        finished(job, result)
        line, = warnings(result)
        assert "--insecure" in line and "not verified" in line


# -- what is seen ----------------------------------------------------------------------------------

SECRETS = {"PostgreSQL's password": "postgres-s3cret", "the cluster's": "writer-s3cret",
           "a header's": "header-s3cret", "the proxy's": "pr0xy-s3cret"}


def seen_of(process, spool):
    """All that others may see of a run that goes on: arguments, output, files."""
    yield "arguments", Path(f"/proc/{process.pid}/cmdline").read_bytes()
    yield from seen_after(process, spool)


def seen_after(process, spool):
    yield "stderr", process.stderr_path.read_bytes()
    yield "stdout", process.stdout_path.read_bytes()
    for path in spool.iterdir():
        yield path.name, path.read_bytes()
        assert path.stat().st_mode & 0o077 == 0, path


def assert_no_secret(seen):
    for place, content in seen:
        for name, secret in SECRETS.items():
            assert secret.encode() not in content, f"{name} in {place}"


@pytest.fixture
def telling(postgres, tmp_path, tunnel):
    """Options and environment with a secret in each place that there is."""
    files = {}
    for number, (name, secret) in enumerate(SECRETS.items()):
        files[name] = tmp_path / f"file-{number}"
        files[name].write_text(f"{secret}\n")
        files[name].chmod(0o600)
    config, secret_of_header = tmp_path / "bobbin.conf", SECRETS["a header's"]
    config.write_text(f"header = X-Secret: {secret_of_header}\n")
    config.chmod(0o600)
    postgres.execute("ALTER ROLE bobbin PASSWORD 'postgres-s3cret'")
    yield (["--config", config, "--user", "writer", "--password-file", files["the cluster's"],
            "--proxy", tunnel.url, "--proxy-user", "me",
            "--proxy-password-file", files["the proxy's"]],
           {"BOBBIN_DSN": postgres.tcp_conninfo(password="postgres-s3cret", dbname="tests")})
    postgres.execute("ALTER ROLE bobbin PASSWORD 'bobbin'")


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_is_seen_anywhere(secured, make_job, database, gate, ca, telling, form):
    options, env = telling
    job = make_job(f"SELECT * FROM {database.make_numbers(ROWS)} WHERE gate(id = 5)", secured)
    words = [*changed(job, dsn=None), *map(str, [*ca, *options]), "--log-format", form, "--keep"]
    gate.shut()
    process = job.bobbin.start(words, env=env)
    gate.wait_until_reached()
    assert_no_secret(seen_of(process, job.spool))
    looked = [job.bobbin.run([command, job.spool, "--json"]).stdout
              for command in ("status", "inspect", "verify")]
    gate.open()
    assert job.finish(process) == FINISHED, process.stderr_text()
    assert_no_secret(seen_after(process, job.spool))
    refused = job.bobbin.run([*words, "--again"], env={**env, "BOBBIN_DSN": env["BOBBIN_DSN"] + "x"})
    denied = job.bobbin.run([*words, "--again", "--user", "reader"], env=env)
    assert (refused.returncode, denied.returncode) == (CONFIG, DENIED)
    assert_no_secret([("status", "".join(looked).encode()), ("refused", refused.stderr.encode()),
                      ("denied", denied.stderr.encode())])


# -- proxies ---------------------------------------------------------------------------------------


def test_a_proxy_tunnels_and_sees_no_credentials_of_the_cluster(job, ca, tunnel):
    env = {**user("writer"), "BOBBIN_PROXY_PASSWORD": "pr0xy-s3cret"}
    result = job.run(*ca, "--proxy", tunnel.url, "--proxy-user", "me", env=env)
    finished(job, result)
    assert tunnel.heads
    for head in tunnel.heads:
        assert head.startswith("CONNECT localhost:")
        assert not re.search(r"^Authorization:", head, re.M)
    assert "pr0xy-s3cret" not in result.stderr + result.stdout


def test_the_environments_proxy_counts(job, ca, tunnel):
    url = tunnel.url.replace("http://", "http://me:pr0xy-s3cret@")
    result = job.run(*ca, env={**user("writer"), "https_proxy": url})
    finished(job, result)
    assert tunnel.heads
    assert "pr0xy-s3cret" not in result.stderr + result.stdout
    tunnel.heads.clear()
    finished(job, job.run(*ca, "--again",
                          env={**user("writer"), "https_proxy": url, "no_proxy": "localhost"}))
    assert tunnel.heads == []


@pytest.mark.parametrize("password", ["wr0ng-s3cret", ""])
def test_a_proxy_that_refuses_is_77(job, ca, tunnel, password):
    env = {**user("writer"), "BOBBIN_PROXY_PASSWORD": password}
    result = job.run(*ca, "--proxy", tunnel.url, "--proxy-user", "me", env=env)
    refuse(result, DENIED, "407", "--proxy-user")
    assert "s3cret" not in result.stderr


# -- client certificates, last: the engine starts anew for them --------------------------------------


@pytest.fixture
def demanding(secured):
    """It lets clients in that have a certificate by its authority, no others."""
    secured.stop()
    secured.start(client_auth="required")
    yield secured
    secured.stop()


def test_a_client_certificate_lets_in(demanding, job, ca):
    def certificate(key, name="client"):
        return ["--cert", demanding.tls(f"{name}.crt"), "--cert-key", demanding.tls(key)]

    refuse(job.run(*ca, env=user("writer")), DENIED, "client certificate", "--cert")
    stranger = certificate("other-ca.key", "other-ca")
    refuse(job.run(*ca, *stranger, env=user("writer")), DENIED, "client certificate", "--cert")
    mismatched = job.run(*ca, *certificate("other-ca.key"), env=user("writer"))
    refuse(mismatched, DENIED, "--cert-key")
    locked = certificate("locked.key")
    refuse(job.run(*ca, *locked, env=user("writer")), DENIED, "--cert-password-file")
    wrong = {**user("writer"), "BOBBIN_CERT_PASSWORD": "wrong"}
    refuse(job.run(*ca, *locked, env=wrong), DENIED, "--cert-password-file")
    right = {**user("writer"), "BOBBIN_CERT_PASSWORD": "k3y-s3cret"}
    finished(job, job.run(*ca, *locked, env=right))
    finished(job, job.run(*ca, *certificate("client.key"), "--again", env=user("writer")))
