"""An Auto Scaling group of workers: which launch template they begin with, which job they do, how many there are.

What a refresh does to the group stands in the group, so that each step may be done again by whomever: the job's name is
the tag `bobbin-job`, which instances get at their launch; and a group that has a job's tag is pinned for that job.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

JOB_TAG = "bobbin-job"
LEAVING = ("Terminating", "Terminated")


class GroupIsBusy(Exception):
    """It works on another job."""


@dataclass(frozen=True)
class Instance:
    """One of the group that is there, or comes."""

    name: str
    hosts: frozenset[str]  # names that its worker may call its host by


def template_of(part: dict) -> tuple[str, str] | None:
    """The launch template that PART names, by its id or else by its name: the key and the value."""
    return next(((key, part[key]) for key in ("LaunchTemplateId", "LaunchTemplateName") if key in part), None)


def pinned(part: object, number_of: Callable[[tuple[str, str]], str]) -> object:
    """A group's LaunchTemplate or MixedInstancesPolicy, with each template at the version that NUMBER_OF says."""
    if isinstance(part, dict):
        if template := template_of(part):
            return {template[0]: template[1], "Version": number_of(template)}
        return {name: pinned(value, number_of) for name, value in part.items()}
    if isinstance(part, list):
        return [pinned(value, number_of) for value in part]
    return part


def superfluous(instances: Iterable[Instance], holders: Iterable[str], wanted: int) -> list[Instance]:
    """Those to end so that no more than WANTED are left: of those that hold nothing."""
    instances, busy = list(instances), {host.split(".")[0] for host in holders}
    idle = [one for one in instances if not one.hosts & busy]
    return idle[:max(0, len(instances) - wanted)]


class WorkerGroup:
    """The group NAME. JOB: what it is to do."""

    def __init__(self, name: str, job: str, region: str | None = None):
        import boto3  # an optional dependency: only who has such a group needs it

        self.name = name
        self.job = job
        self.scaling = boto3.client("autoscaling", region_name=region)
        self.ec2 = boto3.client("ec2", region_name=region)

    def describe(self) -> dict:
        groups = self.scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[self.name])["AutoScalingGroups"]
        if not groups:
            raise LookupError(f"there is no Auto Scaling group {self.name}")
        return groups[0]

    def is_ours(self) -> bool:
        return self._job(self.describe()) == self.job

    def pin(self, version: str) -> None:
        """Each launch template at VERSION ($Latest, $Default) as that is now, and the job's name. Once for a job."""
        group = self.describe()
        if self._job(group) == self.job:
            return
        if group["DesiredCapacity"] > 0:
            raise GroupIsBusy(f"group {self.name} has {group['DesiredCapacity']} instances, of job {self._job(group)}")
        number_of = cache(lambda template: self._resolve(template, version))  # of two uses of one template the same
        change = {part: pinned(group[part], number_of) for part in ("LaunchTemplate", "MixedInstancesPolicy")
                  if part in group}
        self.scaling.update_auto_scaling_group(AutoScalingGroupName=self.name, **change)
        self.scaling.create_or_update_tags(Tags=[{
            "ResourceId": self.name, "ResourceType": "auto-scaling-group", "Key": JOB_TAG, "Value": self.job,
            "PropagateAtLaunch": True}])

    def resize(self, count: int) -> None:
        """So many instances."""
        if not self.is_ours():
            raise GroupIsBusy(f"group {self.name} is not this job's, {self.job}")
        self.scaling.set_desired_capacity(AutoScalingGroupName=self.name, DesiredCapacity=count, HonorCooldown=False)

    def capacity(self) -> int:
        return self.describe()["DesiredCapacity"]

    def empty(self) -> None:
        """None, also when the group is to have one at least: the job is over."""
        if self.is_ours():
            if self.describe()["MinSize"] > 0:
                self.scaling.update_auto_scaling_group(AutoScalingGroupName=self.name, MinSize=0)
            self.resize(0)

    def end_idle(self, holders: Iterable[str], wanted: int) -> list[str]:
        """End instances that hold nothing until WANTED are left, and let none follow; the names of those."""
        return [one.name for one in superfluous(self.instances(), holders, wanted) if self.end(one.name)]

    def end(self, instance: str) -> bool:
        """And let none follow. False: the group has it no more, as it has left by itself."""
        from botocore.exceptions import ClientError  # comes with boto3

        try:
            self.scaling.terminate_instance_in_auto_scaling_group(
                InstanceId=instance, ShouldDecrementDesiredCapacity=True)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":
                raise
            return False
        return True

    def instances(self) -> list[Instance]:
        names = [one["InstanceId"] for one in self.describe()["Instances"]
                 if not one["LifecycleState"].startswith(LEAVING)]
        if not names:
            return []
        pages = self.ec2.get_paginator("describe_instances").paginate(InstanceIds=names)
        return [Instance(one["InstanceId"], frozenset({one["InstanceId"], one.get("PrivateDnsName", "").split(".")[0]}))
                for page in pages for part in page["Reservations"] for one in part["Instances"]]

    def _resolve(self, template: tuple[str, str], version: str) -> str:
        found = self.ec2.describe_launch_template_versions(**dict([template]), Versions=[version])
        return str(found["LaunchTemplateVersions"][0]["VersionNumber"])

    def _job(self, group: dict) -> str | None:
        return next((tag["Value"] for tag in group.get("Tags", []) if tag["Key"] == JOB_TAG), None)
