"""A sensor that waits for a job of several workers, and holds no worker of Airflow meanwhile."""

from collections.abc import Sequence
from datetime import timedelta

from airflow.sdk import BaseSensorOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from bobbin_airflow.program import Program
from bobbin_airflow.triggers import CANCELLED, DONE, STALLED, UNKNOWN, BobbinJobTrigger


class BobbinJobSensor(BaseSensorOperator):
    """Waits until all shards of the job are done, by whomever. It fails when documents were refused.

    :param job: the job
    :param program: how bobbin is called
    :param poll_seconds: how often it is asked
    :param stall_seconds: without any progress for so long it fails, and a retry waits as long again
    """

    template_fields: Sequence[str] = ("job",)

    def __init__(self, *, job: str, config: str | None = None, program: str = "bobbin", directory: str | None = None,
                 postgres_conn_id: str | None = None, cluster_conn_id: str | None = None, poll_seconds: float = 30,
                 stall_seconds: float = 3600, **kwargs):
        super().__init__(**kwargs)
        self.job = job
        self.config = config
        self.program = program
        self.directory = directory
        self.postgres_conn_id = postgres_conn_id
        self.cluster_conn_id = cluster_conn_id
        self.poll_seconds = poll_seconds
        self.stall_seconds = stall_seconds

    def execute(self, context):
        self.wait()

    def wait(self, workers: int | None = None) -> None:
        """Leave the worker, until there is something to do."""
        program = Program(self.config, self.program, self.directory, self.postgres_conn_id, self.cluster_conn_id)
        trigger = BobbinJobTrigger(self.job, program.asdict(), self.poll_seconds, self.stall_seconds, workers)
        self.defer(trigger=trigger, method_name="resume", timeout=timedelta(seconds=self.timeout))

    def resume(self, context, event: dict):
        """What the trigger has seen."""
        if event["state"] == UNKNOWN:
            raise AirflowFailException(event["error"])
        if event["state"] == CANCELLED:
            raise AirflowFailException(f"job {self.job} is cancelled")
        if event["state"] == STALLED:
            raise AirflowException(f"job {self.job}: no progress for {self.stall_seconds} s")
        if event["state"] == DONE and event["dead"]:
            raise AirflowFailException(f"job {self.job}: {event['dead']} documents were refused: mend the mapping, "
                                       f"then bobbin job retry-dead {self.job}")
        self.log.info("job %s is done: %d documents", self.job, event["acknowledged"])
