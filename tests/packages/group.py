"""An Auto Scaling group in moto, and a process for each of its instances, as the machine would run it at its boot."""

import json
import os
import signal
import subprocess
import threading

from cloud import REGION, Cloud

GROUP = "bobbin-workers"
TEMPLATES = {"bobbin-arm64": "t4g.small", "bobbin-amd64": "t3a.small"}
IMAGES = ("ami-12c6146b", "ami-03cf127a")  # of the templates' first versions and of the second
KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": REGION}


class Group(Cloud):
    """The group, empty, and moto's server below it."""

    def __init__(self, directory, size):
        super().__init__(directory / "moto.log")
        self.environment = {**KEYS, "AWS_ENDPOINT_URL": self.url}
        self.scaling, self.ec2 = self.client("autoscaling"), self.client("ec2")
        self.make_version(0)
        arm64, amd64 = ({"LaunchTemplateName": name, "Version": "$Latest"} for name in TEMPLATES)
        self.scaling.create_auto_scaling_group(
            AutoScalingGroupName=GROUP, MinSize=0, MaxSize=size, DesiredCapacity=0, AvailabilityZones=[f"{REGION}a"],
            MixedInstancesPolicy={
                "InstancesDistribution": {"OnDemandBaseCapacity": 0, "OnDemandPercentageAboveBaseCapacity": 0},
                "LaunchTemplate": {"LaunchTemplateSpecification": arm64, "Overrides": [
                    {"InstanceType": "t4g.small"},
                    {"InstanceType": "t3a.small", "LaunchTemplateSpecification": amd64}]}})

    def make_version(self, number):
        """The launch templates, or a newer version of each."""
        make = self.ec2.create_launch_template_version if number else self.ec2.create_launch_template
        for name, kind in TEMPLATES.items():
            make(LaunchTemplateName=name, LaunchTemplateData={"ImageId": IMAGES[number], "InstanceType": kind})

    def describe(self):
        return self.scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])["AutoScalingGroups"][0]

    def instances(self):
        """id -> what EC2 says of it, of those that run in the group."""
        names = [one["InstanceId"] for one in self.describe()["Instances"]]
        if not names:
            return {}
        found = self.ec2.describe_instances(InstanceIds=names)
        return {one["InstanceId"]: one for part in found["Reservations"] for one in part["Instances"]
                if one["State"]["Name"] in ("pending", "running")}


def versions(group):
    """Of both launch templates."""
    template = group["MixedInstancesPolicy"]["LaunchTemplate"]
    return tuple(part["LaunchTemplateSpecification"]["Version"] for part in (template, template["Overrides"][1]))


class Machines(threading.Thread):
    """Makes of each instance that comes a worker process, and ends that of each that goes, by SIGKILL."""

    def __init__(self, group, program, words, directory, environment, beginning):
        super().__init__(daemon=True)
        self.group, self.program, self.words, self.directory = group, program, words, directory
        self.beginning = beginning  # the directory that a program begins in
        self.environment = {**os.environ, **environment}
        self.workers = {}  # instance -> process
        self.images, self.versions, self.capacities, self.looks = set(), set(), [], []
        self.on_look = lambda job: None
        self.error = None
        self.ending = threading.Event()

    def run(self):
        try:
            while not self.ending.wait(0.1):
                self.step()
        except Exception as error:  # told by close()
            self.error = error

    def step(self):
        group, instances = self.group.describe(), self.group.instances()
        self.capacities.append(group["DesiredCapacity"])
        for name, instance in instances.items():
            if name not in self.workers:
                self._boot(name, instance, group)
        for name in set(self.workers) - set(instances):
            self._end(name)
        if self.workers and (job := self.look()):
            self.looks.append(job)
            self.on_look(job)

    def _boot(self, name, instance, group):
        job, = (tag["Value"] for tag in instance["Tags"] if tag["Key"] == "bobbin-job")
        self.job = job
        self.images.add(instance["ImageId"])
        self.versions.add(versions(group))
        spool = self.directory / name
        with open(self.directory / f"{name}.log", "wb") as log:
            self.workers[name] = subprocess.Popen(
                ["unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', instance["PrivateDnsName"], self.program,
                 "work", job, "--spool", spool, *self.words], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=self.environment, cwd=self.beginning, start_new_session=True)

    def _end(self, name):
        if self.workers[name].poll() is None:
            os.killpg(self.workers[name].pid, signal.SIGKILL)
            self.workers[name].wait()

    def look(self):
        """How far the job is."""
        done = subprocess.run([self.program, "job", "show", self.job, "--json", *self.words], capture_output=True,
                              check=False, env=self.environment, cwd=self.beginning)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def interrupt(self, host):
        """The machine with this name is gone, as a spot instance that nobody warns; its name."""
        name, = (name for name, one in self.group.instances().items() if one["PrivateDnsName"] == host)
        self._end(name)
        self.group.ec2.terminate_instances(InstanceIds=[name])
        return host

    def close(self):
        self.ending.set()
        self.join()
        for name in self.workers:
            self._end(name)
        if self.error:
            raise self.error
