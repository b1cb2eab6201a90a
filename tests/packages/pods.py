"""Pods of the manifests in packaging/kubernetes, as a node would run them: the image's files for a root, what the manifest mounts,
its user, its variables, its arguments and its memory. What a kubelet and a runtime would do is done by container.py.
"""

import itertools
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import yaml

from image import FOLDER as MANIFESTS

CONTAINER = Path(__file__).with_name("container.py")
SECONDS = 120  # the longest that a container may take
MIB = 1 << 20
numbers = itertools.count(1)


def manifest(name):
    return yaml.safe_load((MANIFESTS / f"{name}.yaml").read_text())


def job_of(name):
    """What a manifest says of its job."""
    spec = manifest(name)["spec"]
    return spec["jobTemplate"]["spec"] if "jobTemplate" in spec else spec


class Memory:
    """A control group with a limit, of either of the kernel's hierarchies: where, and what is there."""

    HIERARCHIES = ((Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory.oom_control"),
                   (Path("/sys/fs/cgroup"), "memory.max", "memory.events"))

    def __init__(self, most):
        where, limit, self.events = next(each for each in self.HIERARCHIES if (each[0] / "cgroup.procs").exists())
        self.path = where / f"bobbin-{os.getpid()}-{next(numbers)}"
        self.path.mkdir()
        (self.path / limit).write_text(str(most))
        assert int((self.path / limit).read_text()) == most

    def kills(self):
        return int(re.search(r"^oom_kill (\d+)", (self.path / self.events).read_text(), re.M)[1])

    def remove(self):
        self.path.rmdir()


class Objects:
    """The ConfigMaps and Secrets of a namespace: (kind, name) -> file -> content."""

    KINDS = {"configMap": "name", "secret": "secretName"}

    def __init__(self):
        self.contents = {}

    def find(self, volume):
        kind = next(kind for kind in self.KINDS if kind in volume)
        return self.contents[kind, volume[kind][self.KINDS[kind]]], volume[kind].get("defaultMode", 0o644)


class Pod:
    """One pod of a job. Its emptyDirs go with it."""

    def __init__(self, image, objects, job, directory, index=None):
        self.image, self.objects, self.spec = image, objects, job["template"]["spec"]
        self.group = self.spec["securityContext"]["fsGroup"]
        self.directory = directory / f"pod-{next(numbers)}"
        self.directory.mkdir()
        self.environment = {"HOSTNAME": self.directory.name}
        if index is not None:
            self.environment["JOB_COMPLETION_INDEX"] = str(index)
        self.volumes = {volume["name"]: self.make_volume(volume) for volume in self.spec["volumes"]}
        self.process = None

    def make_volume(self, volume):
        path = self.directory / volume["name"]
        path.mkdir()
        if "emptyDir" in volume:
            os.chown(path, 0, self.group)
            path.chmod(0o2777)
        else:
            self.write_files(path, *self.objects.find(volume))
        return path

    def write_files(self, path, files, mode):
        """As a kubelet does it, which can exchange all of them at once."""
        (path / "..1").mkdir()
        (path / "..data").symlink_to("..1")
        for name, content in files.items():
            (path / "..1" / name).write_text(content)
            os.chown(path / "..1" / name, 0, self.group)
            (path / "..1" / name).chmod(mode)
            (path / name).symlink_to(f"..data/{name}")

    def expand(self, text, environment):
        return re.sub(r"\$\((\w+)\)", lambda found: environment.get(found[1], found[0]), text)

    def describe(self, container, memory):
        """What container.py is told."""
        environment = dict(self.environment)
        for variable in container["env"]:
            environment[variable["name"]] = self.expand(variable["value"], environment)
        mounts = [(str(self.volumes[each["name"]]), each["mountPath"], "ro" if each.get("readOnly") else "rw")
                  for each in container["volumeMounts"]]
        return {"root": self.image.root, "mounts": mounts, "group": str(memory.path / "cgroup.procs"),
                "directory": container["workingDir"], "user": self.spec["securityContext"]["runAsUser"],
                "groups": [self.group], "environment": environment,
                "command": [*self.image.config["Entrypoint"],
                            *(self.expand(word, environment) for word in container["args"])]}

    def start(self, container):
        """Its process; `self.log` has what it says."""
        limit = container["resources"]["limits"]["memory"]
        self.memory = Memory(int(limit.removesuffix("Mi")) * MIB)
        self.log = self.directory / f"{container['name']}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "--pid", "--fork", "--kill-child", "setpriv", "--no-new-privs", "/usr/bin/python3",
                 CONTAINER, json.dumps(self.describe(container, self.memory))],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)

    def signal(self, number):
        """To the container's first process, as a kubelet does."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        os.kill(int(children[0]), number)

    def wait(self):
        """Its exit status, as Kubernetes tells it. The kernel has killed nothing for want of memory."""
        try:
            status = self.process.wait(SECONDS)
        finally:
            self.process.kill()
            self.process.wait()
        until = time.monotonic() + SECONDS
        while (self.memory.path / "cgroup.procs").read_text() and time.monotonic() < until:
            time.sleep(0.01)
        assert self.memory.kills() == 0, self.text()
        self.memory.remove()
        return status if status >= 0 else 128 - status

    def text(self):
        return self.log.read_text(errors="replace")

    def prepare(self):
        """Its init containers, of which each must end well."""
        for container in self.spec.get("initContainers", []):
            self.start(container)
            if status := self.wait():
                return status
        return 0

    def run(self):
        """All of it; the status that podFailurePolicy sees."""
        status = self.prepare()
        if status == 0:
            self.start(self.spec["containers"][0])
            status = self.wait()
        return status

    def kill(self):
        self.signal(signal.SIGKILL)
        return self.wait()


def reaction(job, status):
    """What the job's podFailurePolicy makes of an exit status. Count: it is one of those that backoffLimit allows."""
    for rule in job["podFailurePolicy"]["rules"]:
        if status in rule.get("onExitCodes", {"values": []})["values"]:
            return rule["action"]
    return "Count"
