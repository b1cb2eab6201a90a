"""An EC2 instance, as far as a chroot can be one: cloud-init is the real one, as are all programs that it installs.

PID 1 is missing: so the tests play systemd. They read the units and their drop-ins, and run what ExecStart= says, as
which user and with which credentials. What is asked of systemctl, other than to enable units, is noted by a script in
its place. Only what a worker's end means is asked of systemd itself, as a user's manager.
"""

import contextlib
import re
import shlex
import signal
import subprocess
from collections import defaultdict

from aws import MetadataService
from conftest import ROOT, run

CLOUD_INIT = """
datasource_list: [NoCloud]
network: {config: disabled}
cloud_init_modules: [write-files]
cloud_config_modules: [apt-configure, runcmd]
cloud_final_modules: [package-update-upgrade-install, scripts-per-boot, scripts-user]
"""
CREDENTIALS = "/run/credentials"
NOTE_SYSTEMCTL = '#!/bin/sh\necho "$*" >>/noted/systemctl\n'
NOTE_AWS = '#!/bin/sh\necho "$*" >>/noted/aws\nexec /usr/bin/aws --endpoint-url {url} "$@"\n'

# systemd wants to know that it was booted, by a directory, and where control groups are.
MANAGER = """
mount -t sysfs sysfs /sys
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p /run/systemd/system "$XDG_RUNTIME_DIR"
/lib/systemd/systemd --user --unit=none.target >/dev/null 2>&1 &
tries=0
until systemctl --user start none.target 2>/dev/null; do
    tries=$((tries + 1)) && [ $tries -lt 100 ] && sleep 0.1 || exit 1
done
systemctl --user start --no-block "$@"
until systemctl --user show --property NRestarts --value "$@" | grep -q '[^0]'; do
    tries=$((tries + 1)) && [ $tries -lt 200 ] && sleep 0.1 || exit 1
done
sleep 2 # for those that would be started again, too
systemctl --user show --property NRestarts --value "$@"
systemctl --user exit
rmdir /run/systemd/system
"""


class Metadata(MetadataService):
    """The metadata service of one instance; `items`: what stands below /latest/meta-data/."""

    def __init__(self):
        super().__init__()
        self.items = {}

    def answer(self, method, path, headers):
        status, text = super().answer(method, path, headers)
        item = self.items.get(path.removeprefix("/latest/meta-data/"))
        return (200, item) if status == 404 and item is not None else (status, text)


