"""The package in a clean Debian: installed, used, upgraded, removed, purged; and from an apt repository. By docs/install.md."""

from conftest import ROOT, run
from documents import commands_of_page

SPOOL = "/var/spool/bobbin"


def of_page(start, **names):
    """The command of docs/install.md that begins so, with what the names in it are here."""
    found = commands_of_page(ROOT / "docs/install.md", [start.split()[0]])
    (command,) = [command for command in found if command.startswith(start)]
    for name, here in names.items():
        command = command.replace(name, str(here))
    return command


def as_bobbin(chroot, *command):
    return chroot.run("setpriv", "--reuid", "bobbin", "--regid", "bobbin", "--clear-groups", *command)


def test_the_package_is_installed_upgraded_removed_and_purged(package, chroot, tmp_path):
    run("install", "-D", package.deb, chroot.directory / "root/build/deb" / package.deb.name)
    (chroot.directory / "etc/apt/apt.conf.d/00yes").write_text('APT::Get::Assume-Yes "true";\n')
    run("cp", package.with_version("99", tmp_path), chroot.directory / "root/second.deb")
    before = chroot.find("*bobbin*") | {"/etc/passwd"}

    chroot.run("sh", "-c", f"cd /root && {of_page('apt-get install ./')}")
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
        for start in ("script/apt-repo", "gpg --armor"):
            command = of_page(start, **{"KEY": "packages", "/srv/apt": repository, "build/deb": package.directory,
                                        "/etc/apt": chroot.directory / "etc/apt"})
            run("sh", "-c", command, cwd=ROOT, env=environment)
    finally:
        run("gpgconf", "--kill", "all", env=environment)
    chroot.run("sh", "-c", of_page("echo 'deb ", **{"https://packages.example.org": "file:/srv/apt"}))
    chroot.run("apt-get", "-q", "--error-on=any", "update")
    chroot.install("bobbin")
    assert "/srv/apt" in chroot.run("apt-cache", "policy", "bobbin")
    assert package.field("Version") in chroot.run("bobbin", "--version")
