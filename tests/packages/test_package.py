"""The Debian package: what is in it, and how it was built."""

import gzip
import hashlib
import re

from conftest import ROOT, run


def test_two_builds_give_the_same_bytes(package, tmp_path):
    """From another directory (the build's own name is random), with another time zone, locale and umask."""
    again = tmp_path / "again"
    run("sh", "-c", f"umask 077; TZ=Pacific/Apia LC_ALL=C LANGUAGE=de {ROOT}/script/deb {again}")
    for first in (package.deb, next(package.directory.glob("*.tar.xz"))):
        second = again / first.name
        assert hashlib.sha256(first.read_bytes()).digest() == hashlib.sha256(second.read_bytes()).digest(), first.name


def test_lintian_has_nothing_to_say(package):
    out = run("lintian", "--allow-root", "--fail-on", "error,warning", "--tag-display-limit", "0", package.changes)
    assert not re.findall("^[EW]:.*", out, re.M), out


def test_the_program_is_hardened(package):
    out = run("hardening-check", "--nocfprotection", package.program)
    for what in ("Position Independent Executable: yes", "Stack protected: yes", "Fortify Source functions: yes",
                 "Read-only relocations: yes", "Immediate binding: yes"):
        assert what in out
    if package.field("Architecture") != "amd64":
        return
    # Debian 12's crt1.o has no mark for CET, so the linker gives none to the whole: its parts are looked at.
    assert "SHSTK" in run("readelf", "-n", package.program)
    table = run("readelf", "-S", "-W", package.program)
    assert ".gnu_debuglink" not in table or "debug_info" not in table
    code = run("objdump", "-d", "-j", ".text", package.program)
    assert code.count("endbr64") > 500  # a function whose address is taken begins with one


def test_the_package_has_what_an_installation_needs(package):
    files = package.files()
    assert {
        "usr/bin/bobbin",
        "usr/share/man/man1/bobbin.1.gz",
        "usr/share/bash-completion/completions/bobbin",
        "usr/share/zsh/vendor-completions/_bobbin",
        "usr/share/fish/vendor_completions.d/bobbin.fish",
        "usr/lib/sysusers.d/bobbin.conf",
        "usr/lib/tmpfiles.d/bobbin.conf",
        "lib/systemd/system/bobbin-work@.service",
        "lib/systemd/system/bobbin-refresh@.timer",
        "usr/share/doc/bobbin/examples/cron/bobbin",
        "usr/share/doc/bobbin/examples/credentials.conf",
        "usr/share/doc/bobbin/examples/aws/user-data.yaml",
        "usr/share/doc/bobbin/examples/aws/workers.cfn.yaml",
        "usr/lib/bobbin/aws-instance",
    } <= files
    units = [*(ROOT / "packaging/systemd").iterdir(), *(ROOT / "packaging/aws").glob("*.service")]
    assert {path.name for path in units} - {"credentials.conf"} == {
        path.rsplit("/", 1)[1] for path in files if path.startswith("lib/systemd/system/")}


def test_the_versions_agree(package):
    version = package.field("Version")
    assert run(package.program, "--version").split() == ["bobbin", version]
    assert f"bobbin {version}" in gzip.open(package.root / "usr/share/man/man1/bobbin.1.gz", "rt").readline() + \
        gzip.open(package.root / "usr/share/man/man1/bobbin.1.gz", "rt").read(400)
    assert (ROOT / "NEWS").read_text().startswith(f"bobbin {version}\n")
