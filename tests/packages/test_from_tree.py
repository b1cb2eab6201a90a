"""The tree in a clean Debian: what README.md and docs/install.md tell to install is enough."""

import pytest

from conftest import ROOT, Chroot, run
from documents import commands_of_page

TREE = "/root/bobbin"
ELSEWHERE = 2  # docs/install.md's last commands are for those who have no Debian
APT = 'APT::Get::Assume-Yes "true";\nAPT::Install-Recommends "false";\n'


class Tree:
    """A copy of what git tracks here, or would, in a Debian whose user says yes to everything."""

    def __init__(self, chroot):
        self.chroot = chroot
        (chroot.directory / "etc/apt/apt.conf.d/00yes").write_text(APT)
        chroot.install("git")
        place = chroot.directory / TREE.lstrip("/")
        place.mkdir()
        files = run("git", "ls-files", "-z", "-co", "--exclude-standard", cwd=ROOT).split("\0")
        present = [name for name in files if name and (ROOT / name).exists()]
        run("tar", "-cf", place.with_suffix(".tar"), *present, cwd=ROOT)
        run("tar", "-C", place, "-xf", place.with_suffix(".tar"))
        self.sh("git init -q")

    def sh(self, command):
        return self.chroot.run("sh", "-c", f"cd {TREE} && {command}")


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return Tree(Chroot(tmp_path_factory.mktemp("tree") / "chroot"))


def of_page(page, *programs):
    return commands_of_page(ROOT / page, programs)


def test_the_package_is_built_and_installed(package, tree):
    prepare, build = of_page("README.md", "script/packages", "script/deb")
    assert of_page("docs/install.md", "script/packages")[0] == prepare
    tree.sh(prepare)
    tree.sh(build)
    assert package.field("Version") in tree.sh("/usr/bin/bobbin --version")


def test_it_is_installed_without_a_package(package, tree):
    for command in of_page("docs/install.md", "script/packages", "autoreconf")[-ELSEWHERE:]:
        tree.sh(f"export MAKEFLAGS=-j2 && {command}")
    assert package.field("Version") in tree.sh("/usr/local/bin/bobbin --version")
    installed = tree.chroot.find("*bobbin*")
    assert {f"/usr/local/share/{name}" for name in (
        "man/man1/bobbin.1", "bash-completion/completions/bobbin", "fish/vendor_completions.d/bobbin.fish")} <= installed
    assert "/usr/local/share/zsh/site-functions/_bobbin" in installed
