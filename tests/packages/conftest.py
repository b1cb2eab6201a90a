"""Fixtures: the package, built once by script/deb, and clean Debian systems to install it in.

What is missing (root, debootstrap, a mirror) is an error, never a skip.
"""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/integration"))  # real engines, a metadata service: those tests' helpers

from engines import Postgres, SecuredElasticsearch  # noqa: E402
from fixtures import gate  # noqa: E402, F401


def run(*command, **options):
    """Run a command to its good end; returns what it printed. What it says when it fails is the failure's."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
    return done.stdout


class Chroot:
    """A minimal Debian 12 in a directory; what is left of it goes with the test's directory."""

    def __init__(self, directory):
        self.directory = directory
        run(ROOT / "script/lib/chroot", "make", directory)
        self.run("apt-get", "-q", "update")

    def run(self, *command):
        return run(ROOT / "script/lib/chroot", "run", self.directory, *command)

    def install(self, *what):
        return self.run("apt-get", "-q", "-y", "--no-install-recommends", "install", *what)

    def install_package(self, package):
        self.run("mkdir", "/packages")
        run("cp", package.deb, self.directory / "packages/bobbin.deb")
        self.install("/packages/bobbin.deb")

    def find(self, pattern):
        """Paths that match, but for what apt itself keeps, and the system's own."""
        out = self.run("find", "/", "-xdev", "(", "-path", "/proc", "-o", "-path", "/var/cache", "-o", "-path",
                       "/var/lib/apt", "-o", "-path", "/var/log", ")", "-prune", "-o", "-name", pattern, "-print")
        return set(out.split())


class Package:
    """What script/deb has made."""

    def __init__(self, directory):
        self.directory = directory
        self.deb = next(directory.glob("bobbin_*.deb"))
        self.changes = next(directory.glob("bobbin_*.changes"))
        self.root = directory / "root"
        run("dpkg-deb", "-x", self.deb, self.root)

    @property
    def program(self):
        return self.root / "usr/bin/bobbin"

    def field(self, name):
        return run("dpkg-deb", "-f", self.deb, name).strip()

    def files(self):
        return {str(path.relative_to(self.root)) for path in self.root.rglob("*") if not path.is_dir()}

    def with_version(self, version, directory):
        """The same package, as a later version."""
        tree = directory / version
        run("dpkg-deb", "-R", self.deb, tree)
        control = tree / "DEBIAN/control"
        control.write_text(control.read_text().replace(f"Version: {self.field('Version')}\n", f"Version: {version}\n"))
        later = directory / f"bobbin_{version}_{self.field('Architecture')}.deb"
        run("dpkg-deb", "--root-owner-group", "-b", tree, later)
        return later


@pytest.fixture(scope="session")
def package(tmp_path_factory):
    directory = tmp_path_factory.mktemp("deb")
    run(ROOT / "script/deb", directory)
    return Package(directory)


@pytest.fixture
def chroot(tmp_path):
    return Chroot(tmp_path / "chroot")


@pytest.fixture(scope="session")
def starting():
    """PostgreSQL and Elasticsearch with users, which start while a test makes what else it needs; and what waits for that."""
    made = [Postgres(), SecuredElasticsearch()]
    with ThreadPoolExecutor() as pool:
        started = [pool.submit(service.start) for service in made]
        try:
            yield made, started
        finally:
            for service, start in zip(made, started):
                if not start.exception():
                    service.remove()


@pytest.fixture(scope="session")
def services(starting):
    made, started = starting
    for start in started:
        start.result()
    return made
