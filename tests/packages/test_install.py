"""The package in a clean Debian: installed, used, upgraded, removed, purged; and from an apt repository."""

from conftest import ROOT, run

SPOOL = "/var/spool/bobbin"


def as_bobbin(chroot, *command):
    return chroot.run("setpriv", "--reuid", "bobbin", "--regid", "bobbin", "--clear-groups", *command)


def test_the_package_is_installed_upgraded_removed_and_purged(package, chroot, tmp_path):
    run("cp", package.deb, chroot.directory / "root/first.deb")
    run("cp", package.with_version("99", tmp_path), chroot.directory / "root/second.deb")
    before = chroot.find("*bobbin*") | {"/etc/passwd"}

    chroot.install("/root/first.deb")
    assert chroot.run("getent", "passwd", "bobbin").strip().endswith(":/usr/sbin/nologin")
    assert package.field("Version") in as_bobbin(chroot, "bobbin", "--version")

    # What people and bobbin itself write is theirs: an upgrade and a removal leave it.
    chroot.run("sh", "-c", "echo 'url = http://localhost:9' > /etc/bobbin/jobs/products.conf")
    as_bobbin(chroot, "sh", "-c", f"umask 077; mkdir {SPOOL}/products; echo rows > {SPOOL}/products/x.seg.zst")
    chroot.install("/root/second.deb")
    assert chroot.run("dpkg-query", "-W", "-f", "${Version}", "bobbin") == "99"
    assert as_bobbin(chroot, "cat", f"{SPOOL}/products/x.seg.zst", "/etc/bobbin/jobs/products.conf")
    chroot.run("apt-get", "-q", "-y", "remove", "bobbin")
    assert chroot.find("bobbin") <= {"/etc/bobbin", SPOOL} | chroot.find("bobbin.list")
    chroot.run("test", "-e", f"{SPOOL}/products/x.seg.zst")

    # A purge takes the spools, and leaves only what people wrote.
    chroot.run("apt-get", "-q", "-y", "purge", "bobbin")
    assert chroot.find("*bobbin*") - before == {"/etc/bobbin"}
    assert chroot.run("find", "/etc/bobbin", "-type", "f").split() == ["/etc/bobbin/jobs/products.conf"]


def test_another_machine_installs_it_from_the_apt_repository(package, chroot, tmp_path):
    """Signed: apt takes it from a key that it was given, and only with that."""
    home = tmp_path / "gnupg"
    home.mkdir(mode=0o700)
    repository = chroot.directory / "srv/apt"
    environment = {"GNUPGHOME": str(home), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    run("gpg", "--batch", "--passphrase", "", "--quick-gen-key", "packages", "ed25519", "sign", env=environment)
    try:
        run(ROOT / "script/apt-repo", "-k", "packages", repository, package.deb, env=environment)
        key = run("gpg", "--armor", "--export", "packages", env=environment)
    finally:
        run("gpgconf", "--kill", "all", env=environment)
    chroot.run("mkdir", "-p", "/etc/apt/keyrings")
    (chroot.directory / "etc/apt/keyrings/bobbin.asc").write_text(key)
    (chroot.directory / "etc/apt/sources.list.d/bobbin.list").write_text(
        "deb [signed-by=/etc/apt/keyrings/bobbin.asc] file:/srv/apt bookworm main\n")
    chroot.run("apt-get", "-q", "--error-on=any", "update")
    chroot.install("bobbin")
    assert "/srv/apt" in chroot.run("apt-cache", "policy", "bobbin")
    assert package.field("Version") in chroot.run("bobbin", "--version")