class Instance:
    """CHROOT, which has cloud-init, with USER_DATA; it asks METADATA, and the AWS that answers at URL."""

    def __init__(self, chroot, user_data, metadata, url):
        self.chroot, self.metadata = chroot, metadata
        self.write("/var/lib/cloud/seed/nocloud/user-data", user_data)
        self.write("/var/lib/cloud/seed/nocloud/meta-data", f"instance-id: {metadata.items['instance-id']}\n")
        self.write("/etc/cloud/cloud.cfg.d/99_test.cfg", CLOUD_INIT)
        self.write("/noted/bin/systemctl", NOTE_SYSTEMCTL, 0o755)
        self.write("/noted/bin/aws", NOTE_AWS.format(url=url), 0o755)

    def path(self, name):
        return self.chroot.directory / name.lstrip("/")

    def write(self, name, content, mode=0o644):
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(mode)

    def noted(self, program):
        """The arguments that PROGRAM was given since the last look."""
        path = self.path(f"/noted/{program}")
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines

    def cloud_init(self):
        """cloud-init's four stages, as at a boot; what they say. systemctl only enables."""
        said = ""
        for stage in (["init", "--local"], ["init"], ["modules", "--mode=config"], ["modules", "--mode=final"]):
            said += self.chroot.run("env", "SYSTEMD_OFFLINE=1", "sh", "-c", '"$@" 2>&1', "sh", "cloud-init", *stage)
        return said

    def shut_down(self):
        """What is in memory is gone."""
        for directory in ("/run/bobbin-aws", CREDENTIALS, "/run/cloud-init"):
            run("rm", "-rf", self.path(directory))

    # --- in systemd's place

    def enabled(self):
        """bobbin's units that a boot starts."""
        return sorted(path.name for path in self.path("/etc/systemd/system/multi-user.target.wants").glob("bobbin*"))

    def settings(self, unit):
        """What stands in a unit and its drop-ins: the values of each setting, with %i, %N and %d filled in."""
        file = re.sub("@.*[.]", "@.", unit)
        name = unit.partition("@")[2].removesuffix(".service")
        found = defaultdict(list)
        filled = {"%i": name, "%N": unit.removesuffix(".service"), "%d": CREDENTIALS}
        for key, value in re.findall("^([A-Z][A-Za-z]*)=(.*)$", self.unit_text(file), re.M):
            found[key].append(re.sub("%[iNd]", lambda match: filled[match[0]], value))
        return found

    def unit_text(self, file):
        drop_ins = self.path(f"/etc/systemd/system/{file}.d").glob("*.conf")
        return "".join(path.read_text() for path in (self.path(f"/lib/systemd/system/{file}"), *drop_ins))

    def popen(self, *command, **options):
        return subprocess.Popen([ROOT / "script/lib/chroot", "run", self.chroot.directory, *command], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)

    def start(self, unit, setting="ExecStart", **environment):
        """Start a command that a unit runs as root; its process."""
        (command,) = self.settings(unit)[setting]
        return self.popen("env", "PATH=/noted/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                          f"AWS_EC2_METADATA_SERVICE_ENDPOINT={self.metadata.url}/",
                          *(f"{key}={value}" for key, value in environment.items()), *shlex.split(command.lstrip("+")))

    def run_unit(self, unit, *setting, **environment):
        """Start it and wait for its good end; what it said."""
        process = self.start(unit, *setting, **environment)
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0, said
        return said

    def after(self, unit, status):
        """What systemctl is asked for when a unit has ended with that status."""
        self.noted("systemctl")
        self.run_unit(unit, "ExecStopPost", EXIT_STATUS=status)
        return self.noted("systemctl")

    def as_bobbin(self, unit, command):
        """COMMAND, as the unit's own would be run: its user, directory and environment, with its credentials."""
        settings = self.settings(unit)
        (user,) = settings["User"]
        self.load_credentials(settings["LoadCredential"], user)
        environment = " ".join(settings["Environment"]).split()
        (directory,) = settings["WorkingDirectory"]
        return ["setpriv", "--reuid", user, "--regid", user, "--clear-groups", "--no-new-privs",
                "env", "-i", "-C", directory, *environment, *command]

    def load_credentials(self, credentials, user):
        self.chroot.run("rm", "-rf", CREDENTIALS)
        self.chroot.run("install", "-d", "-m", "500", "-o", user, CREDENTIALS)
        for credential in credentials:
            name, _, path = credential.partition(":")
            self.chroot.run("install", "-m", "400", "-o", user, path, f"{CREDENTIALS}/{name}")

    @contextlib.contextmanager
    def worker(self, unit):
        """The unit's ExecStart, as its user: a process, which is ended."""
        (command,) = self.settings(unit)["ExecStart"]
        process = self.popen(*self.as_bobbin(unit, shlex.split(command)))
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def ends(self, unit, statuses):
        """What systemd itself makes of a worker that ends with each of the STATUSES: how often each is started again.
        A user's manager gets the unit's lines about ends."""
        lines = re.findall("^(?:Type|Restart[A-Za-z]*|ExecStopPost)=.*$", self.unit_text(unit), re.M)
        self.write(f"/root/.config/systemd/user/{unit}", "\n".join(
            ["[Service]", *lines, "RestartSec=200ms", "ExecStart=/bin/sh -c 'exit %i'",
             "Environment=PATH=/noted/bin:/usr/bin:/bin"]) + "\n")
        self.write("/root/.config/systemd/user/none.target", "[Unit]\n")
        started = [unit.replace("@", f"@{status}") for status in statuses]
        said = self.chroot.run("env", "HOME=/root", "XDG_RUNTIME_DIR=/run/user-manager", "sh", "-c", MANAGER, "sh",
                               *started)
        return dict(zip(statuses, map(int, said.split())))


def terminate(process):
    """SIGTERM to what runs in the chroot: the child of the process that keeps the namespace."""
    child = run("pgrep", "-P", process.pid).split()
    assert len(child) == 1
    run("kill", f"-{signal.SIGTERM.value}", *child)
