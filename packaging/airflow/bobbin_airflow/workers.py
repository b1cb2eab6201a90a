"""Who fills the index: processes on Airflow's machines, an Auto Scaling group's instances, or servers.

Each kind makes the tasks from the plan to the last shard. In all of them the job has the index's name.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bobbin_airflow.autoscaling_operators import (
    GroupJobSensor, PinWorkersOperator, StartWorkersOperator, StopWorkersOperator)
from bobbin_airflow.operators import BobbinOperator, BobbinWorkOperator
from bobbin_airflow.serve import BobbinServeOperator


@dataclass(frozen=True)
class Load:
    """What is to be done."""

    model: str
    index: str
    shards: int


def plan_job(load: Load) -> BobbinOperator:
    return BobbinOperator(task_id="plan", arguments=[
        "plan", load.index, "--index", load.index, "--shards", str(load.shards)])


@dataclass(frozen=True)
class LocalWorkers:
    """COUNT processes, wherever Airflow runs its tasks. SPOOL: else the config file's."""

    count: int = 1
    spool: str | None = None
    options: Sequence[str] = ()  # more words for `bobbin work`

    def make_tasks(self, load: Load):
        """The first and the last of the tasks."""
        plan = plan_job(load)
        workers = [BobbinWorkOperator(task_id=f"worker_{number}", job=load.index, spool=self.spool, options=self.options)
                   for number in range(self.count)]
        plan >> workers
        return plan, workers

    def forget(self, load: Load):
        return forget_job(load)


@dataclass(frozen=True)
class AutoScalingWorkers:
    """COUNT instances of the Auto Scaling group GROUP. However the tasks end, at the end there is none.

    Its launch templates are what VERSION ($Latest, $Default, or a number) is when the refresh begins.
    """

    group: str
    count: int
    region: str | None = None
    version: str = "$Latest"
    poll_seconds: float = 30
    stall_seconds: float = 3600  # no progress for so long is a failure

    def make_tasks(self, load: Load):
        words = {"group": self.group, "job": load.index, "region": self.region}
        plan = plan_job(load)
        pin = PinWorkersOperator(task_id="pin_workers", version=self.version, **words)
        start = StartWorkersOperator(task_id="start_workers", count=self.count, **words)
        wait = GroupJobSensor(task_id="wait_for_job", poll_seconds=self.poll_seconds, stall_seconds=self.stall_seconds,
                              **words)
        # The setup changes nothing that costs: so a start that failed half way is followed by the teardown, too.
        stop = StopWorkersOperator(task_id="stop_workers", **words).as_teardown(setups=pin, on_failure_fail_dagrun=True)
        plan >> pin >> start >> wait >> stop
        return plan, wait

    def forget(self, load: Load):
        return forget_job(load)


@dataclass(frozen=True)
class ServeWorkers:
    """The servers (`bobbin serve`) at URLS, which have the model NAME, else one of the DAG's name.

    IDS: the first and the last that the table's key can have; those of PostgreSQL's integer, unless given.
    """

    urls: Sequence[str]
    table: str
    model: str | None = None
    ids: tuple[int, int] = (-(2**31), 2**31 - 1)
    token_conn_id: str | None = None
    poll_seconds: float = 30

    def make_tasks(self, load: Load):
        plan = BobbinOperator(task_id="plan", returns="shards", arguments=[
            "plan", "--json", "--shards", str(load.shards), f"--from={self.ids[0]}", f"--to={self.ids[1]}"])
        shards = BobbinServeOperator.partial(
            task_id="shards", urls=list(self.urls), model=self.model or load.model, table=self.table, index=load.index,
            token_conn_id=self.token_conn_id, poll_seconds=self.poll_seconds).expand(shard=plan.output)
        return plan, shards

    def forget(self, load: Load):
        return None


def forget_job(load: Load) -> BobbinOperator:
    return BobbinOperator(task_id="forget_job", arguments=["job", "delete", load.index])
