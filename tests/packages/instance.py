"""An EC2 instance, as far as a booted system can be one: cloud-init, systemd and all programs are the real ones."""

from aws import MetadataService
from conftest import run
from jobs import wait_for
from system import System

# Of its modules those that the user data want: for others an image has more, as a server for ssh.
CLOUD_INIT = """
datasource_list: [NoCloud]
network: {config: disabled}
cloud_init_modules: [write-files]
cloud_config_modules: [apt-configure, runcmd]
cloud_final_modules: [package-update-upgrade-install, scripts-per-boot, scripts-user]
"""
NOTE_AWS = '#!/bin/sh\necho "$*" >>/noted/aws\nexec /usr/bin/aws --endpoint-url {url} "$@"\n'
# Where the AWS of the tests is; and what it is asked is noted.
ELSEWHERE = """[Service]
Environment=AWS_EC2_METADATA_SERVICE_ENDPOINT={url}/ PATH=/noted/bin:/usr/sbin:/usr/bin:/sbin:/bin
ReadWritePaths=/noted
RestartSec=1s
"""
UNITS = ("bobbin-aws", "bobbin-aws-watch", "bobbin-aws-leave")


class Metadata(MetadataService):
    """The metadata service of one instance; `items`: what stands below /latest/meta-data/."""

    def __init__(self):
        super().__init__()
        self.items = {}

    def answer(self, method, path, headers):
        status, text = super().answer(method, path, headers)
        item = self.items.get(path.removeprefix("/latest/meta-data/"))
        return (200, item) if status == 404 and item is not None else (status, text)


class Instance(System):
    """CHROOT, which has cloud-init, with USER_DATA; it asks METADATA, and the AWS that answers at URL."""

    def __init__(self, chroot, user_data, metadata, url):
        super().__init__(chroot)
        self.metadata = metadata
        self.write("/var/lib/cloud/seed/nocloud/user-data", user_data)
        self.write("/var/lib/cloud/seed/nocloud/meta-data", f"instance-id: {metadata.items['instance-id']}\n")
        self.write("/etc/cloud/cloud.cfg.d/99_test.cfg", CLOUD_INIT)
        self.write("/noted/bin/aws", NOTE_AWS.format(url=url), 0o755)
        for unit in UNITS:
            self.drop_in(f"{unit}.service", ELSEWHERE.format(url=metadata.url))
        self.drop_in("bobbin-work@.service", "[Service]\nRestartSec=1s\n")

    def path(self, name):
        return self.chroot.directory / name.lstrip("/")

    def noted(self):
        """What AWS's program was asked since the last look."""
        path = self.path("/noted/aws")
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines

    def enabled(self):
        """bobbin's units that a boot starts."""
        return sorted(path.name for path in self.path("/etc/systemd/system/multi-user.target.wants").glob("bobbin*"))

    def left_journal(self, unit):
        """What stands there when it is off."""
        return run("journalctl", "--directory", self.path("/var/log/journal"), "--output", "cat", "--unit", unit)

    def wait_for_worker(self, gate, unit):
        """Boot until its rows stand at the gate."""
        self.switch_on()
        wait_for(lambda: gate.waiting() or self.try_to("systemctl", "is-failed", unit).returncode == 0, "a worker at work", 300)
        assert gate.waiting(), self.journal(unit)
