"""The image of packaging/kubernetes: built, pushed, and pulled again, by docs/kubernetes.md's commands, with a registry on this machine."""

import contextlib
import json
import os
import subprocess
from pathlib import Path

from conftest import ROOT, run
from documents import commands_of_page
from engines import free_address
from jobs import wait_for

FOLDER = ROOT / "packaging/kubernetes"
PAGE = ROOT / "docs/kubernetes.md"
NAME, HOST = "registry.example.org/bobbin:0.1.0", "registry.example.org"
BASE = "localhost/debian:bookworm-slim"  # where a short name is looked for first

# vfs needs nothing of the kernel.
STORAGE = '[storage]\ndriver = "vfs"\ngraphroot = "{directory}/store"\nrunroot = "{directory}/run"\n'
REGISTRIES = '[[registry]]\nlocation = "{address}"\ninsecure = true\n'
REGISTRY = 'version: 0.1\nstorage: {{filesystem: {{rootdirectory: "{directory}/registry"}}}}\nhttp: {{addr: "{address}"}}\n'


@contextlib.contextmanager
def registry(directory, address):
    """One that listens there."""
    (directory / "registry.yml").write_text(REGISTRY.format(directory=directory, address=address))
    log = directory / "registry.log"
    with log.open("wb") as out:
        process = subprocess.Popen(["docker-registry", "serve", directory / "registry.yml"], stdin=subprocess.DEVNULL,
                                   stdout=out, stderr=out)
    try:
        wait_for(lambda: "listening on" in log.read_text() or process.poll() is not None, "a registry")
        assert process.poll() is None, log.read_text()
        yield
    finally:
        process.kill()
        process.wait()


class Image:
    """What a machine finds in the registry that pulls it; `root` are its files, in a directory that can be written to."""

    def __init__(self, package, directory):
        self.directory, self.address = directory, free_address()
        self.name = NAME.replace(HOST, self.address)
        self.environment = {**os.environ, "BUILDAH_ISOLATION": "chroot", "no_proxy": "*"}
        for variable, content in (("CONTAINERS_STORAGE_CONF", STORAGE), ("CONTAINERS_REGISTRIES_CONF", REGISTRIES)):
            self.environment[variable] = str(directory / variable)
            (directory / variable).write_text(content.format(directory=directory, address=self.address))
        self.make_base()
        self.fill_context(package)
        with registry(directory, self.address):
            self.follow_page()
            self.podman("rmi", "--force", self.name)
            self.podman("pull", "--quiet", self.name)
        self.config = json.loads(self.podman("image", "inspect", self.name))[0]["Config"]
        self.root = self.podman("mount", self.podman("create", self.name))
        for name in ("hosts", "resolv.conf"):  # a kubelet puts them there
            (Path(self.root) / "etc" / name).write_text(Path("/etc", name).read_text())

    def podman(self, *words):
        return run("podman", *words, env=self.environment).strip()

    def make_base(self):
        """A Debian of debootstrap's."""
        root, archive = self.directory / "base", self.directory / "base.tar"
        run(ROOT / "script/lib/chroot", "make", root)
        run("tar", "-C", root, "-cf", archive, ".")
        self.podman("import", "--quiet", archive, BASE)
        archive.unlink()

    def fill_context(self, package):
        """The tree after script/deb, as far as the Containerfile sees it."""
        for source, place in ((package.deb, "build/deb"), *((FOLDER / name, FOLDER.relative_to(ROOT)) for name in ("rootfs", "Containerfile"))):
            (self.directory / "tree" / place).mkdir(parents=True, exist_ok=True)
            run("cp", source, self.directory / "tree" / place)

    def follow_page(self):
        commands = commands_of_page(PAGE, ["podman"])
        assert [command.split()[1] for command in commands] == ["build", "push"]
        for command in commands:
            run("sh", "-c", command.replace(HOST, self.address), cwd=self.directory / "tree", env=self.environment)
