"""AWS, as moto plays it: its server on this machine, and clients of Debian's botocore that ask it."""

import subprocess
import time

import botocore.session

from conftest import ROOT, run

REGION = "eu-west-1"


class Cloud:
    """moto's server, at a port that it chooses."""

    def __init__(self, log):
        self.bin = run(ROOT / "script/lib/venv", "aws").strip() + "/bin"
        self.log = log
        with open(log, "wb") as out:
            self.server = subprocess.Popen([f"{self.bin}/moto_server", "-H", "127.0.0.1", "-p", "0"],
                                           stdout=out, stderr=subprocess.STDOUT)
        try:
            self.url = self._wait_for_address()
        except BaseException:
            self.close()
            raise
        self.session = botocore.session.Session()
        self.session.set_credentials("key", "secret")

    def _wait_for_address(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            said = ""
            while self.server.poll() is None:
                said += log.read()
                for word in said.split():
                    if word.startswith("http://127.0.0.1:"):
                        return word
                time.sleep(0.1)
        raise AssertionError(f"moto_server ended: {said}")

    def client(self, service):
        return self.session.create_client(service, region_name=REGION, endpoint_url=self.url)

    def close(self):
        self.server.kill()
        self.server.wait()
