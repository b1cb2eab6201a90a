"""A booted Debian: systemd is its first process, and runs the units that are installed as on any machine.

Its network is this machine's, so real engines are near. script/lib/chroot knows how it is done.
"""

import subprocess

from conftest import ROOT, run
from jobs import wait_for

SCRIPT = ROOT / "script/lib/chroot"


class System:
    """CHROOT, running."""

    def __init__(self, chroot):
        self.chroot = chroot
        self.process = None

    def switch_on(self):
        self.process = subprocess.Popen([SCRIPT, "boot", self.chroot.directory], start_new_session=True)

    def boot(self):
        self.switch_on()
        self.wait_until_up()

    def wait_until_up(self):
        """All that starts with it is up, and nothing has failed."""
        state = wait_for(lambda: self.process.poll() is not None or self.state() in ("running", "degraded") and self.state(),
                         "a booted system")
        assert state == "running", self.run("systemctl", "--failed")

    def shut_down(self):
        self.try_to("systemctl", "poweroff")
        self.wait_until_off()

    def wait_until_off(self):
        try:
            assert self.process.wait(120) == 0
        finally:
            self.process.terminate()

    def end(self):
        """As when its power fails, if it is on."""
        if self.process:
            self.process.terminate()
            self.process.wait(60)

    # --- commands in it

    def try_to(self, *command):
        """A command that may fail, by root."""
        return subprocess.run([SCRIPT, "enter", self.chroot.directory, *map(str, command)], capture_output=True,
                              text=True, check=False)

    def run(self, *command):
        return run(SCRIPT, "enter", self.chroot.directory, *command)

    def state(self):
        return self.try_to("systemctl", "is-system-running").stdout.strip()

    def systemctl(self, *words):
        return self.run("systemctl", *words)

    def write(self, name, content, mode=0o644):
        """A file of root's, also when it is off."""
        path = self.chroot.directory / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(mode)

    # --- units

    def drop_in(self, unit, text, name="test"):
        """More settings of a unit, as `systemctl edit` would write them."""
        self.write(f"/etc/systemd/system/{unit}.d/{name}.conf", text)
        if self.process:
            self.systemctl("daemon-reload")

    def show(self, unit, name):
        return self.systemctl("show", "--value", "--property", name, unit).strip()

    def pid(self, unit):
        """The number of its main process, as the system has it."""
        return int(self.show(unit, "MainPID"))

    def journal(self, unit):
        self.run("journalctl", "--sync")
        return self.run("journalctl", "--output", "cat", "--unit", unit)

    def restarts(self, unit):
        return int(self.show(unit, "NRestarts"))

    def wait_for_end(self, unit):
        """Wait until it neither runs nor will be started again: (state, result, exit status)."""
        wait_for(lambda: self.show(unit, "ActiveState") in ("inactive", "failed"), f"the end of {unit}")
        return self.show(unit, "ActiveState"), self.show(unit, "Result"), int(self.show(unit, "ExecMainStatus"))

    # --- what a process has been left

    def status(self, pid):
        """/proc's status of a process: name -> value."""
        lines = self.run("cat", f"/proc/{pid}/status").splitlines()
        return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}

    def may_write(self, pid, directory):
        """Could root, if he were in the process's view of the file system?"""
        return self.try_to("nsenter", "--target", pid, "--mount", "test", "-w", directory).returncode == 0

    def memory_limit(self, pid):
        """The bytes that the process's control group may have, by either of the kernel's hierarchies."""
        groups = [line.split(":") for line in self.run("cat", f"/proc/{pid}/cgroup").splitlines()]
        files = [f"/sys/fs/cgroup/memory{path}/memory.limit_in_bytes" for _, name, path in groups if name == "memory"]
        files += [f"/sys/fs/cgroup{path}/memory.max" for _, name, path in groups if not name]
        return int(self.run("cat", files[0]))
