"""The steps of a refresh whose workers are an Auto Scaling group's instances."""

from collections.abc import Sequence

from airflow.sdk import BaseOperator

from bobbin_airflow.autoscaling import WorkerGroup
from bobbin_airflow.sensors import BobbinJobSensor
from bobbin_airflow.triggers import SUPERFLUOUS


class GroupOperator(BaseOperator):
    """What all have: the group, and the job that it is to do."""

    template_fields: Sequence[str] = ("group", "job")

    def __init__(self, *, group: str, job: str, region: str | None = None, **kwargs):
        super().__init__(**kwargs)
        self.group = group
        self.job = job
        self.region = region

    def worker_group(self) -> WorkerGroup:
        return WorkerGroup(self.group, self.job, self.region)


class PinWorkersOperator(GroupOperator):
    """The group is this job's, and its launch templates stay what VERSION is now."""

    def __init__(self, *, version: str = "$Latest", **kwargs):
        super().__init__(**kwargs)
        self.version = version

    def execute(self, context):
        self.worker_group().pin(self.version)


class StartWorkersOperator(GroupOperator):
    """The group gets COUNT instances."""

    def __init__(self, *, count: int, **kwargs):
        super().__init__(**kwargs)
        self.count = count

    def execute(self, context):
        self.worker_group().resize(self.count)


class StopWorkersOperator(GroupOperator):
    """The group gets no instance any more. Meant as the teardown of PinWorkersOperator."""

    def execute(self, context):
        self.worker_group().empty()


class GroupJobSensor(BobbinJobSensor):
    """Waits for the job; ends the instances that have nothing left to do, when shards are fewer than instances.

    A worker's host must have the name that AWS gives it (its private DNS name or its id), as it has by itself.
    """

    template_fields: Sequence[str] = (*BobbinJobSensor.template_fields, "group")

    def __init__(self, *, group: str, region: str | None = None, **kwargs):
        super().__init__(**kwargs)
        self.group = group
        self.region = region

    def execute(self, context):
        self.wait(workers=self._worker_group().capacity())

    def resume(self, context, event: dict):
        if event["state"] != SUPERFLUOUS:
            return super().resume(context, event)
        ended = self._worker_group().end_idle(event["holders"], wanted=event["unfinished"])
        self.log.info("%d shards are left: ended %s", event["unfinished"], ", ".join(ended) or "nobody yet")
        return self.wait(workers=event["unfinished"])

    def _worker_group(self) -> WorkerGroup:
        return WorkerGroup(self.group, self.job, self.region)
